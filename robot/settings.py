"""What can be set, node by node, and where each value comes from.

The files are ROS 2 parameter files, applied in order; the same files feed `ros2 launch` and `hani config show`.
A key that no node knows is an error that names the key and its file.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from robot.errors import BadConfiguration
from robot.reporting.contract import DeviceId

EVERY_NODE = "/**"
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


class NodeSettings(BaseModel):
    """What every node knows."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    home: str = Field("", description="folder for run-time data; empty: HANI_HOME, or .hani of the checkout")
    robot_id: DeviceId = Field("hani-0001", description="this robot's identity in the contract with the platform")
    resident_file: str = Field("", description="resident configuration (YAML); empty: the built-in example")
    residents: int = Field(
        -1,
        ge=-1,
        le=20,
        description="how many sleep here: unless 1, the mattress explains no fall; 0: unknown; -1: as in resident_file",
    )
    simulated: bool = Field(False, description="take the time of day, sounds and pictures from the simulated home")


class SpeechRecognizerSettings(NodeSettings):
    source: Literal["microphone", "room"] = Field("microphone", description="where audio comes from")
    device: str = Field(
        "", description="names or numbers of microphones, parted by commas, the best first; empty: the system's default"
    )
    channels: int = Field(1, ge=1, le=8, description="microphones of the device; the one that hears best is taken")
    barge_in: bool = Field(True, description="fall silent when somebody speaks over Hani (with the voice's reference)")
    model: str = Field("", description="folder of the acoustic model; empty: the catalogue's bilingual-v3")
    dictation_model: str = Field(
        "",
        description="folder of an open Mandarin model for free talk (python -m models.fetch_dictation); empty: off",
    )
    asks_per_hour: int = Field(6, ge=1, le=60, description="how often Hani asks whether it was called, when unsure")
    asks_per_night: int = Field(4, ge=1, le=60, description="the same for one night; a clear cry is never held back")


class SpeechSynthesizerSettings(NodeSettings):
    output: Literal["loudspeaker", "room"] = Field("loudspeaker", description="where the voice goes")
    device: str = Field("", description="name or number of the loudspeaker; empty: the system's default")
    rate_wpm: int = Field(140, ge=80, le=260, description="words a minute; slower than everyday talk")
    volume: float = Field(0.8, ge=0.0, le=1.0, description="share of full volume")


class DialogueManagerSettings(NodeSettings):
    rasa_url: str = Field("http://127.0.0.1:5005", description="the Rasa server; loopback only")
    filler_after_s: float = Field(1.2, gt=0, le=10, description="an answer that takes longer gets a filler first")

    @field_validator("rasa_url")
    @classmethod
    def _stays_here(cls, url: str) -> str:
        """What a resident says leaves this machine to nobody."""
        address = urlsplit(url)
        if address.scheme != "http" or address.hostname not in _LOOPBACK:
            raise ValueError("must be http on loopback, such as http://127.0.0.1:5005")
        return url


class FallDetectorSettings(NodeSettings):
    source: Literal["device", "file", "room"] = Field("device", description="where pictures come from")
    device: str = Field("0", description="number or path of the camera, or the video file")
    bed_zone: list[float] = Field(
        [],
        description="polygon of the bed: x1, y1, x2, y2, ... as shares 0..1; a zones.yaml of `hani zones` counts more",
    )
    found_on_floor_s: float = Field(
        10.0, ge=1, le=120, description="somebody lies outside the bed when the watch (re)starts"
    )
    long_on_floor_s: float = Field(25.0, ge=1, le=600, description="somebody lies outside the bed without a fall seen")
    evidence_consent: int = Field(
        0, ge=0, description="revision of the signed consent to keep stick figures of falls (never pictures); 0: none"
    )

    @field_validator("bed_zone")
    @classmethod
    def _is_polygon(cls, corners: list[float]) -> list[float]:
        if corners and (len(corners) < 6 or len(corners) % 2 or not all(0.0 <= value <= 1.0 for value in corners)):
            raise ValueError("must be x1, y1, x2, y2, ... of at least three corners, shares from 0 to 1")
        return corners


class MattressBridgeSettings(NodeSettings):
    broker_host: str = Field("127.0.0.1", description="the broker that the mattress speaks to")
    broker_port: int = Field(1883, ge=1, le=65535)
    topic: str = Field("mattress/+/data", description="the mattress's topic")
    payload_format: Literal["sleepace", "tuya", "emfit", "milesight", "homeassistant"] = Field(
        "sleepace", description="the mattress's payload format; homeassistant: `topic` is a filter of its announcements"
    )
    side: Literal["any", "left", "right"] = Field("any", description="the resident's side of a double bed")
    mattress_id: str = Field("", description="the resident's, as its messages name it, of several on the topic")
    username: str = Field("", description="user name at the broker; empty: none")
    password_file: str = Field("", description="file whose first line is the password at the broker")
    ca_file: str = Field("", description='certificate authority; switches TLS on ("system": those the machine trusts)')
    certificate_file: str = Field("", description="certificate (PEM) for a broker that asks for one; needs ca_file")
    key_file: str = Field("", description="its key (PEM); empty: the key stands in the certificate's file")
    devices_file: str = Field("", description="buttons, cords and sensors (YAML); empty: none; devices.example.yaml")
    stale_after_s: float = Field(
        60.0, ge=1, le=600, description="no reading for so long is a fault; presence is then unknown"
    )


