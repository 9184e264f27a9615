"""The bridge as a process, killed at any moment, against a stand-in that fails in every way: once each, in order."""

from __future__ import annotations

import base64
import csv
import io
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy import func, select

from robot.fleet import audit
from robot.fleet.database import open_database
from robot.fleet.government import sm2
from robot.fleet.government.__main__ import main
from robot.fleet.government.tables import DEAD, DELIVERED, WAITING, GovernmentItem, GovernmentPending
from robot.fleet.tables import AlarmLog, Worker
from tests.fleet import government_stand_in
from tests.fleet.conftest import PATIENCE_S, ROOT, Broker, Postgres, free_port, until
from tests.fleet.government_alarms import change
from tests.fleet.government_stand_in import NOTICE, Mood, StandIn, standing_in

pytestmark = pytest.mark.fleet

PHASES = ("raised", "acknowledged", "closed")
MOODS: tuple[Mood, ...] = ("well", "broken", "forgetful", "well", "reset", "garbled", "well", "busy", "slow")
TOKEN, SM2_KEY, SM4_KEY = "token-71c0ffee", "39" * 32, "a7" * 16


RETRY = {"first_s": 0.05, "longest_s": 0.5, "pause_s": 0.1, "longest_pause_s": 0.3}


class Rig:
    """A platform's database, a settings file and the bridge's process."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url, self.data = folder, url, folder / "data"
        self.database = open_database(self.data, url)
        self.log = (folder / "log").open("wb")
        self.process: subprocess.Popen[bytes] | None = None
        (folder / "devices.csv").write_text("device,elder_id\nhani-0001,E-1\n")

    def configure(self, target: dict[str, Any], **more: Any) -> Path:
        settings = {
            "target": target,
            "retry": RETRY,
            "lookup": {"file": "devices.csv"},
            "tables": {"codes": {"fall": "01"}},
            "messages": [
                {
                    "events": ["raised", "reopened", "acknowledged", "closed", "cancelled"],
                    "path": "/warning",
                    "fields": [
                        {"to": "msgId", "from": "key"},
                        {"to": "warnNo", "from": "alarm_id"},
                        {"to": "event", "from": "event"},
                        {"to": "type", "from": "type", "table": "codes"},
                        {"to": "elderId", "lookup": "elder_id"},
                    ],
                }
            ],
            **more,
        }
        path = self.folder / "government.yaml"
        path.write_text(yaml.safe_dump(settings))
        return path

    def http(self, stand_in: StandIn, **more: Any) -> Path:
        answers = {"code_path": "code", "duplicate_codes": ["A0409"], "refused_codes": ["A0422"], "message_path": "msg"}
        target = {"kind": "http", "url": stand_in.url, "timeout_s": 1.0, "answers": answers, **more.pop("target", {})}
        return self.configure(target, **more)

    def start(self) -> None:
        command = [*self.command(), "--config", str(self.folder / "government.yaml")]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=self.log, stderr=self.log)

    def begin(self) -> None:
        """Start for the first time ever, and wait until that start is over: it passes over what has ended."""
        self.start()
        until(self.is_known)

    def is_known(self) -> bool:
        with self.database.read() as session:
            return session.get(Worker, "government") is not None

    def command(self, *words: str) -> list[str]:
        bridge = [sys.executable, "-m", "robot.fleet.government"]
        place = ["--data", str(self.data), "--database-url", self.url]
        return (
            [*bridge, "dead-letters", *place, *words[1:]]
            if words[:1] == ("dead-letters",)
            else [*bridge, *place, *words]
        )

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command as its process would do it, without the second that an interpreter takes to start."""
        command, out, err = self.command(*words)[3:], io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = main(command)
        return subprocess.CompletedProcess(command, code, out.getvalue(), err.getvalue())

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def change(self, alarm_id: str, *phases: str, **fields: Any) -> None:
        for phase in phases:
            with self.database.write() as session:
                change(session, alarm_id, phase, time.time(), **fields)

    def count(self, state: str) -> int:
        with self.database.read() as session:
            query = select(func.count()).select_from(GovernmentItem).where(GovernmentItem.state == state)
            return session.scalar(query) or 0

    def settled(self, number: int) -> bool:
        with self.database.read() as session:
            pending = session.scalar(select(func.count()).select_from(GovernmentPending))
        return pending == 0 and self.count(WAITING) == 0 and self.count(DELIVERED) + self.count(DEAD) >= number

    def end(self) -> None:
        self.kill()
        self.database.close()
        self.log.close()


