"""What the pages and the API show: rows of the database turned into words. Unknown stays unknown, never "normal"."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from robot.fleet import desk
from robot.fleet.contacts import Contacts, Person, Site
from robot.fleet.desk_tables import DeskDevice
from robot.fleet.handling import LONGEST_MAINTENANCE_S, case_of
from robot.fleet.tables import Alarm, Bed, Device, DeviceState
from robot.fleet.words import Words

BED_STALE_S = 150.0  # robots report a bed at least once a minute
SEVERITIES = ("high", "medium", "low")


@dataclass(frozen=True, slots=True)
class Lens:
    """Through what a reader looks: the language, the site, the contacts and the present moment."""

    words: Words
    site: Site
    contacts: Contacts
    now_s: float

    def clock(self, at_s: float) -> str:
        """A moment for people: the time, with the date unless it is today."""
        zone = ZoneInfo(self.site.timezone)
        at, now = datetime.fromtimestamp(at_s, zone), datetime.fromtimestamp(self.now_s, zone)
        return f"{at:%H:%M}" if at.date() == now.date() else f"{at:%Y-%m-%d %H:%M}"


@dataclass(frozen=True, slots=True)
class CallView:
    """Whom to call now."""

    person: str | None
    role: str | None
    phone: str
    number: int


@dataclass(frozen=True, slots=True)
class AlarmView:
    """One alarm for the list. `order` sorts rows, `waiting_since_s` runs the clock.

    `list` is "open", "technical" (about machines, and open) or "done"; a `calm` one rings once; `others` are the alarms
    of the same event.
    """

    alarm_id: str
    device: str
    where: str
    room: str | None
    type: str
    severity: str
    phase: str
    test: bool
    list: str
    order: str
    onset_at_s: float
    waiting_since_s: float | None
    facts: tuple[str, ...]
    call: CallView | None
    robot_silent: bool
    answered: str | None
    outlook: str | None
    ended: str | None
    told: bool | None
    maintenance: bool
    calm: bool
    others: tuple[str, ...]


def alarm_view(alarm: Alarm, label: str | None, told: bool | None, others: Iterable[Alarm], lens: Lens) -> AlarmView:
    """The row of an alarm. `told`: whether the robot has confirmed the newest command; None if there is none.

    `others` are the alarms of the same event that the reader may see.
    """
    case = case_of(alarm)
    ladder = lens.contacts.ladder_of(alarm.device, alarm.type)
    call = desk.call(case, lens.now_s, ladder)
    is_open = alarm.phase in desk.OPEN
    since_s = desk.waiting_since_s(case, ladder)
    return AlarmView(
        alarm_id=alarm.alarm_id,
        device=alarm.device,
        where=label or alarm.device,
        room=lens.words.maybe("room", alarm.room) if alarm.room else None,
        type=alarm.type,
        severity=alarm.severity,
        phase=alarm.phase,
        test=alarm.test,
        list=("technical" if alarm.type == desk.TECHNICAL else "open") if is_open else "done",
        order=_order(alarm, is_open),
        onset_at_s=alarm.onset_at_s,
        waiting_since_s=since_s if call else None,
        facts=_facts(alarm, lens),
        call=_call_view(alarm, call, lens) if call else None,
        robot_silent=call is not None and alarm.phase in ("suspected", "checking"),
        answered=_answered(alarm, lens),
        outlook=lens.words("reopens", time=lens.clock(since_s))
        if alarm.phase == "acknowledged" and since_s and not call
        else None,
        ended=_ended(alarm, lens),
        told=told if alarm.phase in ("acknowledged", "closed") else None,
        maintenance=alarm.maintenance,
        calm=alarm.type in desk.CALM,
        others=tuple(_other(other, lens) for other in others),
    )


def _other(alarm: Alarm, lens: Lens) -> str:
    parts = (
        lens.words.maybe("type", alarm.type),
        lens.words.maybe("room", alarm.room) if alarm.room else "",
        lens.words(f"phase.{alarm.phase}"),
        lens.clock(alarm.onset_at_s),
    )
    return " · ".join(part for part in parts if part)


def _order(alarm: Alarm, is_open: bool) -> str:
    """Sorts as text: open before ended, waiting before checking before answered, real before test, urgent, newest."""
    newest_first = 1e11 - (alarm.received_at_s if is_open else alarm.changed_at_s)
    if not is_open:
        return f"9{newest_first:017.4f}"
    turn = {"raised": 0, "acknowledged": 2}.get(alarm.phase, 1)
    return f"{turn}{alarm.test:d}{SEVERITIES.index(alarm.severity)}{newest_first:017.4f}"


def _facts(alarm: Alarm, lens: Lens) -> tuple[str, ...]:
    words = lens.words
    sure = words("confidence_unknown")
    if alarm.confidence is not None:
        sure = words("confidence", percent=round(100 * alarm.confidence))
    reasons = (words.maybe("reason", reason) for reason in alarm.reasons)
    return (words("onset", time=lens.clock(alarm.onset_at_s)), *reasons, sure)


def _call_view(alarm: Alarm, call: desk.Call, lens: Lens) -> CallView:
    person: Person | None = lens.contacts.on_rung(alarm.device, alarm.type, call.rung)
    if person is None:
        return CallView(None, None, lens.site.hotline, call.number)
    return CallView(person.name, person.role, person.phone, call.number)


def _answered(alarm: Alarm, lens: Lens) -> str | None:
    if alarm.reopened_at_s is not None and alarm.phase == "raised":
        return lens.words("reopened", time=lens.clock(alarm.reopened_at_s))
    if alarm.acknowledged_at_s is None:
        return None
    time = lens.clock(alarm.acknowledged_at_s)
    if alarm.acknowledged_by is None:
        return lens.words("acknowledged_robot", time=time)
    return lens.words("acknowledged_by", name=alarm.acknowledged_by, time=time)


def _ended(alarm: Alarm, lens: Lens) -> str | None:
    words = lens.words
    if alarm.phase == "cancelled":
        how = words.maybe("how", alarm.how) if alarm.how else words("unknown")
        return words("cancelled_how", time=lens.clock(alarm.changed_at_s), how=how)
    if alarm.phase != "closed" or alarm.closed_at_s is None:
        return None
    time = lens.clock(alarm.closed_at_s)
    if alarm.closed_by is None:
        return words("closed_robot", time=time)
    return words("closed_by", name=alarm.closed_by, time=time, reason=alarm.close_reason or words("unknown"))


@dataclass(frozen=True, slots=True)
class NodeView:
    """A node of the robot: its `name`, and what it is to who reads the page; `level` is ok, warn, error or unknown.

    `why` is empty where it does not say.
    """

    name: str
    meaning: str
    level: str
    text: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class BedView:
    """The bed; `presence` is in, out or unknown, and numbers are None unless they are fresh."""

    presence: str
    text: str
    heart_rate_bpm: float | None
    breath_rate_bpm: float | None
    measured: str | None
    wet: bool | None = None


@dataclass(frozen=True, slots=True)
class RobotView:
    """One robot for the fleet page and its own page. None is shown as unknown."""

    device: str
    label: str
    presence: str
    last_seen: str | None
    outbox: int | None
    software: str | None
    nodes: tuple[NodeView, ...]
    worst: str
    bed: BedView
    open_alarms: int
    maintenance: str | None
    last_test: str | None
    test_awaited: bool


def robot_view(
    device: Device,
    state: DeviceState | None,
    bed: Bed | None,
    open_alarms: int,
    kept: DeskDevice | None,
    lens: Lens,
) -> RobotView:
    """A robot as it may be shown: what it said of itself counts only while it is online."""
    presence = desk.presence(state.online if state else None, device.last_seen_at_s, lens.now_s)
    online = presence is desk.Presence.ONLINE
    nodes = tuple(
        _node(name, level if online else None, state.reasons.get(name) if state else None, lens)
        for name, level in sorted((state.nodes if state else {}).items())
    )
    return RobotView(
        device=device.device,
        label=device.label or device.device,
        presence=presence.value,
        last_seen=lens.clock(device.last_seen_at_s) if device.last_seen_at_s is not None else None,
        outbox=state.outbox if state and online else None,
        software=state.software or None if state else None,
        nodes=nodes,
        worst=worst(node.level for node in nodes),
        bed=bed_view(bed, presence is not desk.Presence.OFFLINE, lens),
        open_alarms=open_alarms,
        maintenance=_maintenance(kept, lens),
        last_test=lens.clock(kept.last_test_at_s) if kept and kept.last_test_at_s is not None else None,
        test_awaited=kept is not None and (kept.test_requested_at_s or 0) > (kept.last_test_at_s or 0),
    )


def _maintenance(kept: DeskDevice | None, lens: Lens) -> str | None:
    """Who works on the robot, until when and why; None when nobody does."""
    until_s = kept.maintenance_until_s if kept else None
    if kept is None or until_s is None or not lens.now_s < until_s <= lens.now_s + LONGEST_MAINTENANCE_S:
        return None
    who, why = kept.maintenance_by or lens.words("unknown"), kept.maintenance_reason or lens.words("unknown")
    return lens.words("maintenance_now", name=who, time=lens.clock(until_s), reason=why)


def worst(levels: Iterable[str]) -> str:
    """The worst of the levels; unknown is worse than ok, and no level at all is unknown."""
    order = ("ok", "unknown", "warn", "error")
    return max(levels, key=order.index, default="unknown")


def bed_view(bed: Bed | None, reachable: bool, lens: Lens) -> BedView:
    """Presence and rates only while robot and measurement are fresh; otherwise unknown, with the last time."""
    measured = lens.clock(bed.measured_at_s) if bed else None
    if bed is None or not reachable or not bed.fresh or lens.now_s - bed.received_at_s > BED_STALE_S:
        return BedView("unknown", lens.words("unknown"), None, None, measured)
    presence = {True: "in", False: "out", None: "unknown"}[bed.in_bed]
    text = lens.words("unknown") if presence == "unknown" else lens.words(f"bed.{presence}")
    return BedView(presence, text, bed.heart_rate_bpm, bed.breath_rate_bpm, measured, bed.wet)


def _node(name: str, level: int | None, reason: str | None, lens: Lens) -> NodeView:
    known, meaning = {0: "ok", 1: "warn", 2: "error"}, lens.words.maybe("part", name)
    if level not in known:
        return NodeView(name, meaning, "unknown", lens.words("unknown"))
    why = lens.words.maybe("fault", reason) if level and reason else ""
    return NodeView(name, meaning, known[level], lens.words(f"level.{level}"), why)
