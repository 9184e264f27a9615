"""Technical alarms, which the desk makes itself: silent robots, missing tests, broken chains, dead channels, old keys.

They close themselves when their cause has gone and say so; a broken chain or a wrong address does not heal by itself,
a person closes it. Those of
one kind in one region are one case; they never share one with an alarm about a person.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import TYPE_CHECKING

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from robot.fleet import desk
from robot.fleet.desk_tables import ChannelState, DeskDevice
from robot.fleet.government import watch as government
from robot.fleet.handling import desk_device, end, failing_channels, in_maintenance
from robot.fleet.identity import registry
from robot.fleet.intake import log, move
from robot.fleet.notify import outbox
from robot.fleet.tables import Alarm, AlarmLog, Chain, Device, DeviceState
from robot.fleet.words import Words

if TYPE_CHECKING:
    from robot.fleet.rounds import Desk

PLATFORM = "platform"  # stands for a device in alarms about the platform itself
SILENT_AFTER_S = 300.0
TEST_EVERY_S = 26 * 3600.0  # robots send one every 24 h
TEST_WITHIN_S = 600.0  # after somebody asked for one
SETTLED_S = 600.0  # after an outage of the platform robots first send what they have kept

ROBOT_SILENT = "robot_silent"
TEST_MISSING = "test_missing"
CHAIN_BROKEN = "chain_broken"
CHANNEL_FAILING = "channel_failing"
CERTIFICATE_ENDING = "certificate_ending"
CONTACT_UNREACHED = "contact_unreached"

HELD = "hani_held"  # in a session's info

Key = tuple[str, ...]  # device, cause and, for a channel, a certificate or a contact's channel, its name


def watch(session: Session, open_: Iterable[Alarm], now_s: float, listening_since_s: float | None, desk_: Desk) -> None:
    """Make the technical alarms that are due and close those whose cause has gone."""
    mine = {_key(alarm): alarm for alarm in open_ if alarm.made_here}
    _hold(session)
    causes = _platforms(session, now_s, listening_since_s, desk_) + _contacts(session)
    if listening_since_s is not None:
        causes += _robots(session, now_s, listening_since_s)
    for key in causes:
        if key not in mine and not in_maintenance(session, key[0], now_s):
            _make(session, key, now_s)
    for key, alarm in mine.items():
        if _is_over(session, key, alarm.received_at_s, now_s, listening_since_s):
            words = Words(desk_.site.language)
            end(session, alarm, words("desk.name"), words(f"desk.over.{key[1]}"), now_s)
    session.flush()


def _hold(session: Session) -> None:
    """Read at once, for the whole round, what is known of robots with a technical alarm: a flood has many."""
    theirs = select(Alarm.device).where(Alarm.made_here, Alarm.phase.in_(sorted(desk.OPEN)))
    session.info[HELD] = [
        session.scalars(select(table).where(table.device.in_(theirs))).all()
        for table in (Device, DeviceState, DeskDevice)
    ]


def is_one_group(alarm: Alarm, other: Alarm) -> bool:
    """Whether an alarm of the same kind and region needs no call of its own, because somebody is called already."""
    return other.made_here and "high" not in (alarm.severity, other.severity) and other.phase == "raised"


def _platforms(session: Session, now_s: float, listening_since_s: float | None, desk_: Desk) -> list[Key]:
    """What is wrong with the platform and nobody has been told since; closing the alarm counts as knowing."""
    failing = failing_channels(session, now_s, desk_.site.channels)
    since_s: dict[Key, float] = {(PLATFORM, CHANNEL_FAILING, one.channel): one.failing_since_s for one in failing}
    if listening_since_s is not None and now_s - listening_since_s >= SILENT_AFTER_S:  # the bridge had its time, too
        since_s |= {(PLATFORM, cause): at_s for cause, at_s in government.troubles(session, now_s).items()}
    for name, end_s in registry.ending(session, now_s):
        since_s[PLATFORM, CERTIFICATE_ENDING, name] = end_s - registry.ENDING_S
    told = session.scalars(select(Alarm).where(Alarm.device == PLATFORM, Alarm.made_here)).all()
    return [
        key
        for key, at_s in since_s.items()
        if not any(_key(alarm) == key and alarm.received_at_s >= at_s for alarm in told)
    ]


def _contacts(session: Session) -> list[Key]:
    """The homes with a contact whom a channel that works for others does not reach, and nobody has been told since."""
    lines = (
        select(Alarm.device, AlarmLog.detail, func.max(AlarmLog.at_s))
        .join(AlarmLog, AlarmLog.alarm_id == Alarm.alarm_id)
        .where(Alarm.phase.in_(sorted(desk.OPEN)), AlarmLog.what == outbox.UNREACHED)
        .group_by(Alarm.device, AlarmLog.detail)
    )
    causes: list[Key] = []
    for device, channel, at_s in session.execute(lines).all():
        told = select(Alarm).where(Alarm.device == device, Alarm.made_here, Alarm.received_at_s >= at_s)
        key = (device, CONTACT_UNREACHED, channel or "")
        if not any(_key(alarm) == key for alarm in session.scalars(told)):
            causes.append(key)
    return causes


def _robots(session: Session, now_s: float, listening_since_s: float) -> list[Key]:
    """What is wrong with robots that were ever heard, unless somebody was told of just that."""
    for device in session.scalars(
        select(Device.device)
        .outerjoin(DeskDevice, DeskDevice.device == Device.device)
        .where(Device.last_seen_at_s.is_not(None), DeskDevice.device.is_(None))
    ).all():
        desk_device(session, device, now_s)
    broken = select(Chain.device).join(DeskDevice, DeskDevice.device == Chain.device)
    causes: list[Key] = [
        (device, CHAIN_BROKEN) for device in session.scalars(broken.where(Chain.broken > DeskDevice.breaks_told))
    ]
    if now_s - listening_since_s >= SILENT_AFTER_S:
        silent = (
            select(Device.device)
            .join(DeskDevice, DeskDevice.device == Device.device)
            .where(Device.last_seen_at_s <= now_s - SILENT_AFTER_S)
            .where(DeskDevice.silence_told_at_s.is_(None) | (DeskDevice.silence_told_at_s < Device.last_seen_at_s))
        )
        causes += [(device, ROBOT_SILENT) for device in session.scalars(silent)]
    if now_s - listening_since_s >= SETTLED_S:
        tested_at_s = func.coalesce(DeskDevice.last_test_at_s, DeskDevice.watched_since_s)
        untested = select(DeskDevice).where(
            (tested_at_s <= now_s - TEST_EVERY_S) | (DeskDevice.test_requested_at_s <= now_s - TEST_WITHIN_S)
        )
        causes += [(row.device, TEST_MISSING) for row in session.scalars(untested) if _is_untold(session, row, now_s)]
    return causes


def _is_untold(session: Session, row: DeskDevice, now_s: float) -> bool:
    """Whether a missing test is news: not of a silent robot, and once for each test that is missing."""
    device = session.get(Device, row.device)
    if device is None or device.last_seen_at_s is None or device.last_seen_at_s <= now_s - SILENT_AFTER_S:
        return False
    missed_since_s = row.test_told_at_s or 0.0
    asked_since = row.test_requested_at_s is not None and missed_since_s < row.test_requested_at_s
    return _test_is_missing(row, now_s) and (asked_since or now_s - missed_since_s >= TEST_EVERY_S)


def _test_is_missing(row: DeskDevice, now_s: float) -> bool:
    tested_at_s = row.watched_since_s if row.last_test_at_s is None else row.last_test_at_s
    asked_at_s = row.test_requested_at_s
    asked_in_vain = asked_at_s is not None and tested_at_s < asked_at_s and now_s - asked_at_s >= TEST_WITHIN_S
    return now_s - tested_at_s >= TEST_EVERY_S or asked_in_vain


def _is_over(session: Session, key: Key, made_at_s: float, now_s: float, listening_since_s: float | None) -> bool:
    """Whether the cause of an alarm made at `made_at_s` has gone: that nothing is known of it is not enough."""
    device, cause = key[0], key[1]
    if cause == CHANNEL_FAILING:
        state = session.get(ChannelState, key[2])
        sent_at_s = state.last_sent_at_s if state and state.failing_since_s is None else None
        return sent_at_s is not None and made_at_s <= sent_at_s <= now_s
    if cause in (government.REGION_UNTOLD, government.LETTERS_DEAD):
        return government.is_over(session, cause, now_s)
    if cause == CERTIFICATE_ENDING:
        return key[2] not in dict(registry.ending(session, now_s))
    if listening_since_s is None:
        return False
    if cause == ROBOT_SILENT:
        row, said = session.get(Device, device), session.get(DeviceState, device)
        seen_at_s = row.last_seen_at_s if row else None
        return desk.presence(said.online if said else None, seen_at_s, now_s) is desk.Presence.ONLINE
    known = session.get(DeskDevice, device)
    return cause == TEST_MISSING and known is not None and not _test_is_missing(known, now_s)


def _key(alarm: Alarm) -> Key:
    return (alarm.device, *alarm.reasons)


def _make(session: Session, key: Key, now_s: float) -> None:
    if key[0] != PLATFORM:
        row = desk_device(session, key[0], now_s)
        if key[1] == ROBOT_SILENT:
            row.silence_told_at_s = now_s
        elif key[1] == TEST_MISSING:
            row.test_told_at_s = now_s
        elif key[1] == CHAIN_BROKEN:
            chain = session.get(Chain, key[0])
            row.breaks_told = chain.broken if chain else 0
    alarm = Alarm(
        alarm_id=f"desk-{uuid.uuid4()}",
        device=key[0],
        type=desk.TECHNICAL,
        phase="suspected",
        revision=0,
        severity="medium",
        reasons=list(key[1:]),
        test=False,
        onset_at_s=now_s,
        received_at_s=now_s,
        calls=0,
        made_here=True,
    )
    session.add(alarm)
    move(session, alarm, "raised", now_s)
    log(session, alarm, "made", now_s, detail=" ".join(key[1:]))
