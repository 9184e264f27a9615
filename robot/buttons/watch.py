"""Which message of a device is a call for help, and which device needs looking after. Pure; `now_s` is Unix time.

A call is an action that the device's list names, or a flag (sos, alarm, fall) that turns true. Vendors name a press in
many ways (`pressed`, `off`, `on_press`): of what a hand presses, an action that nobody knows is a call too, and told
once. One that is known (`single`, also as `1_single` or `single_left`) and left out of the list is for something else;
words of an emergency call whatever the list leaves out. Of a fall sensor, what speaks of a fall is one, a press calls,
and what nobody knows (`walking`) is told. Not a call: a release, or what the device ignores by its list; and what the
broker had kept, the same press again (a bounce, a repeated telegram, Zigbee2MQTT telling a state once more), a flag
that was true already, also before a restart. So each message with an action is a press, but of a flag that was not
reset the next press is lost: Zigbee2MQTT repeats a state for any reason, and nothing tells such a repeat from a press.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from robot.buttons import zigbee
from robot.buttons.devices import (
    CALLS_FOR_HELP,
    EMERGENCIES,
    KNOWN_ACTIONS,
    PRESSED_BY_HAND,
    Device,
    DeviceKind,
    Devices,
)
from robot.errors import BadInput
from robot.messages import Call, CallKind

SAME_PRESS_S = 3.0
"""Telegrams of one press arrive within a second or two; pressing again later joins the open alarm. Chosen."""
STUCK_AFTER_S = 3600.0
"""A flag that stays true for so long hides the next press: a fault. Chosen."""
REMEMBER_EVERY_S = 3600.0
LATE_MOST_S = 86_400.0
"""A press may wait in Zigbee2MQTT for the broker; its own time counts if it is at most a day old."""
BRIDGE_SPEAKS_S = 300.0
"""Zigbee2MQTT's state is kept by the broker: unknown for so long, it does not run or has another base topic. Chosen."""
_RELEASES = frozenset({"release", "released", "idle", "none", "null", "unknown"})
_FALLS = frozenset({"fall", "falls", "fell", "fallen", "falling"})
_NO_FALL = frozenset({"no", "not", "clear", "cleared", "normal", "end", "ended", "recovered"})
_PLACES = frozenset({"button", "left", "right", "center", "centre", "middle", "both", "top", "bottom", "up", "down"})
"""Which of a device's buttons; numbers say it too."""
_PRESSES = frozenset({"pressed", "push", "pushed", "click", "clicked"})
"""A fall sensor's button, beside KNOWN_ACTIONS."""
_UNKNOWN_MOST = 10
"""Of one device, so many different unknown actions are told."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What must outlive a restart about one device, by its name."""

    name: str
    heard_at_s: float
    flags: tuple[tuple[str, bool], ...] = ()
    called_seen_at_s: float | None = None


@dataclass(frozen=True, slots=True)
class Sign:
    """A door, motion or leak sensor changed: `flag` is Zigbee2MQTT's name (contact True is a closed door)."""

    name: str
    flag: str
    value: bool
    at_s: float


@dataclass(frozen=True, slots=True)
class UnknownAction:
    """An action that nobody knows was taken for a press, or (a fall sensor's) not; told once a device and action."""

    name: str
    action: str
    calls: bool = True


Effect = Call | Memory | Sign | UnknownAction


@dataclass(slots=True)
class _State:
    device: Device
    heard_at_s: float
    flags: dict[str, bool] = field(default_factory=dict)
    turned_at_s: dict[str, float] = field(default_factory=dict)
    called: CallKind | None = None
    called_at_s: float | None = None
    called_seen_at_s: float | None = None
    remembered: Memory | None = None
    ever_heard: bool = False
    unreadable: bool = False
    online: bool | None = None
    battery_percent: float | None = None
    battery_low: bool = False
    link: float | None = None
    unknown: set[str] = field(default_factory=set)


