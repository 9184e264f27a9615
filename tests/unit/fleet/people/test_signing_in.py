"""Signing in: who knows a password gets in, who guesses waits, and nothing tells names apart that exist or not."""

from __future__ import annotations

import httpx
import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI
from sqlalchemy import text

from robot.errors import BadInput
from robot.fleet import audit
from robot.fleet.people import Role, accounts, passwords, sessions
from robot.fleet.people.tables import Account
from tests.unit.fleet.browser import HOST, Browser, form_token, person
from tests.unit.fleet.conftest import DEVICE, Home
from tests.unit.fleet.people.conftest import PASSWORD, enter

pytestmark = pytest.mark.unit


def cookie_of(answer: httpx.Response, name: str = "hani") -> str:
    return next(line for line in answer.headers.get_list("set-cookie") if line.startswith(f"{name}="))


def test_a_password_opens_a_session_and_logout_ends_it_at_the_platform(app: FastAPI) -> None:
    browser = Browser(app)
    answer = enter(browser, " 王芳 ")
    assert (answer.status_code, answer.headers["location"]) == (303, "/?lang=zh")
    stolen = dict(browser.cookies)
    assert "王芳" in browser.get("/me").text
    page = browser.get("/me")
    assert browser.post("/logout", data={"csrf": form_token(page)}).headers["location"] == "/login?lang=zh"
    assert "hani" not in browser.cookies
    browser.cookies = httpx.Cookies(stolen)
    assert browser.get("/me").status_code == 303


def test_the_cookie_is_unseen_by_scripts_and_other_sites_and_bound_to_tls(home: Home, app: FastAPI) -> None:
    flags = {part.strip().lower() for part in cookie_of(enter(Browser(app))).split(";")[1:]}
    assert {"httponly", "samesite=strict", "path=/"} <= flags
    assert "secure" not in flags  # on loopback without TLS a browser would drop it
    assert not [flag for flag in flags if flag.startswith(("domain", "expires", "max-age"))]
    safe = enter(Browser(app, scheme="https"))
    flags = {part.strip().lower() for part in cookie_of(safe, "__Host-hani").split(";")[1:]}
    assert {"httponly", "samesite=strict", "path=/", "secure"} <= flags


def test_a_browser_keeps_what_says_that_it_is_known_and_no_script_reads_it(home: Home, app: FastAPI) -> None:
    answer = enter(Browser(app))
    flags = {part.strip().lower() for part in cookie_of(answer, "hani-browser").split(";")[1:]}
    assert {"httponly", "samesite=strict", f"max-age={sessions.BROWSER_DAYS * 86400}"} <= flags
    token = cookie_of(answer, "hani-browser").split(";")[0].removeprefix("hani-browser=")
    with home.database.read() as session:
        assert session.scalars(text("SELECT digest FROM known_browsers")).all() == [sessions.digest(token)]


def test_the_database_holds_no_token_and_no_password(home: Home, app: FastAPI) -> None:
    browser = Browser(app)
    enter(browser)
    with home.database.write() as session:
        link = sessions.make_link(session, accounts.find(session, "王芳").id, "test", home.now_s)
        tables = session.scalars(text("SELECT name FROM sqlite_master WHERE type = 'table'")).all()
    with home.database.read() as session:
        kept = str([session.execute(text(f'SELECT * FROM "{table}"')).all() for table in tables])
    assert len(browser.cookies["hani"]) == 43
    for secret in (browser.cookies["hani"], browser.cookies["hani-browser"], link, PASSWORD):
        assert secret not in kept
    assert "$argon2id$" in kept


def test_a_session_given_by_somebody_else_is_never_taken_up(app: FastAPI) -> None:
    """Fixation: whatever the browser brought, signing in makes a new token."""
    browser = Browser(app)
    browser.cookies.set("hani", "planted", domain=HOST)
    page = browser.get("/login")
    form = {"name": "王芳", "password": PASSWORD, "csrf": form_token(page)}
    token = cookie_of(browser.post("/login", data=form)).split(";")[0].removeprefix("hani=")
    assert token != "planted"
    assert Browser(app, "planted").get("/me").status_code == 303
    assert Browser(app, token).get("/me").status_code == 200


