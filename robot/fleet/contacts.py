"""Who lives where and who is called: the contacts file and the site file.

Unknown keys are errors that name the key and the file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator

from robot.errors import BadConfiguration
from robot.fleet.desk import Rung
from robot.reporting.contract import DeviceId

Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Phone = Annotated[str, StringConstraints(pattern=r"^[0-9+*# -]{3,20}$")]


class Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Person(Settings):
    """Somebody who can be called."""

    name: Line
    role: Line
    phone: Phone


class Home(Settings):
    """A robot and the people around it. `label` is what caregivers see instead of the device's name."""

    device: DeviceId
    label: Line
    first: Person
    second: Person | None = None


class Contacts(Settings):
    """The contacts file."""

    duty: Person | None = None
    homes: tuple[Home, ...] = ()

    @field_validator("homes")
    @classmethod
    def _once(cls, homes: tuple[Home, ...]) -> tuple[Home, ...]:
        devices = [home.device for home in homes]
        if len(set(devices)) < len(devices):
            raise ValueError("a device stands here twice")
        return homes

    def home(self, device: str) -> Home | None:
        return next((home for home in self.homes if home.device == device), None)

    def people(self, device: str) -> tuple[Person, ...]:
        """Everybody who may answer for this device, in the ladder's order."""
        home = self.home(device)
        found = (home.first, home.second, self.duty) if home else (self.duty,)
        return tuple(person for person in found if person)

    def on_rung(self, device: str, rung: Rung) -> Person | None:
        """Whom this rung means; a missing person is stood in for by the next rung's, and nobody at all is None."""
        home = self.home(device)
        first, second = (home.first, home.second) if home else (None, None)
        order = {
            Rung.FIRST: (first, second, self.duty),
            Rung.SECOND: (second, self.duty, first),
            Rung.DUTY: (self.duty,),
        }
        return next((person for person in order[rung] if person), None)


class Site(Settings):
    """The site file: where this platform stands and how it speaks."""

    name: Line = "幸福养老"
    region: Annotated[str, StringConstraints(pattern=r"^\d{6}$")] = "150000"
    timezone: str = "Asia/Shanghai"
    language: Literal["zh", "mn", "en"] = "zh"
    hotline: Phone = "96111"
    hosts: Annotated[tuple[str, ...], Field(description="host names under which browsers may reach the pages")] = ()

    @field_validator("timezone")
    @classmethod
    def _known(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError("no such time zone") from error
        return name


S = TypeVar("S", bound=Settings)


def load(model: type[S], path: Path | None) -> S:
    """Read a settings file; no path gives the defaults. Raises BadConfiguration naming the key and the file."""
    if path is None:
        return model()
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadConfiguration(f"{path}: cannot be read ({error.strerror}); check the path") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadConfiguration(f"{path}: is not YAML ({error}); correct it") from error
    try:
        return model.model_validate({} if content is None else content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        key = ".".join(str(part) for part in first["loc"]) or "the file's top"
        hint = "is not a known key; remove or correct it" if first["type"] == "extra_forbidden" else first["msg"]
        raise BadConfiguration(f"{path}: {key}: {hint}") from error
