"""Who lives where and who is called: the contacts file and the site file.

Unknown keys are errors that name the key and the file.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator, model_validator

from robot.errors import BadConfiguration
from robot.fleet import desk
from robot.fleet.notify.settings import Channels
from robot.reporting.contract import DeviceId

Line = Annotated[  # of one line: a break would stop every e-mail that names it
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=r"^[^\p{Cc}\p{Zl}\p{Zp}]*$"),
]
Region = Annotated[str, StringConstraints(pattern=r"^\d{6}$")]
Phone = Annotated[str, StringConstraints(pattern=r"^[0-9+*# -]{3,20}$")]
Mail = Annotated[str, StringConstraints(pattern=r"^[^@\s<>,;]{1,64}@[^@\s<>,;]{1,255}$")]
Delay = Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)]
Pause = Annotated[float, Field(ge=10, le=86_400, allow_inf_nan=False)]
OLD_SECOND_S = 60.0  # when `second` of the older form is called

# Who sees to machines has more time than who sees to people: the desk's own figures.
TECHNICAL_LADDER = desk.Ladder(starts_s=(0.0, 1800.0), repeat_s=900.0, reopen_s=4 * 3600.0)
CARE_PACE = 30.0  # and who sees to a bed: where a fall calls each minute, half an hour passes; chosen


class Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Person(Settings):
    """Somebody who can be called."""

    name: Line
    role: Line
    phone: Phone
    email: Mail | None = None


class Contact(Person):
    """Somebody of a home's ladder, called from `after_s` after the alarm on."""

    after_s: Delay


class District(Settings):
    """Who is there for a region: the duty for alarms that nobody answers, and who sees to the machines."""

    duty: Person | None = None
    technical: Person | None = None


class Timing(Settings):
    """The ladder's times beside the contacts' own."""

    duty_after_s: Delay = 180.0
    repeat_s: Pause = 60.0
    reopen_s: Pause = 600.0
    rise_s: Pause = 300.0
    join_s: Delay = 300.0


class Home(Settings):
    """A robot and the people around it. `label` is what caregivers see instead of the device's name.

    `contacts` is the ladder; `first` and `second` are its older form, called at once and from 60 s on.
    """

    device: DeviceId
    label: Line
    region: Region | None = None  # the site's, unless given: an operator sees a district by it
    contacts: tuple[Contact, ...] = ()
    first: Person | None = None
    second: Person | None = None
    timing: Timing | None = None

    @model_validator(mode="after")
    def _somebody(self) -> Home:
        if bool(self.contacts) == bool(self.first) or (self.contacts and self.second):
            raise ValueError("give `contacts` with `after_s` each, or `first` (and `second`)")
        if self.contacts and min(contact.after_s for contact in self.contacts) > 0:
            raise ValueError("nobody is called at once; give one of the contacts after_s: 0")
        if len({after_s for after_s, _ in self.ladder}) < len(self.ladder):
            raise ValueError("two contacts have the same after_s; give each its own")
        return self

    @property
    def ladder(self) -> tuple[tuple[float, Person], ...]:
        """(after_s, person) in the order in which they are called."""
        old = ((0.0, self.first), (OLD_SECOND_S, self.second))
        steps: list[tuple[float, Person]] = [(contact.after_s, contact) for contact in self.contacts]
        steps += [(after_s, person) for after_s, person in old if person]
        return tuple(sorted(steps, key=lambda step: step[0]))


