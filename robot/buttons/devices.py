"""The devices of a home: one YAML file, read strictly. It holds places and habits, and no name of anybody."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from robot.errors import BadConfiguration


class DeviceKind(str, Enum):
    """What a device is for: the first four call for help, the others only watch."""

    BUTTON = "button"
    PENDANT = "pendant"
    CORD = "cord"
    FALL_SENSOR = "fall_sensor"
    DOOR = "door"
    MOTION = "motion"
    LEAK = "leak"


KNOWN_ACTIONS = ("emergency", "panic", "sos", "single", "double", "triple", "hold", "press", "on", "fall")
"""Actions that a device's own list of calls may leave out on purpose, all but EMERGENCIES."""
EMERGENCIES = frozenset({"emergency", "panic", "sos"})
"""Whoever presses these wants help, whatever else the device's list names."""
PRESSED_BY_HAND = frozenset({DeviceKind.BUTTON, DeviceKind.PENDANT, DeviceKind.CORD})
CALLS_FOR_HELP = frozenset({DeviceKind.BUTTON, DeviceKind.PENDANT, DeviceKind.CORD, DeviceKind.FALL_SENSOR})


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Device(_Strict):
    """One device. `topic` is its friendly name in Zigbee2MQTT; `name` is what faults and logs call it.

    interval_h: silent for longer is a fault. Battery devices of Zigbee report at least every 25 h (the limit by which
    Zigbee2MQTT itself calls a passive device offline). calls: actions that call for help, beside EMERGENCIES; a click
    of an ordinary button may mean the light. ignores: actions that are no call, also of EMERGENCIES; of a button,
    pendant or cord any other that nobody knows is taken for a press (see `robot.buttons.watch`).
    battery_least_percent, link_least (0..255): below is a warning.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")]
    topic: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^+#\x00]+$")]
    kind: DeviceKind
    interval_h: Annotated[float, Field(gt=0, le=24 * 14)] = 25.0
    calls: tuple[str, ...] = KNOWN_ACTIONS
    ignores: tuple[str, ...] = ()
    battery_least_percent: Annotated[float, Field(ge=0, le=100)] = 20.0
    link_least: Annotated[int, Field(ge=0, le=255)] = 30


class Devices(_Strict):
    """`base` is Zigbee2MQTT's base topic."""

    base: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^+#\x00]+$")] = "zigbee2mqtt"
    devices: Annotated[tuple[Device, ...], Field(max_length=60)] = ()

    @model_validator(mode="after")
    def _no_repeats(self) -> Devices:
        for what in ("name", "topic"):
            values = [getattr(device, what) for device in self.devices]
            if len(set(values)) != len(values):
                raise ValueError(f"a {what} stands twice in devices")
        return self


def load_devices(file: str) -> Devices:
    """Read a home's devices; empty: none. Raises BadConfiguration that names the key and the file."""
    if not file:
        return Devices()
    path = Path(file)
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadConfiguration(f"{path}: cannot be read ({error.strerror}); check `devices_file`") from None
    except (yaml.YAMLError, ValueError, RecursionError):
        raise BadConfiguration(f"{path}: not valid YAML; compare config/devices.example.yaml") from None
    try:
        return Devices.model_validate({} if content is None else content)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"]) or "the file"
        problem = "unknown key" if first["type"] == "extra_forbidden" else first["msg"].removeprefix("Value error, ")
        raise BadConfiguration(f"{path}: {key}: {problem}; compare config/devices.example.yaml") from None
