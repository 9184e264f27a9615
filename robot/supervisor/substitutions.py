"""Values that are known only when a launch file runs, and conditions: the used part of `launch.substitutions`."""

from __future__ import annotations

import ast
import operator
import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from robot.errors import BadInput, MissingPart
from robot.paths import ROOT

if TYPE_CHECKING:
    from robot.supervisor.service import Service


@dataclass
class Scope:
    """What a launch file sees while it runs; `launch_configurations` has the name that OpaqueFunctions know."""

    service: Service
    launch_configurations: dict[str, str]
    environment: dict[str, str]
    namespace: str = ""
    file: Path | None = None

    def inner(self) -> Scope:
        """A scope whose changes stay inside."""
        return replace(self, launch_configurations=dict(self.launch_configurations), environment=dict(self.environment))


class Substitution:
    def perform(self, context: Scope) -> str:
        raise NotImplementedError


# what launch files may write where a text is wanted
SomeText = str | Path | Substitution | Iterable[str | Path | Substitution]


def text(value: Any, context: Scope) -> str:
    """The text of a string, path, number, substitution, or a list of these joined."""
    if isinstance(value, Substitution):
        return value.perform(context)
    if isinstance(value, (list, tuple)):
        return "".join(text(part, context) for part in value)
    return str(value)


class TextSubstitution(Substitution):
    def __init__(self, *, text: str) -> None:
        self._text = text

    def perform(self, context: Scope) -> str:  # noqa: ARG002 (the one substitution that needs no context)
        return self._text


class LaunchConfiguration(Substitution):
    def __init__(self, variable_name: SomeText, *, default: SomeText | None = None) -> None:
        self._name = variable_name
        self._default = default

    def perform(self, context: Scope) -> str:
        name = text(self._name, context)
        if name in context.launch_configurations:
            return context.launch_configurations[name]
        if self._default is None:
            raise BadInput(f"launch configuration {name} is used but nobody declared it")
        return text(self._default, context)


class EnvironmentVariable(Substitution):
    def __init__(self, name: SomeText, *, default_value: SomeText | None = None) -> None:
        self._name = name
        self._default = default_value

    def perform(self, context: Scope) -> str:
        name = text(self._name, context)
        if name in context.environment:
            return context.environment[name]
        if self._default is None:
            raise BadInput(f"the environment variable {name} is needed: set it")
        return text(self._default, context)


class PathJoinSubstitution(Substitution):
    def __init__(self, substitutions: Iterable[SomeText]) -> None:
        self._parts = list(substitutions)

    def perform(self, context: Scope) -> str:
        return os.path.join(*[text(part, context) for part in self._parts])


class ThisLaunchFileDir(Substitution):
    def perform(self, context: Scope) -> str:
        if context.file is None:
            raise BadInput("ThisLaunchFileDir is used outside of a launch file")
        return str(context.file.parent)


class PythonExpression(Substitution):
    """An expression of literals, comparisons, and/or/not, arithmetic and `in`; names and calls are refused."""

    def __init__(self, expression: SomeText) -> None:
        self._expression = expression

    def perform(self, context: Scope) -> str:
        source = text(self._expression, context)
        try:
            return str(_value(ast.parse(source.strip(), mode="eval").body))
        except (SyntaxError, ValueError, TypeError, ArithmeticError) as error:
            raise BadInput(f"expression {source!r} cannot be computed ({error})") from error


_OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda left, right: left in right,
    ast.NotIn: lambda left, right: left not in right,
    ast.Not: operator.not_,
    ast.USub: operator.neg,
}


def _value(node: ast.expr) -> Any:
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, (ast.List, ast.Tuple)):
        return [_value(element) for element in node.elts]
    if isinstance(node, ast.BoolOp):
        values = [_value(value) for value in node.values]
        return all(values) if isinstance(node.op, ast.And) else any(values)
    if isinstance(node, ast.IfExp):
        return _value(node.body if _value(node.test) else node.orelse)
    if isinstance(node, ast.UnaryOp) and type(node.op) in _OPERATORS:
        return _OPERATORS[type(node.op)](_value(node.operand))
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        return _OPERATORS[type(node.op)](_value(node.left), _value(node.right))
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in _OPERATORS:
        return _OPERATORS[type(node.ops[0])](_value(node.left), _value(node.comparators[0]))
    raise ValueError("only literals, comparisons, and/or/not, arithmetic and 'in' are allowed")


class FindPackageShare(Substitution):
    """The share folder of a ROS package; for this checkout's own package that is the repository itself."""

    def __init__(self, package: SomeText) -> None:
        self._package = package

    def perform(self, context: Scope) -> str:
        package = text(self._package, context)
        for prefix in prefixes(context):
            if (prefix / "share" / package / "package.xml").is_file():
                return str(prefix / "share" / package)
        manifest = ROOT / "package.xml"
        if manifest.is_file() and ElementTree.parse(manifest).findtext("name") == package:  # noqa: S314 (our own file)
            return str(ROOT)
        raise MissingPart(f"the ROS package {package} is not installed: run the set-up again")


def prefixes(context: Scope) -> list[Path]:
    """Where ROS packages may be installed: the sourced workspaces, then this interpreter's environment."""
    workspaces = context.environment.get("AMENT_PREFIX_PATH", "").split(os.pathsep)
    return [*(Path(workspace) for workspace in workspaces if workspace), Path(sys.prefix)]


class IfCondition:
    def __init__(self, predicate_expression: SomeText) -> None:
        self._predicate = predicate_expression

    def evaluate(self, context: Scope) -> bool:
        word = text(self._predicate, context).strip().lower()
        if word not in ("true", "1", "false", "0"):
            raise BadInput(f"a condition must be true or false, not {word!r}")
        return word in ("true", "1")


class UnlessCondition(IfCondition):
    def evaluate(self, context: Scope) -> bool:
        return not super().evaluate(context)
