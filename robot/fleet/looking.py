"""Questions of the pages to the database, answered as view models; and the health of the platform itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from robot.fleet import desk
from robot.fleet.contacts import Contacts, Site
from robot.fleet.database import Database
from robot.fleet.tables import Alarm, Bed, Change, Command, Device, DeviceState, Worker
from robot.fleet.views import AlarmView, Lens, RobotView, alarm_view, robot_view
from robot.fleet.words import LANGUAGES, Words

ENDED_SHOWN = 30
WORKER_SILENT_S = 12.0  # three heartbeats of robot.fleet.ingest


@dataclass(frozen=True, slots=True)
class Health:
    """How the platform itself stands; every False is said on the page."""

    database: bool
    worker: bool
    broker: bool

    @property
    def well(self) -> bool:
        return self.database and self.worker and self.broker


@dataclass(frozen=True)
class Platform:
    """What the pages work with."""

    database: Database
    contacts: Contacts = field(default_factory=Contacts)
    site: Site = field(default_factory=Site)
    ladder: desk.Ladder = field(default_factory=desk.Ladder)
    clock: Callable[[], float] = time.time

    def lens(self, language: str | None) -> Lens:
        """How a reader of this language looks; an unknown language is the site's."""
        chosen = language if language in LANGUAGES else self.site.language
        return Lens(Words(chosen or "zh"), self.site, self.contacts, self.ladder, self.clock())

    def alarms(self, lens: Lens, device: str | None = None) -> list[AlarmView]:
        """All open alarms and the newest ended ones, in the order of the page."""
        mine = [Alarm.device == device] if device else []
        with self.database.read() as session:
            open_ = session.scalars(select(Alarm).where(Alarm.phase.in_(sorted(desk.OPEN)), *mine)).all()
            ended = session.scalars(
                select(Alarm)
                .where(Alarm.phase.in_(sorted(desk.ENDED)), *mine)
                .order_by(Alarm.changed_at_s.desc())
                .limit(ENDED_SHOWN)
            ).all()
            views = [_view(session, alarm, lens) for alarm in (*open_, *ended)]
        return sorted(views, key=lambda view: view.order)

    def alarm(self, alarm_id: str, lens: Lens) -> AlarmView | None:
        with self.database.read() as session:
            alarm = session.get(Alarm, alarm_id)
            return _view(session, alarm, lens) if alarm else None

    def robots(self, lens: Lens) -> list[RobotView]:
        """All robots that are configured or were heard, by label."""
        with self.database.read() as session:
            devices = session.scalars(select(Device)).all()
            return sorted((_robot(session, device, lens) for device in devices), key=lambda view: view.label)

    def robot(self, device: str, lens: Lens) -> RobotView | None:
        with self.database.read() as session:
            row = session.get(Device, device)
            return _robot(session, row, lens) if row else None

    def health(self) -> Health:
        """Database, ingest worker, and the worker's link to the broker. What cannot be found out is not well."""
        if not self.database.answers():
            return Health(False, False, False)
        with self.database.read() as session:
            worker = session.get(Worker, "ingest")
        alive = worker is not None and abs(self.clock() - worker.beat_at_s) < WORKER_SILENT_S
        return Health(True, alive, alive and worker is not None and worker.linked)

    def newest_change(self) -> int:
        with self.database.read() as session:
            return session.scalar(select(func.max(Change.id))) or 0

    def changes(self, after: int) -> list[tuple[int, str, str | None]] | None:
        """(id, device, alarm) after an id, oldest first; None if some of them are no longer kept."""
        with self.database.read() as session:
            oldest, newest = session.execute(select(func.min(Change.id), func.max(Change.id))).one()
            if after > (newest or 0) or (oldest is not None and after < oldest - 1):
                return None
            query = select(Change.id, Change.device, Change.alarm_id).where(Change.id > after).order_by(Change.id)
            return [(id_, device, alarm_id) for id_, device, alarm_id in session.execute(query)]


def _view(session: Session, alarm: Alarm, lens: Lens) -> AlarmView:
    device = session.get(Device, alarm.device)
    newest = session.scalars(
        select(Command).where(Command.alarm_id == alarm.alarm_id).order_by(Command.made_at_s.desc()).limit(1)
    ).first()
    told = newest.confirmed_at_s is not None if newest else None
    return alarm_view(alarm, device.label if device else None, told, lens)


def _robot(session: Session, device: Device, lens: Lens) -> RobotView:
    count = select(func.count()).select_from(Alarm)
    open_alarms = session.scalar(count.where(Alarm.device == device.device, Alarm.phase.in_(sorted(desk.OPEN)))) or 0
    return robot_view(
        device, session.get(DeviceState, device.device), session.get(Bed, device.device), open_alarms, lens
    )