@pytest.mark.parametrize("wrong", [None, "", "0" * 64, "é" * 64])
@pytest.mark.parametrize("where", ["form", "header"])
def test_a_change_without_its_sessions_token_is_refused(
    home: Home, app: FastAPI, wrong: str | None, where: str
) -> None:
    home.alarm()
    browser = Browser(app, person(home.database, "carer", Role.CAREGIVER, [DEVICE], home.now_s))
    browser.headers = {}
    for path in ("/alarms/alarm-0001/acknowledge", "/me/password", "/logout", f"/robots/{DEVICE}/test"):
        if where == "header":
            headers = {} if wrong is None else {"x-csrf-token": wrong.encode()}
            answer = browser.post(path, headers=headers)
        else:
            answer = browser.post(path, data={} if wrong is None else {"csrf": wrong})
        assert answer.status_code == 403, path
    assert browser.get("/me").status_code == 200


def test_another_sessions_token_is_refused_too(home: Home, app: FastAPI) -> None:
    mine, theirs = (person(home.database, name, now_s=home.now_s) for name in ("one", "two"))
    browser = Browser(app, mine)
    browser.headers = {"x-csrf-token": sessions.csrf(theirs)}
    assert browser.post("/logout").status_code == 403


def test_signing_in_needs_the_token_of_the_form_it_came_with(app: FastAPI) -> None:
    assert Browser(app).post("/login", data={"name": "王芳", "password": PASSWORD}).status_code == 403
    token = form_token(Browser(app).get("/login"))  # another browser's
    browser = Browser(app)
    browser.get("/login")
    assert browser.post("/login", data={"name": "王芳", "password": PASSWORD, "csrf": token}).status_code == 403


