"""What every node shares: settings from ROS parameters, the lifecycle, a heartbeat, and an orderly end.

A node implements `configure` (build its engines), `activate` (start working), `deactivate` and `cleanup`; each may
raise HaniError, which fails the transition with one line in the log. The lifecycle manager tries again, also after an
error that nobody foresaw. A message that cannot be used is logged and left: whoever keeps it would send it again to the
next process. An error in a timer or a worker ends the process, which is started again.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any, Generic, TypeVar, cast

import rclpy
from diagnostic_msgs.msg import DiagnosticStatus
from hani_msgs.msg import Heartbeat, HomeClock
from rcl_interfaces.msg import ParameterDescriptor
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.signals import SignalHandlerOptions
from rclpy.utilities import try_shutdown

from robot import paths
from robot.errors import BadConfiguration, HaniError
from robot.nodes.convert import stamp
from robot.nodes.topics import EVENTS, HEARTBEAT, HOME_CLOCK, LATCHED
from robot.settings import SETTINGS, NodeSettings, validate

_ROS_OWN_PARAMETERS = {"use_sim_time", "start_type_description_service"}
_HEARTBEAT_PERIOD_S = 1.0

S = TypeVar("S", bound=NodeSettings)


class HaniNode(LifecycleNode, Generic[S]):
    """A lifecycle node with settings `self.settings` of the model registered under its class's `NAME`."""

    NAME: str

    def __init__(self) -> None:
        super().__init__(self.NAME)
        self.settings = cast(S, self._read_settings())
        self.home = paths.home(self.settings.home)
        self._make_home()
        self.log = logging.getLogger(f"hani.{self.NAME}")
        self._clock_offset_s = 0.0
        self._level, self._detail, self._reason = DiagnosticStatus.OK, "", ""
        self._entities: list[Any] = []
        self._publishers_offered: list[Any] = []
        self._heartbeat = self.create_publisher(Heartbeat, HEARTBEAT, EVENTS)
        self.create_timer(_HEARTBEAT_PERIOD_S, self._beat)
        if self.settings.simulated:
            self.create_subscription(HomeClock, HOME_CLOCK, self._set_clock, LATCHED)

    # what a node fills in

    def configure(self) -> None:
        """Build engines; may take seconds."""

    def activate(self) -> None:
        """Start working."""

    def deactivate(self) -> None:
        """Stop working; must be safe after a half-done activate."""

    def cleanup(self) -> None:
        """Release what configure built; must be safe after a half-done configure."""

    # what a node uses

    def local_time(self) -> time.struct_time:
        """The time of day at home, which the simulated home may shift."""
        return time.localtime(self.home_now_s())

    def home_now_s(self) -> float:
        """Unix time by the home's clock, in seconds."""
        return time.time() + self._clock_offset_s

    def report_fault(self, detail: str = "", *, fatal: bool = False, reason: str = "") -> None:
        """Show a fault (constant text, no personal content) in the heartbeat; empty text: all is well.

        `reason` is a slug that the platform's pages translate (`fault.*` of their words): the detail stays here.
        """
        level = DiagnosticStatus.ERROR if fatal else DiagnosticStatus.WARN
        self._level, self._detail, self._reason = (level, detail, reason) if detail else (DiagnosticStatus.OK, "", "")

    def offer(self, kind: Any, topic: str, qos: Any = EVENTS) -> Any:
        """Make a publisher that lasts until cleanup: left behind, it would go on telling late joiners old news."""
        publisher = self.create_publisher(kind, topic, qos)
        self._publishers_offered.append(publisher)
        return publisher

    def listen(self, kind: Any, topic: str, callback: Callable[[Any], None], qos: Any = EVENTS) -> None:
        """Subscribe from activate to deactivate."""

        def take(message: Any) -> None:
            try:
                callback(message)
            except HaniError as error:
                self.log.error("message not used: %s: %s: %s", topic, error.code, error)
            except Exception as error:
                # where, but not what: the error's own words could hold what was said
                place = traceback.extract_tb(error.__traceback__)[-1]
                self.log.error("message not used: %s: %s in %s", topic, type(error).__name__, place.name)

        self._entities.append(self.create_subscription(kind, topic, take, qos))

    def every(self, period_s: float, callback: Callable[[], None]) -> None:
        """Call from activate to deactivate."""
        self._entities.append(self.create_timer(period_s, callback))

    def close(self) -> None:
        """End of the process."""
        try:
            self._stop()
        finally:
            self._release()

    # lifecycle

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        return self._transition("configure", self.configure, undo=self._release)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        return self._transition("activate", self.activate, undo=self._stop)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        return self._transition("deactivate", self._stop)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        return self._transition("cleanup", self._release)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        return self._transition("shutdown", self.close)

    def _transition(
        self, name: str, work: Callable[[], None], undo: Callable[[], None] | None = None
    ) -> TransitionCallbackReturn:
        began_s = time.monotonic()
        try:
            work()
        except HaniError as error:
            self.log.error("transition failed: %s: %s: %s", name, error.code, error)
            return self._failed(name, error.code, undo)
        except Exception as error:  # rclpy would swallow it without a word, and leave what was half done
            self.log.exception("transition failed: %s", name)
            return self._failed(name, type(error).__name__, undo)
        self.log.info("transition done: %s in %.1f s", name, time.monotonic() - began_s)
        if self._detail.startswith(f"{name} failed"):
            self.report_fault()
        return TransitionCallbackReturn.SUCCESS

    def _failed(self, name: str, code: str, undo: Callable[[], None] | None) -> TransitionCallbackReturn:
        """Back to where it came from, if what was done can be undone; else to the beginning."""
        self.report_fault(f"{name} failed: {code}", fatal=True)
        try:
            if undo is not None:
                undo()
                return TransitionCallbackReturn.FAILURE
        except Exception:
            self.log.exception("transition could not be undone: %s", name)
        return TransitionCallbackReturn.ERROR

    def _stop(self) -> None:
        self._stop_listening()
        self.deactivate()

    def _release(self) -> None:
        try:
            self.cleanup()
        finally:
            for publisher in self._publishers_offered:
                self.destroy_publisher(publisher)
            self._publishers_offered.clear()

    def _stop_listening(self) -> None:
        for entity in self._entities:
            self.destroy_timer(entity) if hasattr(entity, "cancel") else self.destroy_subscription(entity)
        self._entities.clear()

    # the rest

    def _beat(self) -> None:
        beat = Heartbeat(stamp=stamp(time.time()), node=self.NAME, pid=os.getpid(), detail=self._detail)
        beat.state = self._state_machine.current_state[0]
        beat.level, beat.reason = self._level[0], self._reason
        self._heartbeat.publish(beat)

    def _set_clock(self, clock: HomeClock) -> None:
        self._clock_offset_s = clock.offset_s

    def _make_home(self) -> None:
        try:
            self.home.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BadConfiguration(f"the folder {self.home} cannot be used: {error.strerror}; set `home`") from error

    def _read_settings(self) -> NodeSettings:
        model = SETTINGS[self.NAME]
        unknown = sorted(set(self._parameter_overrides) - set(model.model_fields) - _ROS_OWN_PARAMETERS)
        if unknown:
            raise BadConfiguration(
                f"{self.NAME}: unknown parameter {unknown[0]}; `hani config show` lists what each node knows"
            )
        # read only: a value that was set while the node runs would be shown, and not used
        descriptor = ParameterDescriptor(dynamic_typing=True, read_only=True)
        values: dict[str, Any] = {}
        for key, field in model.model_fields.items():
            value = self.declare_parameter(key, field.get_default(), descriptor).value
            values[key] = list(value) if hasattr(value, "tolist") else value
        return validate(self.NAME, values, "parameters")