class AlarmManagerSettings(NodeSettings):
    check_in_s: float = Field(
        20.0, ge=1, le=120, description="from the first question to raising the alarm without an answer"
    )
    get_up_s: float = Field(
        15.0,
        ge=0,
        le=20,
        description="who is seen falling is asked so much later, if not up by then",
    )
    company_get_up_s: float = Field(
        30.0, ge=0, le=30, description="the same while several people are in view and one said 'I am fine' lately"
    )
    fine_lately_s: float = Field(
        240.0, ge=0, le=300, description="after 'I am fine' nobody is asked for merely lying for so long; then they are"
    )
    cancel_window_s: float = Field(30.0, ge=0, le=60, description="a clear 'I am fine' still withdraws what was raised")
    bed_exit_tolerance_s: float = Field(
        600.0, ge=0, le=1800, description="out of bed at night for longer opens a check-in"
    )
    bed_fresh_s: float = Field(
        60.0, ge=1, le=600, description="a mattress reading older than this vouches for nobody (no fall is explained)"
    )
    bed_latency_s: float = Field(
        -1.0,
        ge=-1,
        le=600,
        description="so late may the mattress tell an exit (above 60: explains no fall); -1: as its format says, or 30",
    )
    bed_wet_s: float = Field(
        120.0, ge=-1, le=3600, description="a bed wet for so long is told the caregiver, silently here; -1: never"
    )


class PlatformReporterSettings(NodeSettings):
    broker_host: str = Field("127.0.0.1", description="the platform's broker")
    broker_port: int = Field(1883, ge=1, le=65535)
    tls_authority: str = Field(
        "", description="the platform's authority (PEM; authority.pem of robot.reporting.enrol); switches TLS on"
    )
    tls_certificate: str = Field("", description="this robot's certificate (PEM; robot.pem of robot.reporting.enrol)")
    tls_key: str = Field(
        "", description="its key (PEM); empty: the key stands in the certificate's file, as in robot.pem"
    )
    broker_user: str = Field("", description="user name at a broker that asks for one; empty: the certificate says who")
    broker_password_file: str = Field("", description="file whose first line is the password at the broker")
    test_every_h: float = Field(24.0, ge=0, le=168, description="a test alarm to the platform and back; 0: none")


class HealthMonitorSettings(NodeSettings):
    stale_after_s: float = Field(5.0, ge=2, le=60, description="a node without a heartbeat for so long is stale")


class LifecycleManagerSettings(NodeSettings):
    patience_s: float = Field(15.0, ge=0, le=60, description="how long a later node waits for an earlier one at start")
    hung_after_s: float = Field(10.0, ge=5, le=60, description="a process without a heartbeat for so long is ended")


SETTINGS: dict[str, type[NodeSettings]] = {
    "speech_recognizer": SpeechRecognizerSettings,
    "speech_synthesizer": SpeechSynthesizerSettings,
    "dialogue_manager": DialogueManagerSettings,
    "fall_detector": FallDetectorSettings,
    "mattress_bridge": MattressBridgeSettings,
    "alarm_manager": AlarmManagerSettings,
    "platform_reporter": PlatformReporterSettings,
    "health_monitor": HealthMonitorSettings,
    "lifecycle_manager": LifecycleManagerSettings,
}


@dataclass(frozen=True, slots=True)
class Layered:
    """A value and the layer that gave it: "default" or the name of a file."""

    value: object
    layer: str


def load(files: list[Path]) -> dict[str, dict[str, Layered]]:
    """Every node's settings, each with its layer. Raises BadConfiguration naming key and file.

    As ROS 2 does it: sections of the same name are merged, later files last, and stand where their name first appeared;
    where several concern a node, the last one counts. So a section for one node counts more than `/**` of a later file.
    """
    sections: dict[str, dict[str, Layered]] = {}
    for path in files:
        for name, values in _read(path).items():
            layered = {key: Layered(value, str(path)) for key, value in values.items()}
            sections.setdefault(name, {}).update(layered)
    return {node: _apply(node, model, sections) for node, model in SETTINGS.items()}


def validate(node: str, values: dict[str, Any], origin: str) -> NodeSettings:
    """The settings of `node` from plain values. Raises BadConfiguration naming the key and `origin`."""
    try:
        return SETTINGS[node].model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        problem = "unknown key" if first["type"] == "extra_forbidden" else first["msg"].removeprefix("Value error, ")
        raise BadConfiguration(f"{origin}: {node}.{key}: {problem}") from error


def _apply(node: str, model: type[NodeSettings], sections: dict[str, dict[str, Layered]]) -> dict[str, Layered]:
    result = {key: Layered(field.get_default(), "default") for key, field in model.model_fields.items()}
    for name, items in sections.items():
        if name == EVERY_NODE or _node_of(name) == node:
            for key, item in items.items():
                validate(node, {key: item.value}, item.layer)
                result[key] = item
    return result


def _node_of(name: str) -> str:
    return name.removeprefix("/**/")


def _read(path: Path) -> dict[str, dict[str, Any]]:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except OSError as error:
        raise BadConfiguration(f"{path}: cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise BadConfiguration(f"{path}: is not a YAML parameter file") from error
    if not isinstance(document, dict):
        raise BadConfiguration(f"{path}: expected node names at the top")
    sections: dict[str, dict[str, Any]] = {}
    for name, section in document.items():
        if name != EVERY_NODE and _node_of(str(name)) not in SETTINGS:
            raise BadConfiguration(f"{path}: {name}: no node has this name; known are {', '.join(SETTINGS)}")
        values = section.get("ros__parameters") if isinstance(section, dict) and len(section) == 1 else None
        if not isinstance(values, dict):
            raise BadConfiguration(f"{path}: {name}: expected one key, ros__parameters")
        sections[str(name)] = values
    return sections