@pytest.fixture
def rig(tmp_path: Path, store_url: str) -> Iterator[Rig]:
    rig = Rig(tmp_path, store_url)
    yield rig
    rig.end()


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    with standing_in(StandIn()) as server:
        yield server


@pytest.fixture
def sqlite_rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path, f"sqlite:///{tmp_path / 'platform.db'}")
    yield rig
    rig.end()


def _until_asked_beyond(stand_in: StandIn, requests: int) -> None:
    until(lambda: stand_in.requests > requests)


def _until_more_files(folder: Path, count: int) -> None:
    until(lambda: len(list(folder.glob("*"))) > count)


def test_killed_at_any_moment_everything_arrives_once_and_in_order(rig: Rig, stand_in: StandIn) -> None:
    stand_in.mood = lambda number, _letter: MOODS[number % len(MOODS)]
    rig.http(stand_in, retry={**RETRY, "give_up_attempts": 1000})  # a stand-in so ill-tempered kills letters otherwise
    alarms = [f"alarm-{number:04}" for number in range(12)]
    rig.begin()
    for number, alarm_id in enumerate(alarms):
        rig.change(alarm_id, *PHASES)
        if number % 3 == 2:
            _until_asked_beyond(stand_in, stand_in.requests + 2)
            rig.kill()  # in the middle: letters are on their way, taken and not noted, or noted and not answered
            rig.start()
    until(lambda: rig.settled(3 * len(alarms)))
    assert len(stand_in.keys()) == len(set(stand_in.keys())) == 3 * len(alarms)
    for alarm_id in alarms:
        assert [letter["event"] for letter in stand_in.committed if letter["warnNo"] == alarm_id] == list(PHASES)
    assert {"forgetful", "broken", "reset", "garbled", "busy"} <= set(stand_in.moods)
    assert stand_in.duplicates >= 1
    assert rig.count(DEAD) == 0
    assert rig.process is not None
    rig.process.send_signal(signal.SIGTERM)
    assert rig.process.wait(PATIENCE_S) == 0


def test_a_line_that_commits_late_is_not_skipped(tmp_path: Path, postgres_url: str, stand_in: StandIn) -> None:
    """PostgreSQL gives ids before the commit: a cursor over them would have passed by the slower transaction."""
    rig = Rig(tmp_path, postgres_url)
    try:
        rig.http(stand_in)
        rig.start()
        with rig.database.write() as slow:
            change(slow, "alarm-slow", "raised", time.time())
            rig.change("alarm-quick", "raised")
            until(lambda: [letter["warnNo"] for letter in stand_in.committed] == ["alarm-quick"])
            ids = dict(slow.execute(select(AlarmLog.alarm_id, AlarmLog.id)).tuples().all())
            assert ids["alarm-slow"] < ids["alarm-quick"]
        until(lambda: [letter["warnNo"] for letter in stand_in.committed] == ["alarm-quick", "alarm-slow"])
    finally:
        rig.end()


