"""Resident configuration: one YAML file, read strictly. It holds habits, and names that stay on this robot."""

from __future__ import annotations

import time
from datetime import time as time_of_day
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from robot import paths
from robot.errors import BadConfiguration
from robot.messages import Language, OwnName


def _time_of_day(value: object) -> time_of_day:
    """Read "HH:MM". YAML 1.1 reads an unquoted 21:30 as the number 21 * 60 + 30: minutes, luckily."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 24 * 60:
        return time_of_day(*divmod(value, 60))
    if isinstance(value, str):
        hour, colon, minute = value.partition(":")
        if colon and len(minute) == 2 and (hour + minute).isascii() and (hour + minute).isdecimal():
            return time_of_day(int(hour), int(minute))
    raise ValueError('must be a time of day like "21:30"')


TimeOfDay = Annotated[time_of_day, BeforeValidator(_time_of_day)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Night(_Strict):
    """The hours in which leaving the bed is watched; they may cross midnight."""

    begins: TimeOfDay = time_of_day(21, 30)
    ends: TimeOfDay = time_of_day(6, 0)

    @model_validator(mode="after")
    def _has_length(self) -> Night:
        if self.begins == self.ends:
            raise ValueError("begins and ends must differ")
        return self


class DailyReminder(_Strict):
    """Spoken once a day at `at`, local time. `purpose` is the text's key in dialogue/words.

    late_limit_min: minutes after which a missed reminder is no longer spoken; a medicine may then do more harm than
    its absence, and belongs to the caregiver.
    """

    at: TimeOfDay
    purpose: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    late_limit_min: Annotated[int, Field(ge=1, le=720)] = 180

    @property
    def id(self) -> str:
        """Changes with time and purpose: a moved reminder is a new one."""
        return f"{self.purpose}@{self.at:%H:%M}"


class RoomName(_Strict):
    """What the resident calls a room; `mong` is traditional script for the screen."""

    zh: Annotated[str, Field(min_length=1)]
    mn: Annotated[str, Field(min_length=1)]
    mong: str | None = None


class NameForms(_Strict):
    """A name in both languages, so that it is heard in either and in mixed sentences; IPA where spelling misleads."""

    zh: Annotated[str, Field(pattern=r"^[\u3400-\u9fff]{1,12}$")]
    mn: Annotated[str, Field(pattern=r"^[А-Яа-яЁёӨөҮү]+(?:[ -][А-Яа-яЁёӨөҮү]+){0,3}$", max_length=40)]
    zh_ipa: Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[^{}]+$")] | None = None
    mn_ipa: Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[^{}]+$")] | None = None


class Names(_Strict):
    """Whom and what the resident speaks of: family and doctor, medicines, villages. Never sent, never logged."""

    person: Annotated[tuple[NameForms, ...], Field(max_length=100)] = ()
    medicine: Annotated[tuple[NameForms, ...], Field(max_length=100)] = ()
    place: Annotated[tuple[NameForms, ...], Field(max_length=100)] = ()


class Resident(_Strict):
    """`people` counts who sleep here. `languages` are spoken in this order. `mattress`: whether one lies in the bed."""

    languages: Annotated[tuple[Language, ...], Field(min_length=1)] = (Language.ZH, Language.MN)
    people: Annotated[int, Field(ge=1, le=20)] = 1
    mattress: bool = True
    night: Night = Night()
    reminders: tuple[DailyReminder, ...] = ()
    rooms: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], RoomName] = {}
    names: Names = Names()

    @model_validator(mode="after")
    def _no_repeats(self) -> Resident:
        if len(set(self.languages)) != len(self.languages):
            raise ValueError("a language stands twice in languages")
        if len({reminder.id for reminder in self.reminders}) != len(self.reminders):
            raise ValueError("a reminder stands twice in reminders")
        return self

    def own_names(self) -> tuple[OwnName, ...]:
        """The names for the recogniser's grammar and for the dialogue."""
        groups = (("person", self.names.person), ("medicine", self.names.medicine), ("place", self.names.place))
        return tuple(
            OwnName(word_class, one.zh, one.mn, one.zh_ipa, one.mn_ipa) for word_class, names in groups for one in names
        )

    def is_night(self, local: time.struct_time) -> bool:
        """Whether leaving the bed at this local time is watched."""
        now, night = time_of_day(local.tm_hour, local.tm_min), self.night
        if night.begins < night.ends:
            return night.begins <= now < night.ends
        return now >= night.begins or now < night.ends


def load_resident(file: str | Path = "") -> Resident:
    """Read a resident's file; empty: the example that comes with Hani.

    Raises BadConfiguration that names the key and the file, and repeats no value.
    """
    path = Path(file) if file else paths.ROOT / "config" / "resident.example.yaml"
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_NoDuplicates)  # noqa: S506 - a SafeLoader
    except OSError as error:
        raise BadConfiguration(f"{path}: cannot be read ({error.strerror}); check `resident_file`") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" in line {mark.line + 1}" if mark else ""
        raise BadConfiguration(f"{path}: not valid YAML{place}; compare config/resident.example.yaml") from None
    except (UnicodeDecodeError, RecursionError):
        raise BadConfiguration(f"{path}: not a YAML text in UTF-8") from None
    try:
        return Resident.model_validate({} if content is None else content)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"]) or "the file"
        problem = "unknown key" if first["type"] == "extra_forbidden" else first["msg"].removeprefix("Value error, ")
        raise BadConfiguration(f"{path}: {key}: {problem}; compare config/resident.example.yaml") from None


class _NoDuplicates(yaml.SafeLoader):
    """A key that is written twice is an error: YAML would silently keep the last."""


def _mapping(loader: _NoDuplicates, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[str] = set()
    for key, _ in node.value:
        if key.value in seen if isinstance(key.value, str) else True:
            raise yaml.constructor.ConstructorError(None, None, "a key that comes twice or is no text", key.start_mark)
        seen.add(key.value)
    return loader.construct_mapping(node, deep=True)


_NoDuplicates.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)
