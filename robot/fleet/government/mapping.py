"""From our words to theirs, as data: rules, code tables, times, templates. No rule can run code. Pure."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from robot.errors import BadConfiguration, BadInput
from robot.fleet.government.facts import Facts

Scalar = str | int | float | bool | None
Row = Mapping[str, str]


def as_text(value: object) -> str:
    """A field's value as a key of a table: true, 3, fall."""
    return str(value).lower() if isinstance(value, bool) else str(value)


Tables = dict[str, dict[Annotated[str, BeforeValidator(as_text)], Scalar]]

_BLANK = re.compile(r"\{([a-z_]+)(?:\|([A-Za-z0-9_]+))?\}")
_TIMES: dict[str, Callable[[datetime], str | int]] = {
    "epoch_s": lambda at: int(at.timestamp()),
    "epoch_ms": lambda at: round(at.timestamp() * 1000),
    "text": lambda at: at.strftime("%Y-%m-%d %H:%M:%S"),
    "compact": lambda at: at.strftime("%Y%m%d%H%M%S"),
    "date": lambda at: at.strftime("%Y-%m-%d"),
    "iso": lambda at: at.isoformat(timespec="milliseconds"),
}


class Rule(BaseModel):
    """One field of theirs. `to` is a dotted path, a number in it counts places of a list (`records.0.id`).

    Exactly one source: `from` a field of ours, `value` a constant, `lookup` a column of the lookup file, `template` a
    text with {field} or {field|table}. `table` turns the field into their code. What has no code, no row or is unknown
    becomes `otherwise` if that is given; else a missing code or row makes the item a dead letter, and so does an
    unknown value if `required`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=False)

    to: Annotated[str, StringConstraints(pattern=r"^[^.\s]+(\.[^.\s]+)*$", max_length=200)]
    source: Annotated[str | None, Field(alias="from")] = None
    value: Scalar = None
    lookup: str | None = None
    template: str | None = None
    table: str | None = None
    time: Literal["epoch_s", "epoch_ms", "text", "compact", "date", "iso"] | None = None
    longest: Annotated[int | None, Field(ge=1, description="characters, the rest is cut off")] = None
    required: bool = False
    otherwise: Scalar = None

    @model_validator(mode="after")
    def _one_source(self) -> Rule:
        given = [name for name in ("source", "value", "lookup", "template") if name in self.model_fields_set]
        if len(given) != 1:
            raise ValueError("give exactly one of from, value, lookup, template")
        if (self.table or self.time) and self.source is None:
            raise ValueError("table and time belong to from")
        if self.table and self.time:
            raise ValueError("give table or time, not both")
        if self.template is not None and _BLANK.sub("", self.template).count("{"):
            raise ValueError("a template holds only {field} and {field|table}")
        return self

    def asks(self) -> tuple[str, ...]:
        """The fields of ours that this rule reads."""
        if self.source is not None:
            return (self.source,)
        return tuple(match[1] for match in _BLANK.finditer(self.template or ""))

    def uses(self) -> tuple[str, ...]:
        """The tables that this rule reads."""
        found = (self.table, *(match[2] for match in _BLANK.finditer(self.template or "")))
        return tuple(table for table in found if table)


class LookupTable:
    """The lookup file by device, read again when it changes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int] | None = None
        self._rows: dict[str, Row] = {}

    def row(self, device: str) -> Row:
        """The row of a device, empty if it has none. Raises BadConfiguration when the file cannot be used."""
        try:
            status = self._path.stat()
            if self._seen != (status.st_mtime_ns, status.st_size):
                with self._path.open(encoding="utf-8-sig", newline="") as file:
                    self._rows = self._read(csv.DictReader(file, strict=True))
                self._seen = (status.st_mtime_ns, status.st_size)
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise BadConfiguration(
                f"{self._path}: cannot be read as a UTF-8 table ({type(error).__name__}); correct it"
            ) from error
        return self._rows.get(device, {})

    def _read(self, reader: csv.DictReader[str]) -> dict[str, Row]:
        rows: dict[str, Row] = {}
        if "device" not in (reader.fieldnames or ()):
            raise BadConfiguration(f"{self._path}, line 1: no column device; the first line names the columns")
        for row in reader:
            if None in row or None in row.values():
                raise BadConfiguration(f"{self._path}, line {reader.line_num}: not as many values as columns")
            device = row["device"].strip()
            if device in rows:
                raise BadConfiguration(f"{self._path}, line {reader.line_num}: {device} stands here twice")
            rows[device] = {name: value.strip() for name, value in row.items()}
        return rows


