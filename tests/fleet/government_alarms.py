"""Alarms written as the platform writes them: the row and its line in the log, in one transaction."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from robot.fleet.tables import Alarm, AlarmLog

DEVICE = "hani-0001"


def change(session: Session, alarm_id: str, phase: str, now_s: float, **fields: Any) -> None:
    """Bring an alarm to `phase` and write that down; `fields` are columns of the alarm."""
    alarm = session.get(Alarm, alarm_id)
    if alarm is None:
        alarm = Alarm(
            alarm_id=alarm_id,
            device=DEVICE,
            type="fall",
            phase=phase,
            revision=0,
            severity="high",
            confidence=0.9,
            reasons=["lying"],
            test=False,
            onset_at_s=now_s - 5,
            received_at_s=now_s,
            changed_at_s=now_s,
            calls=0,
        )
        session.add(alarm)
    for name, value in {"phase": phase, "changed_at_s": now_s, **fields}.items():
        setattr(alarm, name, value)
    alarm.revision += 1
    session.flush()
    session.add(AlarmLog(alarm_id=alarm_id, at_s=now_s, what="reported", phase=phase, revision=alarm.revision))
    session.flush()
