"""Every route, whoever asks: who may not see a home learns nothing of it and changes nothing of it.

The routes are the application's own list, so that a new one is asked as well; each must say in ASKED how.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from sqlalchemy import text
from starlette.requests import Request

from robot.fleet import handling, live, pages
from robot.fleet.app import create_app
from robot.fleet.contacts import Contacts
from robot.fleet.looking import Platform
from robot.fleet.people import Role, accounts, sessions
from robot.reporting.contract import BedBody, StateReport, TelemetryReport
from tests.unit.fleet.browser import HOST, Browser, form_token, person
from tests.unit.fleet.conftest import ALARM, DEVICE, Home

pytestmark = pytest.mark.unit

ELSEWHERE = "hani-0002"
SECRETS = (DEVICE, ALARM, "幸福家园 201", "王芳", "13800000001", "62 次", "跌倒", "bedroom", "卧室")
HTMX = {"hx-request": "true"}


@dataclass(frozen=True)
class Ask:
    """How a route is asked about the home; `public`: strangers reach it; `shared`: others have such a page, too."""

    path: str
    form: dict[str, str] = field(default_factory=dict)
    public: bool = False
    shared: bool = False


ASKED = {
    ("GET", "/login"): Ask("/login", public=True),
    ("POST", "/login"): Ask("/login", {"name": "nobody", "password": "x"}, public=True),
    ("GET", "/login/{token}"): Ask("/login/nothing", public=True),
    ("POST", "/login/{token}"): Ask("/login/nothing", public=True),
    ("GET", "/healthz"): Ask("/healthz", public=True),
    ("POST", "/logout"): Ask("/logout", shared=True),
    ("GET", "/me"): Ask("/me", shared=True),
    ("POST", "/me/password"): Ask("/me/password", {"new": "x"}, shared=True),
    ("GET", "/api/me"): Ask("/api/me", shared=True),
    ("GET", "/"): Ask("/", shared=True),
    ("GET", "/api/alarms"): Ask("/api/alarms", shared=True),
    ("GET", "/robots"): Ask("/robots", shared=True),
    ("GET", "/robots/{device}"): Ask(f"/robots/{DEVICE}"),
    ("GET", "/api/robots/{device}"): Ask(f"/api/robots/{DEVICE}"),
    ("GET", "/events"): Ask("/events?after=0", shared=True),
    ("POST", "/alarms/{alarm_id}/acknowledge"): Ask(f"/alarms/{ALARM}/acknowledge"),
    ("POST", "/alarms/{alarm_id}/close"): Ask(f"/alarms/{ALARM}/close", {"reason": "x"}),
    ("POST", "/robots/{device}/maintenance"): Ask(f"/robots/{DEVICE}/maintenance", {"hours": "1", "reason": "x"}),
    ("POST", "/robots/{device}/test"): Ask(f"/robots/{DEVICE}/test"),
    ("GET", "/api/openapi.json"): Ask("/api/openapi.json", shared=True),
}
OUTSIDERS = ("caregiver of another home", "operator of another district", "disabled", "stranger", "forged")


@pytest.fixture
def app(home: Home) -> FastAPI:
    """A home with an alarm and a bed, in region 150121; another home in 150222."""
    document = home.platform.contacts.model_dump()
    document["homes"] = [
        {**document["homes"][0], "region": "150121"},
        {"device": ELSEWHERE, "label": "草原 7 号", "region": "150222", "first": document["duty"]},
    ]
    contacts = Contacts.model_validate(document)
    handling.label_devices(home.database, {one.device: one.label for one in contacts.homes}, home.now_s)
    home.alarm(room="bedroom")
    home.send("state", StateReport.model_validate({"dev": DEVICE, "online": True, "ts": home.now_s}))
    bed = BedBody(in_bed=True, fresh=True, heart_rate_bpm=61.6)
    home.send("t/bed", TelemetryReport(id="message-bed", dev=DEVICE, seq=0, ts=home.now_s, body=bed))
    return create_app(Platform(home.database, contacts, clock=lambda: home.now_s), [HOST])


def token_of(home: Home, who: str) -> str | None:
    if who == "caregiver of another home":
        return person(home.database, "c2", Role.CAREGIVER, [ELSEWHERE], home.now_s)
    if who == "operator of another district":
        return person(home.database, "o2", Role.OPERATOR, ["1502"], home.now_s)
    if who == "disabled":
        token = person(home.database, "gone", now_s=home.now_s)
        with home.database.write() as session:
            # as if only the name's mark had been set: a session left over must not help
            session.execute(text("UPDATE people SET disabled_at_s = 1 WHERE name = 'gone'"))
        return token
    return "forged" if who == "forged" else None


def routes(app: FastAPI) -> list[tuple[str, str]]:
    """(method, path) of everything that the application answers, mounts aside."""
    document = [("GET", str(app.openapi_url))]
    listed = [(method, route.path) for route in pages_and_entrance(app) for method in sorted(route.methods or ())]
    return listed + document


def pages_and_entrance(app: FastAPI) -> list[APIRoute]:
    found: list[APIRoute] = []
    queue = list(app.routes)
    while queue:
        route = queue.pop()
        if isinstance(route, APIRoute):
            found.append(route)
        else:
            included = getattr(route, "original_router", None)
            queue += list(included.routes) if included is not None else []
    return found


def test_no_route_is_forgotten_here(app: FastAPI) -> None:
    assert sorted(routes(app)) == sorted(ASKED)
    mounts = [getattr(route, "path", "") for route in app.routes if type(route).__name__ == "Mount"]
    assert mounts == ["/static"]


def state_of(home: Home) -> list[object]:
    """Everything that a change would change; sessions, limits and the audit aside."""
    tables = ("alarms", "alarm_log", "commands", "desk_devices", "devices", "people", "grants", "notifications")
    with home.database.read() as session:
        return [tuple(map(tuple, session.execute(text(f"SELECT * FROM {table}")).all())) for table in tables]


def events_of(home: Home, app: FastAPI, token: str | None) -> str:
    """What the feed gives this session, up to its first sign of life; for strangers the answer."""
    if token is None or sessions.find(home.database, token, home.now_s, home.platform.site.sign_in) is None:
        return Browser(app, token).get("/events?after=0").text

    async def read() -> str:
        request = _request(app, token)
        answer = pages.events(request, after=0, lang=None, last_event_id=None)
        found = ""
        async for part in answer.body_iterator:
            found += str(part)
            if "event: health" in found or "event: gone" in found:
                break
        return found

    return asyncio.run(asyncio.wait_for(read(), 20))


def _request(app: FastAPI, token: str) -> Request:
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/events",
        "query_string": b"",
        "scheme": "http",
        "server": (HOST, 80),
        "headers": [(b"cookie", f"hani={token}".encode()), (b"host", HOST.encode())],
        "app": app,
    }
    return Request(scope)


@pytest.mark.parametrize("who", OUTSIDERS)
def test_who_may_not_see_a_home_learns_and_changes_nothing(home: Home, app: FastAPI, who: str) -> None:
    token = token_of(home, who)
    signed_in = who.endswith(("home", "district"))
    before = state_of(home)
    heard = events_of(home, app, token)
    assert not [secret for secret in SECRETS if secret in heard]
    for (method, route), asked in sorted(ASKED.items()):
        if route == "/events":
            continue
        if route == "/logout" and signed_in:  # a session for what comes after
            browser = Browser(app, person(home.database, "leaver", Role.CAREGIVER, [ELSEWHERE], home.now_s))
            before = state_of(home)
        else:
            browser = Browser(app, token)
        if method == "POST" and asked.public and not signed_in:
            browser.headers.clear()
            asked = replace(asked, form={**asked.form, "csrf": form_token(browser.get("/login"))})
        answer = browser.ask(method, asked.path, **({"data": asked.form} if method == "POST" else {}))
        assert not [secret for secret in SECRETS if secret in answer.text and secret not in asked.path], route
        assert state_of(home) == before, route
        if not signed_in and not asked.public:
            assert answer.status_code == (401 if asked.path.startswith("/api/") else 303), route
            assert answer.headers.get("location", "/login") == "/login"
        elif not asked.shared and not asked.public:
            assert answer.status_code == 404, route


@pytest.mark.parametrize("who", ["caregiver of another home", "operator of another district"])
@pytest.mark.parametrize("headers", [{}, HTMX])
def test_the_unknown_and_the_forbidden_look_the_same(
    home: Home, app: FastAPI, who: str, headers: dict[str, str]
) -> None:
    browser = Browser(app, token_of(home, who))
    for (method, route), asked in ASKED.items():
        if asked.shared or asked.public or route == "/events":
            continue
        unknown = asked.path.replace(DEVICE, "hani-9999").replace(ALARM, "alarm-9999")
        how = {"headers": headers, **({"data": asked.form} if method == "POST" else {})}
        one, other = browser.ask(method, asked.path, **how), browser.ask(method, unknown, **how)
        assert one.status_code == other.status_code == 404
        assert one.text.replace(DEVICE, "hani-9999").replace(ALARM, "alarm-9999") == other.text


@pytest.mark.parametrize(
    ("role", "scope"),
    [(Role.CAREGIVER, DEVICE), (Role.OPERATOR, "1501"), (Role.OPERATOR, "150121"), (Role.ADMINISTRATOR, None)],
)
def test_who_may_see_a_home_does(home: Home, app: FastAPI, role: Role, scope: str | None) -> None:
    token = person(home.database, "insider", role, [scope] if scope else [], home.now_s)
    browser = Browser(app, token)
    for path in ("/", "/api/alarms", f"/robots/{DEVICE}", f"/api/robots/{DEVICE}"):
        assert DEVICE in browser.get(path).text
    assert f'id="alarm-{ALARM}"' in events_of(home, app, token)
    answer = browser.post(f"/alarms/{ALARM}/acknowledge", headers=HTMX)
    assert "insider 已于" in answer.text
    worked_on = browser.post(f"/robots/{DEVICE}/maintenance", data={"hours": "1", "reason": "电池"})
    assert worked_on.status_code == (404 if role is Role.CAREGIVER else 303)
    assert browser.post(f"/robots/{DEVICE}/test").status_code == 303
    assert ("电池" in browser.get(f"/robots/{DEVICE}").text) == (role is not Role.CAREGIVER)


def test_a_taken_grant_counts_in_an_open_feed(home: Home, app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "LOOK_AGAIN_S", 0.0)
    token = person(home.database, "carer", Role.CAREGIVER, [DEVICE], home.now_s)

    async def read() -> list[str]:
        answer = pages.events(_request(app, token), after=0, lang=None, last_event_id=None)
        found: list[str] = []
        async for part in answer.body_iterator:
            found.append(str(part))
            if "event: health" in found[-1] and len(found) < 50:
                with home.database.write() as session:
                    accounts.take(session, accounts.find(session, "carer"), DEVICE, home.now_s)
                home.alarm(alarm_id="alarm-0002")
                with home.database.write() as session:
                    session.execute(text("DELETE FROM sessions"))
                found.append("-- taken --")
            if "event: gone" in found[-1]:
                return found
        return found

    told = asyncio.run(asyncio.wait_for(read(), 30))
    assert any(ALARM in part for part in told[: told.index("-- taken --")])
    assert not any("alarm-0002" in part for part in told)
    assert told[-1].startswith("event: gone")


def test_the_health_light_tells_strangers_only_whether_all_is_well(home: Home, app: FastAPI) -> None:
    assert Browser(app).get("/healthz").json() == {"well": False}
    assert set(Browser(app, person(home.database, "x", now_s=home.now_s)).get("/healthz").json()) > {"broker", "desk"}


def test_a_caregivers_group_click_ends_at_their_own_homes(home: Home, app: FastAPI) -> None:
    """Technical alarms of a district form one case; a caregiver's click answers for their own robots only."""
    home.alarm(alarm_id="alarm-0002")
    with home.database.write() as session:
        session.execute(text("UPDATE alarms SET case_id = 'case', received_at_s = 0"))
        session.execute(text(f"UPDATE alarms SET device = '{ELSEWHERE}' WHERE alarm_id = 'alarm-0002'"))
    browser = Browser(app, person(home.database, "carer", Role.CAREGIVER, [DEVICE], home.now_s))
    assert "同一事件" not in browser.get("/").text
    browser.post(f"/alarms/{ALARM}/acknowledge")
    browser.post(f"/alarms/{ALARM}/close", data={"reason": "x"})
    with home.database.read() as session:
        phases = dict(map(tuple, session.execute(text("SELECT alarm_id, phase FROM alarms")).all()))
    assert phases == {ALARM: "closed", "alarm-0002": "raised"}
    assert "同一事件" in Browser(app, person(home.database, "a", now_s=home.now_s)).get("/").text


@pytest.mark.parametrize(
    "host", [f"{HOST}:80/login/", f"{HOST}/login/", f"{HOST}:80/static/", f"{HOST}?", f"{HOST}#", f"x@{HOST}", ""]
)
def test_a_path_in_the_host_header_opens_nothing(app: FastAPI, host: str) -> None:
    for path in ("/api/openapi.json", "/api/alarms", "/"):
        answer = Browser(app).get(path, headers={"host": host})
        assert answer.status_code == 400
        assert not [secret for secret in SECRETS if secret in answer.text]


@pytest.mark.parametrize(
    "path", ["/login/../api/alarms", "/static/../api/alarms", "//api/alarms", "/api/alarms/", "/LOGIN"]
)
def test_no_spelling_of_an_address_goes_round_the_door(app: FastAPI, path: str) -> None:
    answer = Browser(app).get(path)
    assert answer.status_code in (303, 307, 401, 404)
    assert not [secret for secret in SECRETS if secret in answer.text]
