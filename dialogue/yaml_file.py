"""Strict reading of the word files: every error names the file and the key and says what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from robot.errors import BadConfiguration
from robot.messages import Language


@dataclass(frozen=True, slots=True)
class Record:
    """One mapping of a file: `where` is the file and the keys above it."""

    where: str
    key: str
    values: Mapping[str, Any]

    def wrong(self, field: str, expected: str) -> BadConfiguration:
        name = f"{self.key}.{field}" if field else self.key
        return BadConfiguration(f"{self.where}: {name} is not right; it must be {expected}.")

    def only(self, *known: str) -> None:
        for key in self.values:
            if key not in known:
                raise BadConfiguration(f"{self.where}: the key {self.key}.{key} is not known; use {', '.join(known)}.")

    def text(self, field: str) -> str:
        value = self.values.get(field)
        if not isinstance(value, str) or not value:
            raise self.wrong(field, "a text")
        return value

    def text_or_none(self, field: str) -> str | None:
        return self.text(field) if field in self.values else None

    def number(self, field: str, default: float) -> float:
        value = self.values.get(field, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
            raise self.wrong(field, "a number above 0")
        return float(value)

    def items(self, field: str) -> list[object]:
        value = self.values.get(field, [])
        if not isinstance(value, list):
            raise self.wrong(field, "a list")
        return value

    def child(self, field: str, value: object) -> Record:
        if not isinstance(value, dict):
            raise self.wrong(field, "a mapping")
        return Record(self.where, f"{self.key}.{field}", value)

    def records(self, *fields: str) -> Iterator[Record]:
        """The mappings below this one: all, or those of `fields` that exist."""
        for field, value in self.values.items():
            if not fields or field in fields:
                if not isinstance(value, dict):
                    raise self.wrong(field, "a mapping")
                yield Record(f"{self.where}: {self.key}", field, value)

    def languages(self) -> dict[Language, tuple[str, ...]]:
        """Read a mapping of exactly the product's languages to lists of texts."""
        self.only(*(language.value for language in Language))
        found: dict[Language, tuple[str, ...]] = {}
        for language in Language:
            texts = self.items(language.value)
            if not texts or not all(isinstance(text, str) and text for text in texts):
                raise self.wrong(language.value, "a list of texts")
            found[language] = tuple(str(text) for text in texts)
        return found


def read_mapping(path: Path) -> list[Record]:
    """Read a YAML file whose top level maps keys to mappings. Raises `BadConfiguration`."""
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_NoDuplicates)  # noqa: S506 - a SafeLoader
    except OSError:
        raise BadConfiguration(f"{path.name} cannot be read; restore dialogue/words/{path.name}.") from None
    except yaml.YAMLError as error:
        raise BadConfiguration(f"{path.name} is not valid YAML: {error}") from None
    if not isinstance(content, dict):
        raise BadConfiguration(f"{path.name} must be a mapping of keys; see the other files of dialogue/words.")
    records = []
    for key, value in content.items():
        if not isinstance(key, str) or not isinstance(value, dict):
            raise BadConfiguration(f"{path.name}: {key} is not right; it must be a mapping.")
        records.append(Record(path.name, key, value))
    return records


class _NoDuplicates(yaml.SafeLoader):
    """A key that is written twice is an error: YAML would silently keep the last."""


def _mapping(loader: _NoDuplicates, node: yaml.MappingNode) -> dict[object, object]:
    mapping: dict[object, object] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if key in mapping:
            raise yaml.constructor.ConstructorError(None, None, f"the key {key} is written twice", key_node.start_mark)
        mapping[key] = loader.construct_object(value_node, deep=True)
    return mapping


_NoDuplicates.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)
