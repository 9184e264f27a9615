"""YAML read so that a mistake can be told with its line. Knows nothing of what the file means."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from robot.errors import BadConfiguration

Place = tuple[str, ...]
Problem = tuple[Place, str]
M = TypeVar("M", bound=BaseModel)

_LEADING_ZERO = re.compile(r"[-+]?0[0-9_]+")


def load(model: type[M], path: Path, problem: Callable[[M], Problem | None] = lambda _found: None) -> M:
    """Read a settings file; `problem` looks at what only the whole shows.

    Raises BadConfiguration naming file, line and key; it never repeats a value.
    """
    try:
        loader = yaml.SafeLoader(path.read_text(encoding="utf-8"))
        node = loader.get_single_node()
        content = {} if node is None else loader.construct_document(node)
    except OSError as error:
        raise BadConfiguration(f"{path}: cannot be read ({error.strerror}); check the path") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise BadConfiguration(f"{path}, line {line}: is not YAML ({error.problem}); correct it") from error
    except (yaml.YAMLError, UnicodeDecodeError, ValueError) as error:
        raise BadConfiguration(f"{path}: is not YAML in UTF-8 ({type(error).__name__}); correct it") from error
    lines: dict[Place, int] = {}
    _walk(node, (), lines, path)
    try:
        found = model.model_validate(content, context={"folder": path.parent})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place, line = _nearest(first["loc"], lines)
        key = ".".join(place) or "the file's top"
        unknown = first["type"] == "extra_forbidden"
        hint = "is not a known key; remove or correct it" if unknown else first["msg"].removeprefix("Value error, ")
        raise BadConfiguration(f"{path}, line {line}: {key}: {hint}") from error
    wrong = problem(found)
    if wrong is not None:
        raise BadConfiguration(f"{path}, line {lines.get(wrong[0], 1)}: {'.'.join(wrong[0])}: {wrong[1]}")
    return found


def _walk(node: yaml.Node | None, place: Place, lines: dict[Place, int], path: Path) -> None:
    """Note the line of each key; refuse what YAML would silently turn into something else."""
    if node is None:
        return
    line = lines.setdefault(place, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = (*place, str(key.value))
            if inner in lines:
                raise BadConfiguration(f"{path}, line {key.start_mark.line + 1}: {'.'.join(inner)}: stands here twice")
            _walk(key, inner, lines, path)
            _walk(value, inner, lines, path)
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            _walk(value, (*place, str(number)), lines, path)
    elif node.tag == "tag:yaml.org,2002:int" and _LEADING_ZERO.fullmatch(str(node.value)):
        raise BadConfiguration(
            f"{path}, line {line}: {'.'.join(place)}: YAML takes {node.value} for another number; put it in quotes"
        )


def _nearest(loc: tuple[int | str, ...], lines: dict[Place, int]) -> tuple[Place, int]:
    """The deepest part of a pydantic location that stands in the file; union tags stand nowhere and are left out."""
    found: Place = ()
    for part in loc:
        if (*found, str(part)) in lines:
            found = (*found, str(part))
    last = str(loc[-1]) if loc else ""
    missing = bool(loc) and (not found or found[-1] != last)  # a key that should be there has no line of its own
    return ((*found, last) if missing else found), lines.get(found, 1)