class Contacts(Settings):
    """The contacts file. `districts` stand under the first digits of a region's code; the longest that fits counts."""

    duty: Person | None = None
    technical: Person | None = None
    districts: dict[Annotated[str, StringConstraints(pattern=r"^\d{1,6}$")], District] = {}
    timing: Timing = Timing()
    homes: tuple[Home, ...] = ()

    @field_validator("homes")
    @classmethod
    def _once(cls, homes: tuple[Home, ...]) -> tuple[Home, ...]:
        devices = [home.device for home in homes]
        if len(set(devices)) < len(devices):
            raise ValueError("a device stands here twice")
        return homes

    @model_validator(mode="after")
    def _duty_comes_last(self) -> Contacts:
        for home in self.homes:
            if home.ladder[-1][0] >= (home.timing or self.timing).duty_after_s:
                raise ValueError(f"a contact of {home.device} comes after the duty; give a larger duty_after_s")
        return self

    @cached_property
    def _by_device(self) -> dict[str, Home]:
        return {home.device: home for home in self.homes}

    def home(self, device: str) -> Home | None:
        return self._by_device.get(device)

    def people(self, device: str) -> tuple[Person, ...]:
        """Everybody who may answer for this device, in the ladder's order."""
        return tuple(person for _, person in self._steps(device, "") if person)

    def ladder_of(self, device: str, type_: str) -> desk.Ladder:
        """The ladder of an alarm of this type; its rungs are those of `on_rung`."""
        if type_ == desk.TECHNICAL and self._district(device).technical:
            return TECHNICAL_LADDER
        timing = self._timing(device)
        starts_s = tuple(after_s for after_s, _ in self._steps(device, type_))
        pace = CARE_PACE if type_ == desk.CARE else 1.0
        return desk.Ladder(
            tuple(pace * start_s for start_s in starts_s),
            pace * timing.repeat_s,
            pace * timing.reopen_s,
            rise_s=timing.rise_s,
            join_s=timing.join_s,
        )

    def on_rung(self, device: str, type_: str, rung: int) -> Person | None:
        """Whom this rung means; None when it is the hotline's, because no duty is configured."""
        steps = self._steps(device, type_)
        return steps[min(rung, len(steps) - 1)][1]

    def _steps(self, device: str, type_: str) -> tuple[tuple[float, Person | None], ...]:
        """(after_s, person) of each rung; at least one, and the last one is the duty's, or, without one, nobody's."""
        district = self._district(device)
        if type_ == desk.TECHNICAL and district.technical:
            return tuple(zip(TECHNICAL_LADDER.starts_s, (district.technical, district.duty), strict=True))
        home = self.home(device)
        if home is None:
            return ((0.0, district.duty),)
        return (*home.ladder, (self._timing(device).duty_after_s, district.duty))

    def _timing(self, device: str) -> Timing:
        home = self.home(device)
        return home.timing if home and home.timing else self.timing

    def _district(self, device: str) -> District:
        """The duty and the technician of the device's region, else those of the whole file."""
        region = self.region(device) or ""
        fitting = [code for code in self.districts if region.startswith(code)]
        here = self.districts[max(fitting, key=len)] if fitting else District()
        return District(duty=here.duty or self.duty, technical=here.technical or self.technical)

    def region(self, device: str) -> str | None:
        """The region that the file gives this device; None means the site's."""
        home = self.home(device)
        return home.region if home else None


class SignIn(Settings):
    """How long somebody stays signed in. An open page counts as use: a desk's page must not go dark by itself."""

    idle_minutes: Annotated[float, Field(ge=1, le=1440)] = 30
    longest_hours: Annotated[float, Field(ge=0.1, le=168)] = 12  # a shift


class Retention(Settings):
    """After how many days what is erased; ended alarms go with their messages, log and commands."""

    alarms_days: Annotated[int, Field(ge=30)] = 730
    telemetry_days: Annotated[int, Field(ge=1)] = 30
    refusals_days: Annotated[int, Field(ge=1)] = 30
    sessions_days: Annotated[int, Field(ge=1)] = 30
    audit_detail_days: Annotated[int, Field(ge=30)] = 730  # the chain itself stays


class Site(Settings):
    """The site file: where this platform stands and how it speaks."""

    name: Line = "幸福养老"
    region: Region = "150000"
    timezone: str = "Asia/Shanghai"
    language: Literal["zh", "mn", "en"] = "zh"
    hotline: Phone = "96111"
    hosts: Annotated[tuple[str, ...], Field(description="host names under which browsers may reach the pages")] = ()
    address: Annotated[str, StringConstraints(pattern=r"^https?://[^\s/]+(/[^\s]*)?$")] | None = None
    channels: Channels = {}
    sign_in: SignIn = SignIn()
    retention: Retention = Retention()

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