class DeviceWatch:
    """All devices of one home. `memories` come from the store; devices never heard of are silent from `now_s` on."""

    def __init__(self, devices: Devices, memories: Iterable[Memory] = (), now_s: float = 0.0) -> None:
        self._base = devices.base
        self._began_s = now_s
        self._bridge_online: bool | None = None
        known = {memory.name: memory for memory in memories}
        self._states: dict[str, _State] = {}
        for device in devices.devices:
            memory = known.get(device.name, Memory(device.name, now_s))
            # heard in the future: the clock was set back, and nobody knows how long ago that was
            heard_at_s = memory.heard_at_s if memory.heard_at_s <= now_s else now_s
            state = _State(device, heard_at_s, dict(memory.flags), called_seen_at_s=memory.called_seen_at_s)
            state.ever_heard = device.name in known
            state.turned_at_s = {flag: now_s for flag, value in memory.flags if value}
            self._states[device.topic] = state

    def on_message(self, topic: str, payload: bytes, retained: bool, now_s: float) -> tuple[Effect, ...]:
        """Take a message of any topic under the base. Raises BadInput for one of our devices that cannot be read."""
        rest = topic.removeprefix(f"{self._base}/")
        if rest == "bridge/state":
            self._bridge_online = zigbee.decode_online(payload)
            return ()
        state, key = self._states.get(rest), None
        if state is None:
            name, _, key = rest.rpartition("/")
            state = self._states.get(name)
        if state is None:
            return ()
        try:
            if key == "availability":
                # kept by the broker on purpose: how it is now, not when it became so
                state.online = zigbee.decode_online(payload)
            elif retained:
                return ()
            elif key is None:
                return self._heard(state, zigbee.decode(payload), now_s)
            elif key in zigbee.ATTRIBUTES:
                return self._heard(state, zigbee.decode_attribute(key, payload), now_s)
        except BadInput:
            state.unreadable = True
            raise
        return ()

    def faults(self, now_s: float) -> tuple[str, ...]:
        """Devices on which nobody can count now."""
        found = ["zigbee2mqtt is offline"] if self._bridge_online is False and self._states else []
        self._began_s = min(self._began_s, now_s)
        if self._bridge_online is None and self._states and now_s - self._began_s > BRIDGE_SPEAKS_S:
            found.append("zigbee2mqtt has not said that it runs")
        for state in self._states.values():
            name = state.device.name
            if state.unreadable:
                found.append(f"{name} sends what cannot be read")
            state.heard_at_s = min(state.heard_at_s, now_s)  # the clock was set back: silent from now on
            if state.online is False or now_s - state.heard_at_s > state.device.interval_h * 3600:
                found.append(f"{name} is silent")
            if any(state.flags[flag] and now_s - at_s > STUCK_AFTER_S for flag, at_s in state.turned_at_s.items()):
                found.append(f"{name} does not reset: its next call would not be noticed")
        return tuple(found)

    def warnings(self) -> tuple[str, ...]:
        """Devices that somebody should look after soon."""
        found = []
        for state in self._states.values():
            device = state.device
            percent = state.battery_percent
            if state.battery_low or (percent is not None and percent < device.battery_least_percent):
                found.append(f"{device.name} has a low battery")
            if state.link is not None and state.link < device.link_least:
                found.append(f"{device.name} has a poor link")
            if state.flags.get("water_leak"):
                found.append(f"{device.name} reports water")
            if state.flags.get("tamper"):
                found.append(f"{device.name} was opened or torn off")
            if not state.ever_heard:
                found.append(f"{device.name} was never heard: use it once")
        return tuple(found)

    def _heard(self, state: _State, heard: zigbee.Heard, now_s: float) -> tuple[Effect, ...]:
        state.heard_at_s, state.online = now_s, True
        state.ever_heard, state.unreadable = True, False
        if heard.battery_percent is not None:
            state.battery_percent = heard.battery_percent
        if heard.battery_low is not None:
            state.battery_low = heard.battery_low
        state.link = heard.link if heard.link is not None else state.link
        effects: list[Effect] = []
        what, known = _meant(state.device, heard.action)
        action = heard.action or ""
        if not known and action not in state.unknown and len(state.unknown) < _UNKNOWN_MOST:
            state.unknown.add(action)
            effects.append(UnknownAction(state.device.name, action, calls=what is not None))
        for flag, value in heard.flags:
            before = state.flags.get(flag)
            state.flags[flag] = value
            if before is value:
                continue
            state.turned_at_s.pop(flag, None)
            if flag in zigbee.CALL_FLAGS and state.device.kind in CALLS_FOR_HELP:
                if value:
                    state.turned_at_s[flag] = now_s
                    what = flag if what in (None, "fall") else what  # a button counts more than a sensed fall
            else:
                effects.append(Sign(state.device.name, flag, value, now_s))
        if what is not None and state.device.kind in CALLS_FOR_HELP:
            effects += self._called(state, what, heard.seen_at_s, now_s)
        return (*effects, *_remember(state, now_s))

    def _called(self, state: _State, what: str, seen_at_s: float | None, now_s: float) -> tuple[Effect, ...]:
        kind = CallKind.SENSED_FALL if what == "fall" else CallKind.BUTTON
        if kind is CallKind.BUTTON and state.device.kind is DeviceKind.CORD:
            kind = CallKind.CORD
        lately = state.called_at_s is not None and 0 <= now_s - state.called_at_s < SAME_PRESS_S
        told_again = seen_at_s is not None and seen_at_s == state.called_seen_at_s
        # who presses after a sensed fall is certain, however soon
        if (lately or told_again) and not (kind is not CallKind.SENSED_FALL and state.called is CallKind.SENSED_FALL):
            return ()
        state.called, state.called_at_s, state.called_seen_at_s = kind, now_s, seen_at_s
        at_s = seen_at_s if seen_at_s is not None and 0 <= now_s - seen_at_s <= LATE_MOST_S else now_s
        call_id = f"{state.device.name}-{what}-{at_s:.3f}"
        return (Call(call_id, kind, kind is not CallKind.SENSED_FALL, at_s),)


def _meant(device: Device, action: str | None) -> tuple[str | None, bool]:
    """The action if it is a call ("fall" for a sensed fall), and whether it is a known one."""
    if action is None or action in device.ignores:
        return None, True
    if action in device.calls:
        return action, True
    words = {word for word in re.split(r"[\W_]+", action) if word and not word.isdecimal()}
    if device.kind not in CALLS_FOR_HELP or words & _RELEASES:
        return None, True
    if words & EMERGENCIES:
        return action, True
    if device.kind not in PRESSED_BY_HAND:
        if words & _FALLS:
            return (None if words & _NO_FALL else "fall"), True
        pressed = words & {*device.calls, *_PRESSES}
        return (action if pressed else None), bool(pressed)
    meant = words - _PLACES
    known = len(meant) == 1 and meant <= set(KNOWN_ACTIONS)
    return (action if not known or meant <= set(device.calls) else None), known


def _remember(state: _State, now_s: float) -> tuple[Effect, ...]:
    """Worth writing: at once what tells an old call from a new one, and once an hour that the device lives."""
    flags = tuple(sorted((flag, value) for flag, value in state.flags.items() if flag in zigbee.CALL_FLAGS))
    memory = Memory(state.device.name, now_s, flags, state.called_seen_at_s)
    before = state.remembered
    same = before is not None and replace(before, heard_at_s=now_s) == memory
    if before is not None and same and 0 <= now_s - before.heard_at_s < REMEMBER_EVERY_S:
        return ()
    state.remembered = memory
    return (memory,)
