"""What a launch file can do: the used part of `launch.actions` and `launch.event_handlers`, processes aside."""

from __future__ import annotations

import runpy
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from robot.errors import BadInput, HaniError
from robot.supervisor.substitutions import IfCondition, Scope, SomeText, text


class Action:
    """Anything in a launch description; a false condition makes it do nothing."""

    def __init__(self, *, condition: IfCondition | None = None) -> None:
        self._condition = condition

    def visit(self, context: Scope) -> None:
        if self._condition is None or self._condition.evaluate(context):
            self.execute(context)

    def execute(self, context: Scope) -> None:
        raise NotImplementedError


Actions = Action | Iterable[Action] | None


def visit_all(actions: Actions, context: Scope) -> None:
    """Visit one action, several or none."""
    for action in [actions] if isinstance(actions, Action) else actions or ():
        action.visit(context)


class LaunchDescription(Action):
    def __init__(self, initial_entities: Iterable[Action] | None = None) -> None:
        super().__init__()
        self.entities = list(initial_entities or ())

    def add_action(self, action: Action) -> None:
        self.entities.append(action)

    def execute(self, context: Scope) -> None:
        visit_all(self.entities, context)


def read_launch_file(path: Path) -> LaunchDescription:
    """Run a launch file's `generate_launch_description`. Raises BadInput with one line, whatever is wrong in there."""
    if not path.is_file():
        raise BadInput(f"there is no launch file {path}")
    try:
        description = runpy.run_path(str(path))["generate_launch_description"]()
    except HaniError:
        raise
    except Exception as error:  # a launch file is a program: anything may come out of it
        raise BadInput(f"launch file {path} cannot be used: {type(error).__name__}: {error}") from error
    if not isinstance(description, LaunchDescription):
        raise BadInput(f"launch file {path}: generate_launch_description must return a LaunchDescription")
    return description


class DeclareLaunchArgument(Action):
    def __init__(
        self,
        name: str,
        *,
        default_value: SomeText | None = None,
        description: str = "",
        choices: Sequence[str] | None = None,
        condition: IfCondition | None = None,
    ) -> None:
        super().__init__(condition=condition)
        self.name = name
        self.default_value = default_value
        self.description = description
        self.choices = choices

    def execute(self, context: Scope) -> None:
        context.service.declared.setdefault(self.name, self)  # the outermost speaks for all
        if self.name not in context.launch_configurations:
            if self.default_value is None:
                raise BadInput(f"the argument {self.name} is needed: give {self.name}:=VALUE")
            context.launch_configurations[self.name] = text(self.default_value, context)
        value = context.launch_configurations[self.name]
        if self.choices and value not in self.choices:
            raise BadInput(f"{self.name}:={value} is not possible; choose one of {', '.join(self.choices)}")


class SetLaunchConfiguration(Action):
    def __init__(self, name: SomeText, value: SomeText, **keywords: Any) -> None:
        super().__init__(**keywords)
        self._name, self._value = name, value

    def execute(self, context: Scope) -> None:
        context.launch_configurations[text(self._name, context)] = text(self._value, context)


class SetEnvironmentVariable(SetLaunchConfiguration):
    def execute(self, context: Scope) -> None:
        context.environment[text(self._name, context)] = text(self._value, context)


class LogInfo(Action):
    def __init__(self, *, msg: SomeText, **keywords: Any) -> None:
        super().__init__(**keywords)
        self._message = msg

    def execute(self, context: Scope) -> None:
        context.service.say(text(self._message, context))


class GroupAction(Action):
    """Actions whose changes of configurations, environment and namespace stay inside, if `scoped`."""

    def __init__(self, actions: Iterable[Action], *, scoped: bool = True, **keywords: Any) -> None:
        super().__init__(**keywords)
        self._actions, self._scoped = list(actions), scoped

    def execute(self, context: Scope) -> None:
        visit_all(self._actions, context.inner() if self._scoped else context)


class PushRosNamespace(Action):
    def __init__(self, namespace: SomeText, **keywords: Any) -> None:
        super().__init__(**keywords)
        self._namespace = namespace

    def execute(self, context: Scope) -> None:
        context.namespace = join_namespace(context.namespace, text(self._namespace, context))