class Worker:
    """A thread that a node starts in activate and ends in deactivate. A crash of the loop ends the process: whoever
    started the node starts it again, and nobody mistakes a dead loop for a quiet home.
    """

    def __init__(self, name: str, loop: Callable[[threading.Event], None]) -> None:
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(loop,), name=name, daemon=True)
        self._thread.start()

    def stop(self, limit_s: float = 3.0) -> None:
        self._stopping.set()
        self._thread.join(limit_s)

    def _run(self, loop: Callable[[threading.Event], None]) -> None:
        try:
            loop(self._stopping)
        except Exception:
            if self._stopping.is_set():
                return  # what it worked with may have gone before it
            logging.getLogger("hani.worker").exception("worker loop crashed; ending the process")
            os._exit(70)


def run(node_class: type[HaniNode[Any]]) -> int:
    """Run one node until a signal. Configuration errors end with one line and code 2."""
    logging.basicConfig(level=os.environ.get("HANI_LOG_LEVEL", "INFO"), format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGINT, _interrupt)
    rclpy.init(args=sys.argv, signal_handler_options=SignalHandlerOptions.NO)
    try:
        node = node_class()
    except HaniError as error:
        print(f"{node_class.NAME}: {error}", file=sys.stderr)  # noqa: T201 - the one line for the person who started it
        try_shutdown()
        return 2
    except KeyboardInterrupt:
        try_shutdown()
        return 0
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    try:
        _spin(executor, node)
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        node.close()
        executor.shutdown(timeout_sec=1.0)
        node.destroy_node()
        try_shutdown()
    return 0


def _spin(executor: SingleThreadedExecutor, node: HaniNode[Any]) -> None:
    """Until a signal. A request for a transition that the node's state does not allow is refused, not fatal."""
    while True:
        try:
            executor.spin()
        except rclpy_implementation.RCLError:
            node.log.warning("refused a transition that this state does not allow")


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