def test_a_second_bridge_is_refused_and_takes_over_when_the_first_is_gone(rig: Rig, stand_in: StandIn) -> None:
    path = rig.http(stand_in)
    rig.start()
    rig.change("alarm-0001", "raised")
    until(lambda: rig.settled(1))
    other = rig.folder / "elsewhere" if "postgresql" in rig.url else rig.data  # PostgreSQL: from another machine too
    command = [sys.executable, "-m", "robot.fleet.government", "--data", str(other), "--database-url", rig.url]
    command += ["--config", str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 1
    assert "another bridge" in done.stderr
    rig.kill()
    rig.start()
    rig.change("alarm-0001", "closed")
    until(lambda: rig.settled(2))
    assert len(stand_in.committed) == 2


def test_the_bridge_outlives_its_database(tmp_path: Path, own_postgres: Postgres, stand_in: StandIn) -> None:
    rig = Rig(tmp_path, own_postgres.url(own_postgres.make_database()))
    try:
        rig.http(stand_in)
        rig.begin()
        rig.change("alarm-0001", "raised")
        until(lambda: rig.settled(1))
        own_postgres.kill()
        until(lambda: b"database refuses" in (tmp_path / "log").read_bytes())
        own_postgres.start()
        rig.change("alarm-0001", "acknowledged", "closed")
        until(lambda: rig.settled(3))
        assert [letter["event"] for letter in stand_in.committed] == list(PHASES)
        assert rig.process is not None
        assert rig.process.poll() is None
    finally:
        rig.end()


def test_dead_letters_are_listed_shown_replayed_dropped_and_audited(rig: Rig, stand_in: StandIn) -> None:
    stand_in.refuses = lambda letter: "no such elder" if letter["elderId"] == "E-1" else None
    rig.http(stand_in)
    rig.begin()
    rig.change("alarm-0001", *PHASES)
    rig.change("alarm-0002", "raised")
    until(lambda: rig.count(DEAD) == 4)
    listed = rig.run("dead-letters", "list")
    assert (listed.returncode, listed.stdout.splitlines()[-1]) == (0, "4 dead letters")
    assert "code A0422: no such elder" in listed.stdout
    keys = [line.split()[0] for line in listed.stdout.splitlines()[:-1]]
    assert "alarm: alarm-0002" in rig.run("dead-letters", "show", keys[3]).stdout
    assert rig.run("dead-letters", "replay").returncode == 1
    assert rig.run("dead-letters", "replay", "nonsense").returncode == 1
    (rig.folder / "devices.csv").write_text("device,elder_id\nhani-0001,E-0002\n")  # the mistake is put right
    assert rig.run("dead-letters", "drop", keys[3], "--reason", "tried twice", "--by", "operator-7").returncode == 0
    assert rig.run("dead-letters", "replay", "--all", "--by", "operator-7").returncode == 0
    until(lambda: rig.settled(3))
    assert [(letter["event"], letter["elderId"]) for letter in stand_in.committed] == [(p, "E-0002") for p in PHASES]
    assert "0 dead letters" in rig.run("dead-letters", "list").stdout
    assert audit.verify(rig.database).entries == 2
    with rig.database.read() as session:
        assert [actor for actor in session.scalars(select(audit.AuditEntry.actor)) if "operator-7" in actor] == []
        details = session.scalars(select(audit.AuditDetail.detail)).all()
    assert all('"by":"operator-7"' in detail for detail in details), "a name stands where it can be erased"


def test_what_concerns_us_and_not_the_letter_only_pauses(sqlite_rig: Rig, stand_in: StandIn) -> None:
    rig, well = sqlite_rig, False
    stand_in.mood = lambda _number, _letter: "well" if well else "closed"
    rig.http(stand_in, target={"url": f"http://127.0.0.1:{free_port()}/openapi"})
    rig.begin()
    rig.change("alarm-0001", *PHASES)
    until(lambda: rig.count(WAITING) >= 1)
    time.sleep(0.5)
    rig.kill()
    rig.http(stand_in)
    rig.start()
    until(lambda: stand_in.requests > 15)
    assert (rig.count(DEAD), rig.count(WAITING)) == (0, 3)
    well = True
    until(lambda: rig.settled(3))
    assert [letter["event"] for letter in stand_in.committed] == list(PHASES)


def test_signed_and_sealed_letters_are_verified_there_and_no_secret_is_logged(
    sqlite_rig: Rig, stand_in: StandIn
) -> None:
    rig = sqlite_rig
    public_key = sm2.Signer(bytes.fromhex(SM2_KEY)).public_key

    def opens(body: bytes, headers: dict[str, str]) -> bytes:
        signed = f"{headers['X-Timestamp']}\n{headers['X-Nonce']}\n".encode() + body
        signature = decode_dss_signature(base64.b64decode(headers["X-Signature"]))
        if not government_stand_in.sm2_verifies(public_key, signed, signature):
            raise ValueError("bad signature")
        if headers["Authorization"] != f"Bearer {TOKEN}":
            raise ValueError("bad token")
        return government_stand_in.sm4_gcm_opens(bytes.fromhex(SM4_KEY), json.loads(body)["data"])

    stand_in.opens = opens
    stand_in.mood = lambda number, _letter: MOODS[number % len(MOODS)]
    for name, text in (("token", TOKEN), ("sm2", SM2_KEY), ("sm4", SM4_KEY)):
        (rig.folder / name).write_text(text)
        (rig.folder / name).chmod(0o600)
    path = rig.http(
        stand_in,
        target={"token_file": "token"},
        signature={"algorithm": "sm2-sm3", "key_file": "sm2"},
        encryption={"algorithm": "sm4-gcm", "key_file": "sm4"},
    )
    rig.begin()
    for number in range(3):
        rig.change(f"alarm-000{number}", *PHASES, acknowledged_by="王芳", closed_by="王芳")
    until(lambda: rig.settled(9))
    assert len(stand_in.committed) == 9
    checked = subprocess.run(
        [sys.executable, "-m", "robot.fleet.government", "check", "--config", str(path), "--sample"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=True,
    ).stdout
    written = (rig.folder / "log").read_text() + checked
    assert "queued" in written
    for secret in (TOKEN, SM2_KEY, SM4_KEY, "王芳", "E-1\n"):
        assert secret not in written


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_files_hold_each_letter_once_however_often_the_bridge_is_killed(rig: Rig, form: str) -> None:
    out = rig.folder / "out"
    rig.configure({"kind": "file", "folder": "out", "format": form, "rows_per_file": 20})
    alarms = [f"alarm-{number:04}" for number in range(20)]
    rig.begin()
    for number, alarm_id in enumerate(alarms):
        rig.change(alarm_id, *PHASES)
        if number % 5 == 4:
            _until_more_files(out, number // 10)
            rig.kill()
            rig.start()
    until(lambda: rig.settled(3 * len(alarms)))
    rows: list[tuple[str, str]] = []
    for path in sorted(out.glob(f"*.{form}")):
        text = path.read_text()
        if form == "jsonl":
            rows += [(row["warnNo"], row["event"]) for row in map(json.loads, text.splitlines())]
        else:
            rows += [(row["warnNo"], row["event"]) for row in csv.DictReader(text.splitlines())]
    assert len(rows) == 3 * len(alarms)
    for alarm_id in alarms:
        assert [event for found, event in rows if found == alarm_id] == list(PHASES)


class MqttRegion:
    """A stand-in behind the broker: answers each letter once it has it, forgets some answers, says so of repeats."""

    def __init__(self, port: int) -> None:
        self.committed: list[dict[str, Any]] = []
        self.duplicates = self.received = 0
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self._client.on_connect = lambda client, *_: client.subscribe("civil/#", qos=1)
        self._client.on_message = self._take
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def _take(self, client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        if message.topic == "civil/reply":
            return
        letter = json.loads(message.payload)
        self.received += 1
        code: int | str = 0
        if letter["msgId"] in [known["msgId"] for known in self.committed]:
            self.duplicates, code = self.duplicates + 1, "A0409"
        else:
            self.committed.append(letter)
        if self.received % 4 != 1:
            client.publish("civil/reply", json.dumps({"key": letter["msgId"], "code": code}), qos=1)

    def end(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def test_mqtt_with_an_answer_survives_the_broker_and_lost_answers(sqlite_rig: Rig, stopped_broker: Broker) -> None:
    rig, broker = sqlite_rig, stopped_broker
    target = {"kind": "mqtt", "host": "127.0.0.1", "port": broker.port, "topic": "civil", "tls": None}
    answers = {"code_path": "code", "duplicate_codes": ["A0409"]}
    rig.configure({**target, "reply_topic": "civil/reply", "timeout_s": 1.0, "answers": answers})
    rig.change("alarm-0001", "raised")
    rig.start()
    until(lambda: rig.count(WAITING) == 1)
    broker.start()
    region = MqttRegion(broker.port)
    try:
        until(lambda: rig.settled(1))
        rig.change("alarm-0002", *PHASES)
        until(lambda: region.received >= 2)
        broker.kill()
        rig.change("alarm-0001", "acknowledged", "closed")
        broker.start()
        until(lambda: rig.settled(6))
    finally:
        region.end()
    for alarm_id in ("alarm-0001", "alarm-0002"):
        assert [letter["event"] for letter in region.committed if letter["warnNo"] == alarm_id] == list(PHASES)
    assert region.duplicates >= 1
    assert rig.count(DEAD) == 0


def test_what_cannot_be_used_ends_with_one_line(sqlite_rig: Rig, stand_in: StandIn) -> None:
    rig = sqlite_rig

    def fails(*words: str) -> str:
        done = rig.run(*words)
        assert done.returncode == 1
        assert len(done.stderr.splitlines()) == 1
        return done.stderr

    path = rig.http(stand_in, colour="red")
    assert "colour" in fails("--config", str(path))
    (rig.folder / "token").write_text(TOKEN)
    (rig.folder / "token").chmod(0o644)
    path = rig.http(stand_in, target={"token_file": "token"})
    told = fails("--config", str(path))
    assert "chmod 600" in told
    assert TOKEN not in told


def test_the_stand_in_says_that_it_is_one(stand_in: StandIn) -> None:
    import urllib.request

    with urllib.request.urlopen(stand_in.url, timeout=PATIENCE_S) as answer:
        assert answer.read().decode() == NOTICE
        assert answer.headers["Server"].startswith("hani-stand-in")
