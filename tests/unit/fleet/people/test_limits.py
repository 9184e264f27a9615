"""Limits: who guesses waits longer and longer, and keeps nobody else out."""

from __future__ import annotations

import re

import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from robot.fleet.people import accounts, limits, passwords, sessions
from tests.unit.fleet.browser import Browser, person
from tests.unit.fleet.conftest import Home
from tests.unit.fleet.people.conftest import PASSWORD, enter

pytestmark = pytest.mark.unit


def test_guessing_waits_longer_and_longer_and_names_that_do_not_exist_look_the_same(
    home: Home, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks: list[str | None] = []
    fits = passwords.fits

    def counted(stored: str | None, given: str) -> bool:
        checks.append(stored)
        return fits(stored, given)

    monkeypatch.setattr(passwords, "fits", counted)
    answers: dict[str, list[tuple[int, str]]] = {}
    for name in ("王芳", "nobody"):
        browser, seen = Browser(app), []
        for _ in range(8):
            answer = enter(browser, name, "wrong")
            text_ = re.sub(r'(value|data-now)="[0-9a-f.]+"', "", answer.text)
            seen.append((answer.status_code, text_))
            home.now_s += 1.5
        answers[name] = seen
    statuses = [status for status, _ in answers["王芳"]]
    assert statuses == [422, 422, 422, 422, 422, 422, 429, 422]  # pauses of 1, 2, ... s after the fifth
    assert [status for status, _ in answers["nobody"]] == statuses
    assert answers["nobody"] == answers["王芳"]
    assert len(checks) == 14, "the same work for both: one check of a hash each time"
    assert checks.count(None) == 7


def test_the_right_password_does_not_help_during_the_pause_and_ends_the_counting_after(
    home: Home, app: FastAPI
) -> None:
    for _ in range(12):
        enter(Browser(app), password="wrong")
        home.now_s += 200
    enter(Browser(app), password="wrong")
    answer = enter(Browser(app))
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= limits.BY_PAIR.longest_s
    home.now_s += limits.BY_PAIR.longest_s
    assert enter(Browser(app)).status_code == 303
    assert enter(Browser(app), password="wrong").status_code == 422
    assert enter(Browser(app)).status_code == 303


def test_one_address_cannot_try_many_names(home: Home, app: FastAPI) -> None:
    statuses = [enter(Browser(app), f"name-{number}", "wrong").status_code for number in range(limits.BY_ADDRESS.free)]
    assert set(statuses) == {422}
    assert enter(Browser(app), "another", "wrong").status_code == 429
    home.now_s += limits.BY_ADDRESS.longest_s
    assert enter(Browser(app)).status_code == 303


class Place:
    """Tries from an address, with what a browser there keeps."""

    def __init__(self, home: Home, address: str) -> None:
        self.home, self.address, self.kept = home, address, ""

    def enter(self, password: str = PASSWORD, name: str = "王芳") -> sessions.SignedOn:
        answer = sessions.sign_in(self.home.database, name, password, self.address, self.home.now_s, self.kept)
        self.kept = answer.browser or self.kept
        return answer


@pytest.mark.parametrize("address", ["10.0.0.1", "192.0.2.7"])
def test_whoever_guesses_at_a_name_shuts_out_neither_others_nor_a_browser_that_knows_it(
    home: Home, app: FastAPI, address: str
) -> None:
    """An hour of a guess a second, at the same address as the honest person and at another."""
    known, stranger, guesser = Place(home, "10.0.0.1"), Place(home, "10.0.0.2"), Place(home, address)
    assert known.enter().token
    for second in range(3600):
        guesser.enter("wrong")
        home.now_s += 0.5
        if second % 600 == 599:
            assert known.enter().token
            assert stranger.enter().token
            stranger.kept = ""
        home.now_s += 0.5


def test_who_has_many_addresses_is_slowed_down_and_a_link_and_a_known_browser_go_past(home: Home, app: FastAPI) -> None:
    known = Place(home, "10.0.0.1")
    known.enter()
    for number in range(limits.BY_NAME.free):
        Place(home, f"192.0.2.{number}").enter("wrong")
        home.now_s += limits.BY_ADDRESS.longest_s
    for number in range(3):
        waits = [Place(home, f"198.51.100.{9 * number + one}").enter("wrong").wait_s for one in range(9)]
        assert waits[0] == 0 < min(waits[1:])
        assert max(waits) <= limits.BY_NAME.longest_s
        assert known.enter().token
        home.now_s += limits.BY_NAME.longest_s
    with home.database.write() as session:
        link = sessions.make_link(session, accounts.find(session, "王芳").id, "test", home.now_s)
    assert sessions.use_link(home.database, link, home.now_s).token


def test_a_known_browser_has_pauses_of_its_own_and_knows_only_who_signed_in_there(home: Home, app: FastAPI) -> None:
    place = Place(home, "10.0.0.1")
    assert place.enter().token
    waits = [place.enter("wrong").wait_s for _ in range(limits.BY_BROWSER.free + 1)]
    assert waits[-1] > 0
    assert place.enter().token is None, "the pause holds for the right password, too"
    stolen = Place(home, "10.0.0.9")
    stolen.kept = place.kept
    for _ in range(limits.BY_PAIR.free):
        stolen.enter("wrong", "巴特尔")
    assert stolen.enter("wrong", "巴特尔").wait_s > 0
    stolen.kept = ""
    assert stolen.enter("wrong", "巴特尔").wait_s > 0, "for other names the browser is any browser"
    forged = Place(home, "10.0.0.10")
    forged.kept = "planted"
    assert forged.enter().browser not in ("", "planted")


def test_a_clock_that_was_ahead_locks_nobody_out(home: Home, app: FastAPI) -> None:
    place, token = Place(home, "10.0.0.1"), person(home.database, "busy", now_s=home.now_s)
    home.now_s += 1e8
    for _ in range(limits.BY_PAIR.free + 3):
        place.enter("wrong")
    with home.database.write() as session:
        assert not [limits.spend(session, "writes", home.now_s) for _ in range(limits.WRITES_A_MINUTE + 1)][-1]
    home.now_s -= 1e8
    assert place.enter().token
    with home.database.write() as session:
        assert limits.spend(session, "writes", home.now_s)
    assert Browser(app, token).get("/me").status_code == 200


@pytest.mark.parametrize("name", ["\0", "王\x00芳", "x" * 1000])
def test_a_name_that_cannot_be_written_is_a_wrong_one_and_counts(home: Home, app: FastAPI, name: str) -> None:
    statuses = [enter(Browser(app), name, "\0").status_code for _ in range(limits.BY_PAIR.free + 1)]
    assert statuses == [422] * limits.BY_PAIR.free + [429]
    with home.database.read() as session:
        refused = session.scalar(text("SELECT count(*) FROM audit WHERE action = 'session.refused'"))
    assert refused == limits.BY_PAIR.free


@given(st.integers(0, 10_000), st.integers(1, 50), st.floats(1, 1e6))
def test_pauses_grow_and_end(failures: int, free: int, longest_s: float) -> None:
    pauses = limits.Pauses(free, longest_s)
    assert 0 <= pauses.pause_s(failures) <= pauses.pause_s(failures + 1) <= longest_s
    assert (pauses.pause_s(failures) == 0) == (failures < free)


def test_writes_of_a_session_have_a_limit(home: Home, app: FastAPI) -> None:
    browser = Browser(app, person(home.database, "busy", now_s=home.now_s))
    statuses = [browser.post("/robots/x/test").status_code for _ in range(limits.WRITES_A_MINUTE)]
    assert set(statuses) == {404}
    assert browser.post("/robots/x/test").status_code == 429
    assert browser.get("/me").status_code == 200
    home.now_s += 60
    assert browser.post("/robots/x/test").status_code == 404