def join_namespace(outer: str, inner: str) -> str:
    """`inner` below `outer`, unless it is absolute; without a slash at the end."""
    joined = inner if inner.startswith("/") else f"{outer}/{inner}"
    return "/" + joined.strip("/") if joined.strip("/") else ""


class PythonLaunchDescriptionSource:
    def __init__(self, launch_file_path: SomeText) -> None:
        self.path = launch_file_path


class IncludeLaunchDescription(Action):
    """Like the real one, it does not hide configurations: put it into a GroupAction for that."""

    def __init__(
        self,
        launch_description_source: PythonLaunchDescriptionSource | SomeText,
        *,
        launch_arguments: Iterable[tuple[SomeText, SomeText]] = (),
        **keywords: Any,
    ) -> None:
        super().__init__(**keywords)
        source = launch_description_source
        self._path = source.path if isinstance(source, PythonLaunchDescriptionSource) else source
        self._arguments = list(launch_arguments)

    def execute(self, context: Scope) -> None:
        for name, value in self._arguments:
            context.launch_configurations[text(name, context)] = text(value, context)
        outer, context.file = context.file, Path(text(self._path, context)).resolve()
        try:
            read_launch_file(context.file).visit(context)
        finally:
            context.file = outer


class OpaqueFunction(Action):
    """Calls `function(context, *args, **kwargs)` and visits the actions that it returns."""

    def __init__(
        self,
        *,
        function: Callable[..., Iterable[Action] | None],
        args: Iterable[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        **keywords: Any,
    ) -> None:
        super().__init__(**keywords)
        self._function, self._args, self._kwargs = function, tuple(args), dict(kwargs or {})

    def execute(self, context: Scope) -> None:
        visit_all(self._function(context, *self._args, **self._kwargs), context)


class TimerAction(Action):
    def __init__(self, *, period: float | SomeText, actions: Iterable[Action], **keywords: Any) -> None:
        super().__init__(**keywords)
        self._period, self._actions = period, list(actions)

    def execute(self, context: Scope) -> None:
        context.service.later(number(self._period, "period", context), lambda: visit_all(self._actions, context))


@dataclass(frozen=True)
class ShutdownEvent:
    """`launch.events.Shutdown`."""

    reason: str = "reason not given"
    due_to_sigint: bool = False


class EmitEvent(Action):
    """Only the shutdown event has a meaning here."""

    def __init__(self, *, event: ShutdownEvent, **keywords: Any) -> None:
        super().__init__(**keywords)
        self._event = event

    def execute(self, context: Scope) -> None:
        context.service.shutdown(self._event.reason)


class Shutdown(Action):
    """`launch.actions.Shutdown`."""

    def __init__(self, *, reason: SomeText = "reason not given", **keywords: Any) -> None:
        super().__init__(**keywords)
        self._reason = reason

    def execute(self, context: Scope) -> None:
        context.service.shutdown(text(self._reason, context))


@dataclass(frozen=True)
class ProcessExited:
    """What an exit handler is told."""

    action: Action
    process_name: str
    pid: int
    returncode: int


Handler = Actions | Callable[[ProcessExited, Scope], Actions]


def handle_exit(handler: Handler, event: ProcessExited, context: Scope) -> None:
    """Visit the handler's actions, or those that the handler as a function returns."""
    visit_all(handler(event, context) if callable(handler) else handler, context)


class OnProcessExit:
    def __init__(self, *, target_action: Action | None = None, on_exit: Handler) -> None:
        self.target_action, self.on_exit = target_action, on_exit


class RegisterEventHandler(Action):
    def __init__(self, event_handler: OnProcessExit, **keywords: Any) -> None:
        super().__init__(**keywords)
        self._handler = event_handler

    def execute(self, context: Scope) -> None:
        handler = self._handler

        def on_exit(event: ProcessExited) -> None:
            if handler.target_action in (None, event.action):
                handle_exit(handler.on_exit, event, context)

        context.service.exit_handlers.append(on_exit)


def number(value: Any, name: str, context: Scope) -> float:
    try:
        return float(text(value, context))
    except ValueError as error:
        raise BadInput(f"{name} must be a number of seconds") from error