def place(whole: dict[str, Any], path: str, value: object) -> None:
    """Put a value at a dotted path. Raises ValueError when something else stands there already."""
    parts = path.split(".")
    here: Any = whole
    for part, following in zip(parts, [*parts[1:], None]):  # noqa: B905 - equally long by construction
        fresh: Any = value if following is None else ([] if following.isdigit() else {})
        if isinstance(here, list):
            if not part.isdigit() or int(part) > len(here):
                raise ValueError("places of a list are numbered 0, 1, 2… in order")
            if int(part) == len(here):
                here.append(fresh)
            elif following is None:
                raise ValueError("this place is taken")
            here = here[int(part)]
            continue
        if not isinstance(here, dict) or (following is None and part in here):
            raise ValueError("this place is taken")
        here = here.setdefault(part, fresh)
        if following is not None and not isinstance(here, dict | list):
            raise ValueError("this place is taken")


def flat(rules: Iterable[Rule], facts: Facts, tables: Tables, row: Row, zone: ZoneInfo) -> dict[str, Scalar]:
    """Their values by path, in the order of the rules. Raises BadInput saying which field is missing what."""
    return {rule.to: _value(rule, facts, tables, row, zone) for rule in rules}


def nested(values: Mapping[str, Scalar]) -> dict[str, Any]:
    """The values as the tree that their paths describe."""
    whole: dict[str, Any] = {}
    for path, value in values.items():
        place(whole, path, value)
    return whole


def encode(tree: Mapping[str, Any]) -> bytes:
    """Compact UTF-8 JSON: exactly these bytes are signed and sent."""
    return json.dumps(tree, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def _value(rule: Rule, facts: Facts, tables: Tables, row: Row, zone: ZoneInfo) -> Scalar:
    found, problem = _raw(rule, facts, tables, row, zone)
    if found is None and "otherwise" in rule.model_fields_set:
        found = rule.otherwise
    elif found is None and (problem is not None or rule.required):
        raise BadInput(f"{rule.to}: {problem or 'unknown, and required'}")
    return found[: rule.longest] if isinstance(found, str) else found


def _raw(rule: Rule, facts: Facts, tables: Tables, row: Row, zone: ZoneInfo) -> tuple[Scalar, str | None]:
    """The rule's value and, if that is None, what is missing beyond an unknown value."""
    if rule.template is not None:
        return _BLANK.sub(lambda blank: _word(blank[1], blank[2], facts, tables), rule.template), None
    if rule.lookup is not None:
        found = row.get(rule.lookup) or None
        return found, f"the lookup file has no {rule.lookup} for {facts.device}; add it and replay"
    if rule.source is None:
        return rule.value, None
    value: Scalar = getattr(facts, rule.source)
    if value is None:
        return None, None
    if rule.time is not None:
        return _TIMES[rule.time](datetime.fromtimestamp(float(value), timezone.utc).astimezone(zone)), None
    if rule.table is None:
        return value, None
    text = as_text(value)
    return tables[rule.table].get(text), f"table {rule.table} has no code for {rule.source} {text}; add it and replay"


def _word(field: str, table: str | None, facts: Facts, tables: Tables) -> str:
    value = getattr(facts, field)
    if value is None:
        return ""
    text = as_text(value)
    return str(tables[table].get(text, text)) if table else text
