"""Who looked at whose health data: one line in the audit for each person, device and ten minutes."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from robot.fleet import audit
from robot.fleet.database import Database
from robot.fleet.people.sight import Person
from robot.fleet.people.tables import Reading

ONCE_IN_S = 600.0
_NOTED = (
    "INSERT INTO readings (person_id, device, what, at_s) VALUES (:person, :device, :what, :now) "
    "ON CONFLICT (person_id, device, what) DO UPDATE SET at_s = excluded.at_s WHERE readings.at_s <= :lately"
)


def note(database: Database, person: Person, devices: Iterable[str], what: str, now_s: float) -> None:
    """Write down that the person is shown `what` ("alarms", "vitals") of these devices, unless it was lately."""
    wanted = set(devices)
    if not wanted:
        return
    with database.read() as session:
        wanted -= _lately(session, person, what, now_s)
    if not wanted:
        return
    with database.write() as session:
        for device in sorted(wanted):
            row = {"person": person.id, "device": device, "what": what, "now": now_s, "lately": now_s - ONCE_IN_S}
            if session.connection().execute(text(_NOTED), row).rowcount == 0:
                continue  # another page of the same person was quicker
            audit.append(
                session,
                at_s=now_s,
                actor=f"person:{person.id}",
                action="health.read",
                subject=f"device:{device}",
                detail={"what": what},
            )


def _lately(session: Session, person: Person, what: str, now_s: float) -> set[str]:
    mine = (Reading.person_id == person.id, Reading.what == what, Reading.at_s > now_s - ONCE_IN_S)
    return set(session.scalars(select(Reading.device).where(*mine)))
