"""A scenario: what happens in the simulated home, as a list of small steps in YAML, each with exactly one verb."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from robot.errors import BadInput


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Mattress(_Strict):
    """From now on the mattress reports this, once every two seconds, over MQTT."""

    in_bed: bool
    heart_rate_bpm: float | None = None
    breath_rate_bpm: float | None = None
    wet: bool | None = None


class WaitFor(_Strict):
    """Wait until the timeline shows an event of `kind` whose fields have these values."""

    kind: Literal["heard", "understood", "said", "saying", "seen", "bed", "alarm", "node"]
    within_s: float = Field(gt=0)
    where: dict[str, str] = {}


class Caregiver(_Strict):
    """A caregiver at the platform's page: acknowledges or closes the newest alarm of a type, unless a person did."""

    does: Literal["acknowledge", "close"]
    name: str
    type: str = "fall"
    reason: str = ""
    after_s: float = Field(0.0, ge=0)
    within_s: float = Field(60.0, gt=0)


class Step(_Strict):
    note: str | None = None
    clock: str | None = Field(None, pattern=r"^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?$")
    camera: str | None = None
    resident_says: str | None = None
    mattress: Mattress | None = None
    pause_s: float | None = Field(None, gt=0)
    wait_for: WaitFor | None = None
    caregiver: Caregiver | None = None

    @model_validator(mode="after")
    def _one_verb(self) -> Step:
        if len(self.model_fields_set) != 1:
            raise ValueError("each step has exactly one verb")
        return self


class Scenario(_Strict):
    """`media` is the folder of clips, relative to the scenario's file."""

    name: str
    media: str
    steps: tuple[Step, ...]

    @classmethod
    def load(cls, path: Path) -> Scenario:
        """Read a scenario. Raises BadInput with one line that names file and step."""
        try:
            scenario = cls.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
        except OSError as error:
            raise BadInput(f"{path}: cannot be read: {error.strerror}") from error
        except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
            raise BadInput(f"{path}: is not YAML") from error
        except ValidationError as error:
            first = error.errors()[0]
            raise BadInput(f"{path}: {'.'.join(str(part) for part in first['loc'])}: {first['msg']}") from error
        folder = path.parent / scenario.media
        for step in scenario.steps:
            camera = None if step.camera == "empty" else step.camera
            for clip in (camera, step.resident_says):
                if clip is not None and not (folder / clip).is_file():
                    raise BadInput(f"{path}: clip {clip} is not in {scenario.media}")
        return scenario
