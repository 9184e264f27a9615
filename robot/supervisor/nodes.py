"""The actions that start something: `launch.actions.ExecuteProcess` and `launch_ros.actions.Node`."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from robot.errors import BadInput, MissingPart
from robot.supervisor.actions import Action, Handler, join_namespace, number
from robot.supervisor.process import Command
from robot.supervisor.substitutions import IfCondition, Scope, SomeText, Substitution, prefixes, text


class ExecuteProcess(Action):
    """A process. `output` is accepted and ignored: everything is shown, or written to files (see `process`)."""

    def __init__(
        self,
        *,
        cmd: Iterable[SomeText],
        name: SomeText | None = None,
        cwd: SomeText | None = None,
        additional_env: Mapping[SomeText, SomeText] | None = None,
        respawn: bool | SomeText = False,
        respawn_delay: float | None = None,
        on_exit: Handler = None,
        output: SomeText = "log",  # noqa: ARG002 (part of the API, see above)
        emulate_tty: bool = False,  # noqa: ARG002 (children have pipes or files only)
        sigterm_timeout: float | SomeText = 5.0,
        sigkill_timeout: float | SomeText = 5.0,
        condition: IfCondition | None = None,
    ) -> None:
        super().__init__(condition=condition)
        self._cmd, self._name, self._cwd = list(cmd), name, cwd
        self._environment = dict(additional_env or {})
        self._respawn, self._respawn_delay_s = respawn, respawn_delay or 0.0
        self.on_exit = on_exit
        self._sigterm_after_s, self._sigkill_after_s = sigterm_timeout, sigkill_timeout

    def execute(self, context: Scope) -> None:
        arguments = self.arguments(context)
        additional = {text(key, context): text(value, context) for key, value in self._environment.items()}
        command = Command(
            name=self.label(context),
            arguments=tuple(arguments),
            environment={**context.environment, **additional},
            folder=None if self._cwd is None else text(self._cwd, context),
            respawn=IfCondition(str(text(self._respawn, context))).evaluate(context),
            respawn_delay_s=self._respawn_delay_s,
            sigterm_after_s=number(self._sigterm_after_s, "sigterm_timeout", context),
            sigkill_after_s=number(self._sigkill_after_s, "sigkill_timeout", context),
        )
        context.service.add(command, self, context)

    def arguments(self, context: Scope) -> list[str]:
        words = [text(word, context) for word in self._cmd]
        path = context.environment.get("PATH")
        program = shutil.which(words[0], path=path) if words else None
        if program is None:
            raise MissingPart(f"the program {words[0] if words else '(none)'} does not exist or cannot be run")
        return [program, *words[1:]]

    def label(self, context: Scope) -> str:
        return text(self._name or Path(text(self._cmd[0], context)).name, context)


class Node(ExecuteProcess):
    """A ROS node: an executable of a package with `--ros-args` for name, namespace, parameters and remappings."""

    def __init__(
        self,
        *,
        package: SomeText,
        executable: SomeText,
        name: SomeText | None = None,
        namespace: SomeText | None = None,
        parameters: Iterable[Any] | None = None,
        remappings: Iterable[tuple[SomeText, SomeText]] | None = None,
        arguments: Iterable[SomeText] | None = None,
        ros_arguments: Iterable[SomeText] | None = None,
        **keywords: Any,
    ) -> None:
        super().__init__(cmd=[], name=name, **keywords)
        self._package, self._executable, self._namespace = package, executable, namespace
        self._parameters, self._remappings = list(parameters or ()), list(remappings or ())
        self._arguments, self._ros_arguments = list(arguments or ()), list(ros_arguments or ())

    def label(self, context: Scope) -> str:
        return text(self._name or self._executable, context)

    def arguments(self, context: Scope) -> list[str]:
        program = find_executable(text(self._package, context), text(self._executable, context), context)
        words = [program, *(text(word, context) for word in self._arguments), "--ros-args"]
        words += [text(word, context) for word in self._ros_arguments]
        if self._name is not None:
            words += ["-r", f"__node:={text(self._name, context)}"]
        namespace = join_namespace(context.namespace, text(self._namespace or "", context))
        if namespace:
            words += ["-r", f"__ns:={namespace}"]
        for parameters in self._parameters:
            words += ["--params-file", _parameter_file(parameters, context)]
        for old, new in self._remappings:
            words += ["-r", f"{text(old, context)}:={text(new, context)}"]
        return words


class ParameterValue:
    """A parameter's value with its type, for texts that look like numbers."""

    def __init__(self, value: Any, *, value_type: type | None = None) -> None:
        self._value, self._type = value, value_type

    def evaluate(self, context: Scope) -> Any:
        return text(self._value, context) if self._type is str else _parameter(self._value, context)


def find_executable(package: str, executable: str, context: Scope) -> str:
    """Find a script: pip puts it beside the interpreter, colcon into lib/PACKAGE. Raises MissingPart."""
    folders = [Path(sys.executable).parent, *(prefix / "lib" / package for prefix in prefixes(context))]
    for folder in folders:
        if os.access(folder / executable, os.X_OK):
            return str(folder / executable)
    raise MissingPart(f"executable {executable} of package {package} is missing: run the set-up again")


def _parameter_file(parameters: Any, context: Scope) -> str:
    if isinstance(parameters, Mapping):
        values = {text(key, context): _parameter(value, context) for key, value in parameters.items()}
        document = yaml.safe_dump({"/**": {"ros__parameters": values}}, allow_unicode=True)
        return str(context.service.parameter_file(document))
    path = Path(text(parameters, context))
    if not path.is_file():
        raise BadInput(f"there is no parameter file {path}")
    return str(path)


def _parameter(value: Any, context: Scope) -> Any:
    """Texts are read as YAML, as the real package does: "true" is a boolean, "3" a number."""
    if isinstance(value, ParameterValue):
        return value.evaluate(context)
    if isinstance(value, Mapping):
        return {text(key, context): _parameter(inner, context) for key, inner in value.items()}
    parts = value if isinstance(value, (list, tuple)) else [value]
    if not any(isinstance(part, Substitution) for part in parts) and not isinstance(value, (str, Path)):
        return list(value) if isinstance(value, tuple) else value
    written = text(value, context)
    try:
        read = yaml.safe_load(written)
    except yaml.YAMLError as error:
        raise BadInput(f"the parameter value {written!r} is not YAML: quote it") from error
    return "" if read is None else read
