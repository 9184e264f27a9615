"""The judge of a chaos run finds what it is there to find."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.chaos import judge
from tests.chaos.judge import Line, Made, Row, Verdict

pytestmark = pytest.mark.unit

PROMISED = {"one": Made("chaos-0-000", 3, "cancelled"), "two": Made("chaos-0-001", 2, "raised")}
ROWS = [Row("one", "chaos-0-000", 3, "cancelled"), Row("two", "chaos-0-001", 2, "raised")]
LOG = [
    Line("one", "reported", "checking", 1),
    Line("one", "reported", "raised", 2),
    Line("one", "late_report", "raised", 1),
    Line("two", "reported", "raised", 2),
    Line("one", "reported", "cancelled", 3),
]


def verdict(check: Callable[[Verdict], None]) -> tuple[int, int, int]:
    """What a check finds: lost, twice, backwards."""
    found = Verdict()
    check(found)
    return len(found.lost), len(found.twice), len(found.backwards)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (ROWS, (0, 0, 0)),
        (ROWS[:1], (1, 0, 0)),
        ([*ROWS, ROWS[0]], (0, 1, 0)),
        ([ROWS[0]._replace(revision=2), ROWS[1]], (1, 0, 0)),
        ([ROWS[0]._replace(phase="raised"), ROWS[1]], (1, 0, 0)),
        ([ROWS[0]._replace(device="chaos-0-001"), ROWS[1]], (1, 0, 0)),
        ([ROWS[0], ROWS[1]._replace(phase="acknowledged", acknowledged_by="x")], (0, 0, 0)),
        ([ROWS[0], ROWS[1]._replace(phase="closed", acknowledged_by="x", closed_by="x")], (0, 0, 0)),
        ([ROWS[0], ROWS[1]._replace(phase="acknowledged")], (1, 0, 0)),
        ([ROWS[0]._replace(phase="raised", acknowledged_by="x"), ROWS[1]], (1, 0, 0)),
    ],
)
def test_an_alarm_must_be_there_once_with_its_last_phase(rows: list[Row], expected: tuple[int, int, int]):
    assert verdict(lambda found: judge.check_alarms(found, PROMISED, rows)) == expected


def test_a_phase_that_was_only_tried_is_no_promise():
    facts = [
        {"what": "made", "alarm": "one", "robot": 0, "revision": 2, "phase": "raised"},
        {"what": "will", "alarm": "one", "robot": 0, "revision": 3, "phase": "cancelled"},
        {"what": "made", "alarm": "one", "robot": 0, "revision": 1, "phase": "checking"},
    ]
    assert judge.made(facts, {0: "chaos-0-000"}) == {"one": Made("chaos-0-000", 2, "raised")}


def test_every_report_is_kept_once():
    assert verdict(lambda found: judge.check_messages(found, ["a", "b"], ["a", "b", "extra"])) == (0, 0, 0)
    assert verdict(lambda found: judge.check_messages(found, ["a", "b"], ["a"])) == (1, 0, 0)
    assert verdict(lambda found: judge.check_messages(found, ["a"], ["a", "a"])) == (0, 1, 0)


def test_what_was_shown_never_goes_back():
    assert verdict(lambda found: judge.check_order(found, LOG)) == (0, 0, 0)
    assert verdict(lambda found: judge.check_order(found, [LOG[1], LOG[0]])) == (0, 0, 1)
    assert verdict(lambda found: judge.check_order(found, [LOG[0], LOG[0]])) == (0, 1, 0)
    closed = [Line("one", "reported", "closed", 1), Line("one", "reported", "raised", 2)]
    assert verdict(lambda found: judge.check_order(found, closed)) == (0, 0, 1)


def test_an_event_may_be_given_up_only_if_that_was_told():
    events = [("chaos-0-000", "a"), ("chaos-0-000", "b")]
    assert verdict(lambda found: judge.check_events(found, events, {"a", "b"}, {})) == (0, 0, 0)
    assert verdict(lambda found: judge.check_events(found, events, {"a"}, {"chaos-0-000": 1})) == (0, 0, 0)
    assert verdict(lambda found: judge.check_events(found, events, {"a"}, {"chaos-0-001": 1})) == (1, 0, 0)


def test_open_alarms_stand_on_the_page_once():
    assert verdict(lambda found: judge.check_page(found, ["a"], ["a", "ended"])) == (0, 0, 0)
    assert verdict(lambda found: judge.check_page(found, ["a", "b"], ["a"])) == (1, 0, 0)
    assert verdict(lambda found: judge.check_page(found, ["a"], ["a", "a"])) == (0, 1, 0)


def test_the_government_is_told_each_change_once_and_the_last_one_for_certain():
    raised, ended = ("a", "raised", "raised"), ("a", "cancelled", "cancelled")
    assert verdict(lambda found: judge.check_government(found, {"a": "cancelled"}, [raised, ended])) == (0, 0, 0)
    assert verdict(lambda found: judge.check_government(found, {"a": "cancelled"}, [raised])) == (1, 0, 0)
    assert verdict(lambda found: judge.check_government(found, {"a": "raised"}, [])) == (1, 0, 0)
    assert verdict(lambda found: judge.check_government(found, {"a": "raised"}, [raised, raised])) == (0, 1, 0)
    closed = ("a", "closed", "closed")
    assert verdict(lambda found: judge.check_government(found, {"a": "raised"}, [closed, raised])) == (0, 0, 1)


def test_a_run_without_alarms_or_with_a_broken_audit_does_not_pass():
    assert not Verdict().passed
    assert Verdict(made=1).passed
    assert not Verdict(made=1, audit_valid=False).passed
    assert not Verdict(made=1, unanswered=["a"]).passed