def test_a_hash_with_older_figures_is_renewed_at_the_next_sign_in(
    home: Home, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stored() -> str:
        with home.database.read() as session:
            return accounts.find(session, "王芳").password or ""

    old = stored()
    monkeypatch.setattr(passwords, "HASHER", PasswordHasher(time_cost=2, memory_cost=64, parallelism=1))
    assert enter(Browser(app), password="wrong").status_code == 422
    assert stored() == old
    assert enter(Browser(app)).status_code == 303
    assert stored() != old
    assert "t=2" in stored()
    assert enter(Browser(app)).status_code == 303


def test_the_figures_of_argon2_are_those_of_the_rfc() -> None:
    from argon2.profiles import RFC_9106_LOW_MEMORY

    stored = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
    source = (passwords.__file__ or "").replace(".pyc", ".py")
    with open(source, encoding="utf-8") as file:
        wanted = f"time_cost={stored.time_cost}, memory_cost={stored.memory_cost}, parallelism={stored.parallelism}"
        assert wanted in file.read()


def test_a_session_ends_when_idle_or_after_a_shift_and_use_keeps_it(home: Home, app: FastAPI) -> None:
    token = person(home.database, "carer", now_s=home.now_s)
    rules = home.platform.site.sign_in
    for _ in range(int(60 * rules.longest_hours / 20)):
        assert Browser(app, token).get("/api/me").status_code == 200
        home.now_s += 20 * 60
    home.now_s += 61
    assert Browser(app, token).get("/api/me").status_code == 401, "a shift is over"
    idle = person(home.database, "idle", now_s=home.now_s)
    home.now_s += 60 * rules.idle_minutes + 1
    assert Browser(app, idle).get("/api/me").status_code == 401


def test_a_link_signs_in_once_and_looking_at_it_does_not_count(home: Home, app: FastAPI) -> None:
    with home.database.write() as session:
        token = sessions.make_link(session, accounts.find(session, "王芳").id, "test", home.now_s)

    def use(token: str) -> int:
        browser = Browser(app)
        asked = browser.get(f"/login/{token}")
        return browser.post(f"/login/{token}", data={"csrf": form_token(asked)}).status_code

    assert Browser(app).get(f"/login/{token}").status_code == 200
    assert use(token) == 303
    assert use(token) == 422
    assert Browser(app).get(f"/login/{token}").status_code == 404
    with home.database.write() as session:
        person_id = accounts.find(session, "王芳").id
        older = sessions.make_link(session, person_id, "test", home.now_s)
        newer = sessions.make_link(session, person_id, "test", home.now_s)
    assert use(older) == 422, "a newer link replaces it"
    home.now_s += sessions.LINK_S + 1
    assert use(newer) == 422, "it has ended"


def test_who_came_by_a_link_sets_a_password_and_is_signed_out_everywhere_else(home: Home, app: FastAPI) -> None:
    other = Browser(app)
    enter(other)
    with home.database.write() as session:
        token = sessions.begin(session, accounts.find(session, "王芳").id, "link", home.now_s)
    browser = Browser(app, token)
    assert browser.post("/me/password", data={"new": "short"}).status_code == 422
    assert browser.post("/me/password", data={"new": "another long one"}).status_code == 200
    assert browser.get("/me").status_code == 200
    assert other.get("/me").status_code == 303
    assert enter(Browser(app)).status_code == 422
    home.now_s += sessions.RECENT_S
    assert browser.post("/me/password", data={"new": PASSWORD}).status_code == 422, "now the old one is asked for"
    assert browser.post("/me/password", data={"new": PASSWORD, "old": "another long one"}).status_code == 200
    assert enter(Browser(app)).status_code == 303


def test_a_disabled_person_is_out_at_once_and_stays_out(home: Home, app: FastAPI) -> None:
    browser = Browser(app)
    enter(browser)
    with home.database.write() as session:
        account = accounts.find(session, "王芳")
        link = sessions.make_link(session, account.id, "test", home.now_s)
        accounts.disable(session, account, home.now_s)
    assert browser.get("/me").status_code == 303
    assert enter(Browser(app)).status_code == 422
    assert not sessions.link_stands(home.database, link, home.now_s)


def test_the_audit_knows_who_came_who_failed_and_who_looked_at_whom(home: Home, app: FastAPI) -> None:
    home.alarm()
    browser = Browser(app)
    enter(browser, password="wrong")
    enter(browser)
    for _ in range(3):
        browser.get(f"/robots/{DEVICE}")
        home.now_s += 60
    home.now_s += 600
    browser.get("/")
    with home.database.read() as session:
        person_id = accounts.find(session, "王芳").id
        rows = session.execute(
            text(
                "SELECT actor, action, subject, detail FROM audit LEFT JOIN audit_details USING (seq) "
                "WHERE action LIKE 'session.%' OR action = 'health.read' ORDER BY seq"
            )
        ).all()
    me = f"person:{person_id}"
    device = f"device:{DEVICE}"
    assert [tuple(row) for row in rows[1:]] == [
        ("platform", "session.refused", me, None),
        (me, "session.begun", me, '{"how":"password"}'),
        (me, "health.read", device, '{"what":"vitals"}'),
        (me, "health.read", device, '{"what":"alarms"}'),
        (me, "health.read", device, '{"what":"alarms"}'),
    ]
    assert audit.verify(home.database).entries >= 6


@pytest.mark.parametrize(
    ("role", "scope"), [(Role.ADMINISTRATOR, DEVICE), (Role.OPERATOR, DEVICE), (Role.OPERATOR, "1501210")]
)
def test_a_grant_must_fit_the_role(home: Home, role: Role, scope: str) -> None:
    person(home.database, "x", role)
    with home.database.write() as session, pytest.raises(BadInput):
        accounts.give(session, accounts.find(session, "x"), scope, 0)


@pytest.mark.parametrize("name", ["", " ", "a\nb", "x" * 61, "ＷＡＮＧ"])
def test_names_are_readable_and_taken_only_once(home: Home, name: str) -> None:
    person(home.database, "wang")
    with pytest.raises(BadInput), home.database.write() as session:
        accounts.add(session, name, name, Role.CAREGIVER, 0)
    with home.database.read() as session:
        assert session.query(Account).count() == 1
