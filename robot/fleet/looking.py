"""Questions of the pages to the database, answered as view models; and the health of the platform itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from robot.fleet import desk, handling
from robot.fleet.contacts import Contacts, Site
from robot.fleet.database import Database
from robot.fleet.desk_tables import DeskDevice
from robot.fleet.handling import ChannelFault
from robot.fleet.people import Person, Sight, visible_devices
from robot.fleet.tables import Alarm, Bed, Change, Command, Device, DeviceState, Worker
from robot.fleet.views import AlarmView, Lens, RobotView, alarm_view, robot_view
from robot.fleet.words import LANGUAGES, Words

ENDED_SHOWN = 30
ROBOTS_SHOWN = 100
OFFLINE_NAMED = 12
ASKED_AT_ONCE = 500
WORKER_SILENT_S = 12.0  # three heartbeats of robot.fleet.ingest


@dataclass(frozen=True, slots=True)
class Health:
    """How the platform itself stands; every False is said on the page."""

    database: bool
    worker: bool
    broker: bool
    desk: bool
    faults: tuple[ChannelFault, ...] = ()

    @property
    def well(self) -> bool:
        return self.database and self.worker and self.broker and self.desk


@dataclass(frozen=True)
class Platform:
    """What the pages work with."""

    database: Database
    contacts: Contacts = field(default_factory=Contacts)
    site: Site = field(default_factory=Site)
    clock: Callable[[], float] = time.time

    def lens(self, language: str | None) -> Lens:
        """How a reader of this language looks; an unknown language is the site's."""
        chosen = language if language in LANGUAGES else self.site.language
        return Lens(Words(chosen or "zh"), self.site, self.contacts, self.clock())

    def sight(self, person: Person) -> Sight:
        """Which devices this person may see, now."""
        return visible_devices(person, self.contacts, self.site)

    def alarms(self, lens: Lens, sight: Sight, device: str | None = None) -> list[AlarmView]:
        """All open alarms and the newest ended ones, in the order of the page."""
        mine = [*sight.where(Alarm.device), *([Alarm.device == device] if device else [])]
        with self.database.read() as session:
            open_ = session.scalars(select(Alarm).where(Alarm.phase.in_(sorted(desk.OPEN)), *mine)).all()
            ended = session.scalars(
                select(Alarm)
                .where(Alarm.phase.in_(sorted(desk.ENDED)), *mine)
                .order_by(Alarm.changed_at_s.desc())
                .limit(ENDED_SHOWN)
            ).all()
            views = _views(session, [*open_, *ended], lens, sight)
        return sorted(views, key=lambda view: view.order)

    def alarm(self, alarm_id: str, lens: Lens, sight: Sight) -> AlarmView | None:
        """One alarm; None for one that is not there or not for this reader."""
        with self.database.read() as session:
            alarm = session.get(Alarm, alarm_id)
            return _views(session, [alarm], lens, sight)[0] if alarm and sight.sees(alarm.device) else None

    def robots(self, lens: Lens, sight: Sight, skip: int = 0) -> list[RobotView]:
        """Robots that are configured or were heard, by label: at most ROBOTS_SHOWN of them, after `skip`."""
        label = func.coalesce(Device.label, Device.device)
        mine = select(Device).where(*sight.where(Device.device)).order_by(label, Device.device)
        with self.database.read() as session:
            devices = session.scalars(mine.offset(skip).limit(ROBOTS_SHOWN)).all()
            return [_robot(session, device, lens) for device in devices]

    def robot(self, device: str, lens: Lens, sight: Sight) -> RobotView | None:
        """One robot; None for one that is not there or not for this reader."""
        with self.database.read() as session:
            row = session.get(Device, device)
            return _robot(session, row, lens) if row and sight.sees(device) else None

    def offline(self, lens: Lens, sight: Sight) -> list[str]:
        """The labels of robots that are offline: at most OFFLINE_NAMED, and an ellipsis for the others."""
        silent = or_(DeviceState.online.is_(False), Device.last_seen_at_s < lens.now_s - desk.OFFLINE_AFTER_S)
        label = func.coalesce(Device.label, Device.device)
        asked = (
            select(label)
            .outerjoin(DeviceState, DeviceState.device == Device.device)
            .where(Device.last_seen_at_s.is_not(None), silent, *sight.where(Device.device))
            .order_by(label)
            .limit(OFFLINE_NAMED + 1)
        )
        with self.database.read() as session:
            labels = list(session.scalars(asked))
        return labels if len(labels) <= OFFLINE_NAMED else [*labels[:OFFLINE_NAMED], "…"]

    def districts(self, sight: Sight) -> list[str]:
        """The region codes among the homes that this reader sees."""
        return sorted({home.region or self.site.region for home in self.contacts.homes if sight.sees(home.device)})

    def district(self, sight: Sight, code: str) -> Sight:
        """What of it lies in one district; robots without a home stand in the site's own."""
        homes = {home.device: home.region or self.site.region for home in self.contacts.homes}
        if code == self.site.region:
            return Sight(sight.only, sight.hidden | {device for device, region in homes.items() if region != code})
        return sight.within(device for device, region in homes.items() if region == code)

    def health(self) -> Health:
        """Database, ingest and its link to the broker, the desk and its channels. What is not known is not well."""
        if not self.database.answers():
            return Health(False, False, False, False)
        now_s = self.clock()
        with self.database.read() as session:
            workers = [row for row in session.scalars(select(Worker)) if abs(now_s - row.beat_at_s) < WORKER_SILENT_S]
            faults = handling.failing_channels(session, now_s)
        ingest = [worker for worker in workers if worker.name.startswith("ingest")]
        desk_alive = any(worker.name == "desk" for worker in workers)
        return Health(True, bool(ingest), any(worker.linked for worker in ingest), desk_alive, tuple(faults))

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


