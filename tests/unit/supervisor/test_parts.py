"""The pure parts of the supervisor: delays, namespaces, expressions, and the launch modules it offers."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robot.errors import BadInput, MissingPart
from robot.supervisor import shim
from robot.supervisor.actions import join_namespace, read_launch_file
from robot.supervisor.process import Backoff
from robot.supervisor.service import Service
from robot.supervisor.substitutions import (
    EnvironmentVariable,
    FindPackageShare,
    IfCondition,
    LaunchConfiguration,
    PathJoinSubstitution,
    PythonExpression,
    Scope,
    UnlessCondition,
    text,
)

pytestmark = pytest.mark.unit


@pytest.fixture
def scope() -> Scope:
    return Scope(Service(), {"lang": "mn"}, {"HOME": "/дом"})


def test_delays_double_up_to_ten_seconds_while_lives_are_short() -> None:
    backoff = Backoff(1.0)
    assert [backoff.after(0.1) for _ in range(6)] == [1.0, 2.0, 4.0, 8.0, 10.0, 10.0]


def test_a_long_life_resets_the_delay_and_a_middling_one_keeps_it() -> None:
    backoff = Backoff(1.0)
    backoff.after(0.1)
    assert (backoff.after(10.0), backoff.after(10.0)) == (2.0, 2.0)
    assert backoff.after(30.0) == 1.0


@settings(deadline=None)  # a busy machine is no failure
@given(first_s=st.floats(0, 60), lives_s=st.lists(st.floats(0, 100), max_size=40))
def test_a_delay_is_never_below_the_first_nor_above_its_limit(first_s: float, lives_s: list[float]) -> None:
    backoff = Backoff(first_s)
    assert all(first_s <= backoff.after(alive_s) <= max(10.0, first_s) for alive_s in lives_s)


def test_a_process_that_dies_at_once_without_a_delay_does_not_spin() -> None:
    backoff = Backoff(0.0)
    assert math.fsum(backoff.after(0.0) for _ in range(12)) > 40


@pytest.mark.parametrize(
    ("outer", "inner", "joined"),
    [
        ("", "", ""),
        ("", "home", "/home"),
        ("/home", "bed", "/home/bed"),
        ("/home", "/bed", "/bed"),
        ("/home", "", "/home"),
    ],
)
def test_namespaces_join_as_in_ros(outer: str, inner: str, joined: str) -> None:
    assert join_namespace(outer, inner) == joined


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("'mn' == 'mn' and not 2 > 3", "True"),
        ("'zh' in ['mn']", "False"),
        ("2 * 3 + 1", "7"),
        ("'a' if 1 < 2 else 'b'", "a"),
        ("-1", "-1"),
    ],
)
def test_expressions_are_computed(scope: Scope, expression: str, value: str) -> None:
    assert PythonExpression([expression]).perform(scope) == value


@pytest.mark.parametrize("expression", ["__import__('os')", "x", "().__class__", "1 +", "1 / 0", "'a' < 1"])
def test_names_calls_and_mistakes_are_refused(scope: Scope, expression: str) -> None:
    with pytest.raises(BadInput):
        PythonExpression(expression).perform(scope)


def test_substitutions_are_joined_to_text(scope: Scope) -> None:
    path = PathJoinSubstitution([EnvironmentVariable("HOME"), [LaunchConfiguration("lang"), ".yaml"]])
    assert text(["file=", path], scope) == "file=/дом/mn.yaml"
    assert EnvironmentVariable("ABSENT", default_value="伴").perform(scope) == "伴"


@pytest.mark.parametrize("missing", [EnvironmentVariable("ABSENT"), LaunchConfiguration("absent")])
def test_a_missing_value_is_one_clear_error(scope: Scope, missing: EnvironmentVariable | LaunchConfiguration) -> None:
    with pytest.raises(BadInput):
        missing.perform(scope)


def test_conditions_are_true_or_false_and_nothing_else(scope: Scope) -> None:
    assert IfCondition("True").evaluate(scope)
    assert UnlessCondition("0").evaluate(scope)
    with pytest.raises(BadInput):
        IfCondition("maybe").evaluate(scope)


def test_a_package_that_is_not_installed_is_a_missing_part(scope: Scope) -> None:
    with pytest.raises(MissingPart):
        FindPackageShare("no_such_package").perform(scope)


@pytest.mark.parametrize("source", ["", "syntax error", "import no_such_module", "generate_launch_description = dict"])
def test_a_broken_launch_file_is_one_line(tmp_path: Path, source: str) -> None:
    file = tmp_path / "broken.launch.py"
    file.write_text(source)
    with pytest.raises(BadInput) as caught:
        read_launch_file(file)
    assert "\n" not in str(caught.value)
    assert "broken.launch.py" in str(caught.value)


def test_the_offered_modules_do_not_hide_a_real_launch_installation() -> None:
    assert not shim.real_launch_present()  # in this interpreter; the repository's launch/ folder does not count
