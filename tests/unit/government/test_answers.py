"""What an answer means: 200 with a bad code is no success, and our own credentials are never the letter's fault."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robot.fleet.government.answers import judge, retry_after
from robot.fleet.government.config import Answers
from robot.fleet.government.facts import EVENTS, events_of
from robot.fleet.government.retry import Kind

pytestmark = pytest.mark.unit

PLAIN = Answers()
CODED = Answers(
    code_path="result.code",
    accepted_codes=(0, "200"),
    duplicate_codes=("A0409",),
    refused_codes=("A0422",),
    message_path="result.msg",
)


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, b'{"result": {"code": 0}}', Kind.ACCEPTED),
        (200, b'{"result": {"code": "0"}}', Kind.ACCEPTED),
        (200, b'{"result": {"code": 200}}', Kind.ACCEPTED),
        (200, b'{"result": {"code": "A0409"}}', Kind.DUPLICATE),
        (500, b'{"result": {"code": "A0409"}}', Kind.DUPLICATE),
        (409, b"", Kind.DUPLICATE),
        (200, b'{"result": {"code": "A0422"}}', Kind.REFUSED),
        (422, b"nothing to read", Kind.REFUSED),
        (200, b'{"result": {"code": "B9999"}}', Kind.FAILED),
        (200, b'{"result": {"code": false}}', Kind.FAILED),
        (200, b'{"result": {"code": null}}', Kind.FAILED),
        (200, b'{"result": {"co', Kind.FAILED),
        (200, b"[" * 100_000, Kind.FAILED),
        (200, b"\xff\xfe", Kind.FAILED),
        (500, b"", Kind.FAILED),
        (503, b"", Kind.DOWN),
        (429, b'{"result": {"code": 0}}', Kind.DOWN),
        (401, b"", Kind.DOWN),
        (403, b"", Kind.DOWN),
        (404, b"", Kind.DOWN),
        (302, b"", Kind.DOWN),
        (None, b'{"result": {"code": 0}}', Kind.ACCEPTED),
        (None, b"", Kind.FAILED),
    ],
)
def test_answers_with_codes(status: int | None, body: bytes, expected: Kind) -> None:
    assert judge(status, body, CODED).kind is expected


def test_without_codes_the_status_decides() -> None:
    assert judge(204, b"", PLAIN).kind is Kind.ACCEPTED
    assert judge(400, b"", PLAIN).kind is Kind.REFUSED


@given(st.none() | st.integers(100, 599), st.binary(max_size=200), st.sampled_from([PLAIN, CODED]))
def test_no_answer_can_break_the_reader_or_its_one_line(status: int | None, body: bytes, rules: Answers) -> None:
    assert "\n" not in judge(status, body, rules).reason


def test_the_platforms_words_are_kept_only_for_refusals_and_cut() -> None:
    body = b'{"result": {"code": "A0422", "msg": "' + b"x" * 5000 + b'"}}'
    assert len(judge(200, body, CODED).reason) < 300
    assert "secret" not in judge(200, b'{"result": {"code": 7, "msg": "secret"}}', CODED).reason


@given(st.text(max_size=40))
def test_any_retry_after_gives_a_sensible_wait_or_none(header: str) -> None:
    wait_s = retry_after(header, 1_700_000_000.0)
    assert wait_s is None or wait_s >= 0


def test_retry_after_is_read_as_seconds_or_as_a_date() -> None:
    assert retry_after("120", 0.0) == 120
    assert retry_after("Tue, 14 Nov 2023 22:13:50 GMT", 1_700_000_000.0) == 30
    assert retry_after("Tue, 14 Nov 2023 22:13:10 GMT", 1_700_000_000.0) == 0
    assert retry_after("soon", 0.0) is None


PHASES = ("suspected", "checking", "raised", "acknowledged", "closed", "cancelled")


@given(st.lists(st.tuples(st.sampled_from(PHASES), st.sampled_from(["low", "high"])), max_size=12))
def test_the_region_always_ends_up_knowing_how_a_raised_alarm_stands(history: list[tuple[str, str]]) -> None:
    told: tuple[str, str] | None = None
    for phase, severity in history:
        events = events_of(phase, severity, *(told or (None, None)))
        assert set(events) <= set(EVENTS)
        for event in events:
            before = told
            told = ("raised" if event in ("raised", "reopened") else phase, severity)
            assert (event == "raised") == (before is None)
        if phase in ("raised", "acknowledged") or (phase in ("closed", "cancelled") and told is not None):
            assert told is not None
            assert told[0] == phase
            assert told[1] == severity or phase in ("closed", "cancelled")
    assert told is None or any(phase in ("raised", "acknowledged") for phase, _ in history)
