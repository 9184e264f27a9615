"""Questions of the pages to the database, answered as view models; and the health of the platform itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from sqlalchemy import func, or_, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from robot.fleet import desk, handling
from robot.fleet.contacts import Contacts, Site
from robot.fleet.database import Database
from robot.fleet.desk_tables import DeskDevice
from robot.fleet.government import watch as government
from robot.fleet.handling import ChannelFault
from robot.fleet.people import ALL, Person, Sight, visible_devices
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
    region: Mapping[str, float] = field(default_factory=dict)  # troubles on the way to it, and since when

    @property
    def well(self) -> bool:
        return self.database and self.worker and self.broker and self.desk


@dataclass(frozen=True, slots=True)
class Standing:
    """What every page says of the platform: its health, and (device, label) of robots that are offline, by label."""

    health: Health
    offline: tuple[tuple[str, str], ...] = ()

    def offline_for(self, sight: Sight) -> list[str]:
        """The labels of the reader's robots among them: at most OFFLINE_NAMED, and an ellipsis for the others."""
        seen = (label for device, label in self.offline if sight.sees(device))
        labels = list(islice(seen, OFFLINE_NAMED + 1))
        return labels if len(labels) <= OFFLINE_NAMED else [*labels[:OFFLINE_NAMED], "…"]


@dataclass(frozen=True, slots=True)
class Rows:
    """Alarms as they stood at one moment, with all that their rows say, for readers of any language and sight."""

    alarms: tuple[Alarm, ...] = ()
    labels: Mapping[str, str | None] = field(default_factory=dict)
    told: Mapping[str, bool] = field(default_factory=dict)
    cases: Mapping[str, Sequence[Alarm]] = field(default_factory=dict)

    def views(self, lens: Lens, sight: Sight) -> list[AlarmView]:
        """The rows that this reader may see."""
        return [self._view(alarm, lens, sight) for alarm in self.alarms if sight.sees(alarm.device)]

    def _view(self, alarm: Alarm, lens: Lens, sight: Sight) -> AlarmView:
        event = self.cases.get(alarm.case_id or "", ())
        others = [other for other in event if other.alarm_id != alarm.alarm_id and sight.sees(other.device)]
        return alarm_view(alarm, self.labels.get(alarm.device), self.told.get(alarm.alarm_id), others, lens)


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
        with self.database.read() as session:
            mine = [*sight.where(session, Alarm.device), *([Alarm.device == device] if device else [])]
            open_ = session.scalars(select(Alarm).where(Alarm.phase.in_(sorted(desk.OPEN)), *mine)).all()
            ended = session.scalars(
                select(Alarm)
                .where(Alarm.phase.in_(sorted(desk.ENDED)), *mine)
                .order_by(Alarm.changed_at_s.desc())
                .limit(ENDED_SHOWN)
            ).all()
            rows = _rows(session, [*open_, *ended])
        return sorted(rows.views(lens, sight), key=lambda view: view.order)

    def alarm(self, alarm_id: str, lens: Lens, sight: Sight) -> AlarmView | None:
        """One alarm; None for one that is not there or not for this reader."""
        with self.database.read() as session:
            alarm = session.get(Alarm, alarm_id)
            seen = alarm is not None and sight.sees(alarm.device)
            return _rows(session, [alarm]).views(lens, sight)[0] if alarm and seen else None

    def rows(self, alarm_ids: Sequence[str]) -> Rows:
        """The alarms of these ids, with three questions for every ASKED_AT_ONCE of them."""
        with self.database.read() as session:
            alarms: list[Alarm] = []
            for start in range(0, len(alarm_ids), ASKED_AT_ONCE):
                some = alarm_ids[start : start + ASKED_AT_ONCE]
                alarms += session.scalars(select(Alarm).where(Alarm.alarm_id.in_(some)))
            return _rows(session, alarms)

    def robots(self, lens: Lens, sight: Sight, skip: int = 0) -> list[RobotView]:
        """Robots that are configured or were heard, by label: at most ROBOTS_SHOWN of them, after `skip`."""
        label = func.coalesce(Device.label, Device.device)
        with self.database.read() as session:
            mine = select(Device).where(*sight.where(session, Device.device)).order_by(label, Device.device)
            devices = session.scalars(mine.offset(skip).limit(ROBOTS_SHOWN)).all()
            return [_robot(session, device, lens) for device in devices]

    def robot(self, device: str, lens: Lens, sight: Sight) -> RobotView | None:
        """One robot; None for one that is not there or not for this reader."""
        with self.database.read() as session:
            row = session.get(Device, device)
            return _robot(session, row, lens) if row and sight.sees(device) else None

    def standing(self, sight: Sight = ALL) -> Standing:
        """The platform's health and the robots in sight that are offline."""
        try:
            health = self.health()
            return Standing(health, self._offline(sight) if health.database else ())
        except SQLAlchemyError:  # it answered a moment ago
            return Standing(Health(False, False, False, False))

    def _offline(self, sight: Sight) -> tuple[tuple[str, str], ...]:
        silent = or_(DeviceState.online.is_(False), Device.last_seen_at_s < self.clock() - desk.OFFLINE_AFTER_S)
        label = func.coalesce(Device.label, Device.device)
        with self.database.read() as session:
            asked = (
                select(Device.device, label)
                .outerjoin(DeviceState, DeviceState.device == Device.device)
                .where(Device.last_seen_at_s.is_not(None), silent, *sight.where(session, Device.device))
                .order_by(label)
            )
            return tuple((device, name) for device, name in session.execute(asked))

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
        """Database, ingest and its link, the desk and its channels, the bridge. What is not known is not well."""
        if not self.database.answers():
            return Health(False, False, False, False)
        now_s = self.clock()
        with self.database.read() as session:
            workers = [row for row in session.scalars(select(Worker)) if abs(now_s - row.beat_at_s) < WORKER_SILENT_S]
            faults = handling.failing_channels(session, now_s, self.site.channels)
            region = government.troubles(session, now_s)
        ingest = [worker for worker in workers if worker.name.startswith("ingest")]
        desk_alive = any(worker.name == "desk" for worker in workers)
        return Health(True, bool(ingest), any(worker.linked for worker in ingest), desk_alive, tuple(faults), region)

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


def _rows(session: Session, alarms: Sequence[Alarm]) -> Rows:
    """What the rows of these alarms need, with three questions for every ASKED_AT_ONCE of them."""
    labels: dict[str, str | None] = {}
    told: dict[str, bool] = {}
    cases: dict[str, dict[str, Alarm]] = {}
    for start in range(0, len(alarms), ASKED_AT_ONCE):
        some = alarms[start : start + ASKED_AT_ONCE]
        asked = select(Device.device, Device.label).where(Device.device.in_({alarm.device for alarm in some}))
        labels |= dict(session.execute(asked).tuples().all())
        told |= _told(session, [alarm.alarm_id for alarm in some])
        members = select(Alarm).where(Alarm.case_id.in_({alarm.case_id for alarm in some if alarm.case_id}))
        for member in session.scalars(members.order_by(Alarm.received_at_s, Alarm.alarm_id)):
            cases.setdefault(member.case_id or "", {})[member.alarm_id] = member
    return Rows(tuple(alarms), labels, told, {case: tuple(members.values()) for case, members in cases.items()})


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
