"""Which message of a device is a call for help, and which device needs looking after. Pure; `now_s` is Unix time.

A call is an action that the device's list names, or a flag (sos, alarm, fall) that turns true. Vendors name a press in
many ways (`pressed`, `off`, `on_press`): of what a hand presses, an action that nobody knows is a call too, and told
once. One that is known (`single`, also as `1_single`) and left out of the list is for something else. Not a call: a
release, or what the device ignores by its list; and what the
broker had kept, the same press again (a bounce, a repeated telegram, Zigbee2MQTT telling a state once more), a flag
that was true already, also before a restart. So each message with an action is a press, but of a flag that was not
reset the next press is lost: Zigbee2MQTT repeats a state for any reason, and nothing tells such a repeat from a press.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from robot.buttons import zigbee
from robot.buttons.devices import CALLS_FOR_HELP, KNOWN_ACTIONS, PRESSED_BY_HAND, Device, DeviceKind, Devices
from robot.messages import Call, CallKind

SAME_PRESS_S = 3.0
"""Telegrams of one press arrive within a second or two; pressing again later joins the open alarm. Chosen."""
STUCK_AFTER_S = 3600.0
"""A flag that stays true for so long hides the next press: a fault. Chosen."""
REMEMBER_EVERY_S = 3600.0
LATE_MOST_S = 86_400.0
"""A press may wait in Zigbee2MQTT for the broker; its own time counts if it is at most a day old."""
_CALL_FLAGS = ("sos", "alarm", "fall")
_RELEASES = frozenset({"release", "released", "idle", "none", "null", "unknown"})
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
    """An action that nobody knows was taken for a press; told once a device and action."""

    name: str
    action: str


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
    online: bool | None = None
    battery_percent: float | None = None
    battery_low: bool = False
    link: float | None = None
    unknown: set[str] = field(default_factory=set)


class DeviceWatch:
    """All devices of one home. `memories` come from the store; devices never heard of are silent from `now_s` on."""

    def __init__(self, devices: Devices, memories: Iterable[Memory] = (), now_s: float = 0.0) -> None:
        self._base = devices.base
        self._bridge_online: bool | None = None
        known = {memory.name: memory for memory in memories}
        self._states: dict[str, _State] = {}
        for device in devices.devices:
            memory = known.get(device.name, Memory(device.name, now_s))
            # heard in the future: the clock was set back, and nobody knows how long ago that was
            heard_at_s = memory.heard_at_s if memory.heard_at_s <= now_s else now_s
            state = _State(device, heard_at_s, dict(memory.flags), called_seen_at_s=memory.called_seen_at_s)
            state.turned_at_s = {flag: now_s for flag, value in memory.flags if value}
            self._states[device.topic] = state

    def on_message(self, topic: str, payload: bytes, retained: bool, now_s: float) -> tuple[Effect, ...]:
        """Take a message of any topic under the base. Raises BadInput for one of our devices that cannot be read."""
        rest = topic.removeprefix(f"{self._base}/")
        if rest == "bridge/state":
            self._bridge_online = zigbee.decode_online(payload)
            return ()
        if rest in self._states:
            return () if retained else self._heard(self._states[rest], zigbee.decode(payload), now_s)
        name, _, leaf = rest.rpartition("/")
        state = self._states.get(name)
        if state is None:
            return ()
        if leaf == "availability":
            # kept by the broker on purpose: how it is now, not when it became so
            state.online = zigbee.decode_online(payload)
        elif leaf == "action" and not retained:
            return self._heard(state, zigbee.decode_action(payload), now_s)
        return ()

    def faults(self, now_s: float) -> tuple[str, ...]:
        """Devices on which nobody can count now."""
        found = ["zigbee2mqtt is offline"] if self._bridge_online is False and self._states else []
        for state in self._states.values():
            name = state.device.name
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
        return tuple(found)

    def _heard(self, state: _State, heard: zigbee.Heard, now_s: float) -> tuple[Effect, ...]:
        state.heard_at_s, state.online = now_s, True
        if heard.battery_percent is not None:
            state.battery_percent = heard.battery_percent
        if heard.battery_low is not None:
            state.battery_low = heard.battery_low
        state.link = heard.link if heard.link is not None else state.link
        effects: list[Effect] = []
        what, known = _meant(state.device, heard.action)
        if what is not None and not known and what not in state.unknown and len(state.unknown) < _UNKNOWN_MOST:
            state.unknown.add(what)
            effects.append(UnknownAction(state.device.name, what))
        for flag, value in heard.flags:
            before = state.flags.get(flag)
            state.flags[flag] = value
            if before is value:
                continue
            state.turned_at_s.pop(flag, None)
            if flag in _CALL_FLAGS and state.device.kind in CALLS_FOR_HELP:
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
    """The action if it is a call, and whether it is a known one."""
    if action is None or action in device.calls:
        return action, True
    words = [word for word in re.split(r"[\W_]+", action) if word and not word.isdecimal() and word != "button"]
    if device.kind not in PRESSED_BY_HAND or action in device.ignores or _RELEASES & set(words):
        return None, True
    if len(words) == 1 and words[0] in KNOWN_ACTIONS:
        # the numbers are those of a device with several buttons
        return (action if words[0] in device.calls else None), True
    return action, False


def _remember(state: _State, now_s: float) -> tuple[Effect, ...]:
    """Worth writing: at once what tells an old call from a new one, and once an hour that the device lives."""
    flags = tuple(sorted((flag, value) for flag, value in state.flags.items() if flag in _CALL_FLAGS))
    memory = Memory(state.device.name, now_s, flags, state.called_seen_at_s)
    before = state.remembered
    same = before is not None and replace(before, heard_at_s=now_s) == memory
    if before is not None and same and 0 <= now_s - before.heard_at_s < REMEMBER_EVERY_S:
        return ()
    state.remembered = memory
    return (memory,)
