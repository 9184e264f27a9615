"""A platform in a folder of its own, with a clock that stands still until it is moved."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from robot.fleet import intake
from robot.fleet.contacts import Contacts
from robot.fleet.database import Database, open_database
from robot.fleet.looking import Platform
from robot.fleet.tables import Alarm, Command
from robot.reporting.contract import AlarmBody, AlarmReport, Wire, topic

DEVICE = "hani-0001"
ALARM = "alarm-0001"


class Home:
    """Sends a robot's messages into the database and keeps the time."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.now_s = 1_000_000.0
        contacts = Contacts.model_validate(
            {
                "duty": {"name": "值班室", "role": "旗县值班", "phone": "0470-0000000"},
                "homes": [
                    {
                        "device": DEVICE,
                        "label": "幸福家园 201",
                        "first": {"name": "王芳", "role": "护理员", "phone": "13800000001"},
                        "second": {"name": "巴特尔", "role": "家属", "phone": "13800000002"},
                    }
                ],
            }
        )
        self.platform = Platform(database, contacts, clock=lambda: self.now_s)
        self._sent = 0

    def send(self, leaf: str, message: Wire, *, device: str = DEVICE) -> dict[str, list[str]]:
        item = intake.read(topic(device, leaf), message.encode(), self.now_s)
        return intake.commit(self.database, [item])

    def alarm(self, phase: str = "raised", revision: int = 1, **fields: object) -> dict[str, list[str]]:
        return self.send("e/alarm", self.report(phase, revision, test=bool(fields.pop("test", False)), **fields))

    def report(self, phase: str = "raised", revision: int = 1, *, test: bool = False, **fields: object) -> AlarmReport:
        self._sent += 1
        body = {
            "alarm_id": ALARM,
            "type": "fall",
            "phase": phase,
            "revision": revision,
            "severity": "high",
            "confidence": 0.9,
            "onset_ts": self.now_s - 5,
            **fields,
        }
        return AlarmReport(
            id=f"message-{self._sent:04}",
            dev=DEVICE,
            seq=self._sent,
            ts=self.now_s,
            test=test,
            body=AlarmBody.model_validate(body),
        )


def alarm(home: Home) -> Alarm:
    """The alarm as the database holds it."""
    with home.database.read() as session:
        found = session.get(Alarm, ALARM)
    assert found is not None
    return found


def pending(home: Home) -> list[Command]:
    """The commands that no robot has confirmed, oldest first."""
    with home.database.read() as session:
        query = select(Command).where(Command.confirmed_at_s.is_(None)).order_by(Command.made_at_s)
        return list(session.scalars(query))


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    database = open_database(tmp_path)
    yield Home(database)
    database.close()