def _views(session: Session, alarms: list[Alarm], lens: Lens, sight: Sight) -> list[AlarmView]:
    """The rows of these alarms, with three questions for every ASKED_AT_ONCE of them."""
    views = []
    for start in range(0, len(alarms), ASKED_AT_ONCE):
        some = alarms[start : start + ASKED_AT_ONCE]
        asked = select(Device.device, Device.label).where(Device.device.in_({alarm.device for alarm in some}))
        labels = {row.device: row.label for row in session.execute(asked)}
        told = _told(session, [alarm.alarm_id for alarm in some])
        cases: dict[str, list[Alarm]] = {}
        members = select(Alarm).where(Alarm.case_id.in_({alarm.case_id for alarm in some if alarm.case_id}))
        for member in session.scalars(members.order_by(Alarm.received_at_s, Alarm.alarm_id)):
            cases.setdefault(member.case_id or "", []).append(member)
        for alarm in some:
            others = [one for one in cases.get(alarm.case_id or "", ()) if one is not alarm and sight.sees(one.device)]
            views.append(alarm_view(alarm, labels.get(alarm.device), told.get(alarm.alarm_id), others, lens))
    return views


def _told(session: Session, alarm_ids: list[str]) -> dict[str, bool]:
    """Whether the robot has confirmed the newest command about each alarm; alarms without one are left out."""
    asked = select(Command.alarm_id, Command.confirmed_at_s).where(Command.alarm_id.in_(alarm_ids))
    return {alarm_id: at_s is not None for alarm_id, at_s in session.execute(asked.order_by(Command.made_at_s))}


def _robot(session: Session, device: Device, lens: Lens) -> RobotView:
    count = select(func.count()).select_from(Alarm)
    open_alarms = session.scalar(count.where(Alarm.device == device.device, Alarm.phase.in_(sorted(desk.OPEN)))) or 0
    return robot_view(
        device,
        session.get(DeviceState, device.device),
        session.get(Bed, device.device),
        open_alarms,
        session.get(DeskDevice, device.device),
        lens,
    )
