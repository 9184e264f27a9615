"""The pages and the JSON API. Every question goes through what the signed-in person may see."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Form, Header, HTTPException, Path, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import (
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from pydantic import AfterValidator
from starlette.exceptions import HTTPException as AnyHTTPException

from robot.fleet import handling
from robot.fleet.live import Feed, Reader, stream
from robot.fleet.looking import ROBOTS_SHOWN, Platform, Rows
from robot.fleet.people import Person, readings, sessions
from robot.fleet.people.door import (
    NO_DATABASE,
    SESSION_COOKIE,
    SignedIn,
    cookie_name,
    is_for_programs,
    signed_in,
    visit_of,
)
from robot.fleet.people.sessions import Visit
from robot.fleet.render import Draft, health_fragment, page, platform_of, row
from robot.fleet.responses import ANSWERS, FEED, PAGE, Alarms, Light, Me, OneRobot
from robot.fleet.views import AlarmView, Lens

LONGEST_REASON = 300
LARGEST_ID = 2**63 - 1  # SQL's BIGINT

logger = logging.getLogger(__name__)


def printable(text: str) -> str:
    """Raises ValueError for control characters: PostgreSQL refuses NUL even in a question."""
    if not text.isprintable():
        raise ValueError("control characters")
    return text


router = APIRouter(responses=ANSWERS)
Text = Annotated[str, Form(max_length=1000)]
Name = Annotated[str, Path(max_length=200), AfterValidator(printable)]


@router.get("/", response_class=HTMLResponse, responses=PAGE)
def alarm_list(request: Request, visit: SignedIn, lang: str | None = None) -> Response:
    return _alarm_list(request, platform_of(request).lens(lang), visit)


@router.post("/alarms/{alarm_id}/acknowledge", response_class=HTMLResponse, responses=PAGE)
def acknowledge(request: Request, visit: SignedIn, alarm_id: Name, lang: str | None = None) -> Response:
    platform = platform_of(request)
    lens = platform.lens(lang)
    _seen(request, visit, alarm_id, lens)
    sees = platform.sight(visit.person).sees
    who = visit.person
    done = handling.acknowledge(platform.database, alarm_id, who.shown, lens.now_s, sees, _actor(who))
    return _answer(request, visit, alarm_id, lens, Draft() if done else Draft(errors=("error.taken",)))


@router.post("/alarms/{alarm_id}/close", response_class=HTMLResponse, responses=PAGE)
def close(request: Request, visit: SignedIn, alarm_id: Name, reason: Text = "", lang: str | None = None) -> Response:
    platform = platform_of(request)
    lens = platform.lens(lang)
    _seen(request, visit, alarm_id, lens)
    draft = Draft(reason, () if _fits(reason, LONGEST_REASON) else ("error.reason",))
    who, sees = visit.person, platform.sight(visit.person).sees
    if not draft.errors and not handling.close(
        platform.database, alarm_id, who.shown, reason.strip(), lens.now_s, sees, _actor(who)
    ):
        draft = Draft(reason, ("error.taken",))
    return _answer(request, visit, alarm_id, lens, draft)


@router.get("/robots", response_class=HTMLResponse, responses=PAGE)
def robots(
    request: Request,
    visit: SignedIn,
    district: Annotated[str, Query(pattern=r"^([0-9]{6})?$")] = "",
    skip: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
    lang: str | None = None,
) -> Response:
    platform = platform_of(request)
    lens = platform.lens(lang)
    sight = platform.sight(visit.person)
    districts = platform.districts(sight)
    shown = platform.robots(lens, platform.district(sight, district) if district else sight, skip)
    _read(request, visit.person, (view.device for view in shown), "vitals")
    return page(
        "robots.html",
        lens,
        request,
        robots=shown,
        district=district,
        districts=districts,
        skip=skip,
        step=ROBOTS_SHOWN,
    )


@router.get("/robots/{device}", response_class=HTMLResponse, responses=PAGE)
def robot(request: Request, visit: SignedIn, device: Name, lang: str | None = None) -> Response:
    platform = platform_of(request)
    lens = platform.lens(lang)
    after = platform.newest_change()
    one = _robot(request, visit, device, lens)
    return page("robot.html", lens, request, r=one.robot, alarms=one.alarms, errors=(), after=after)


@router.post("/robots/{device}/maintenance", response_class=HTMLResponse, responses=PAGE)
def maintenance(
    request: Request,
    visit: SignedIn,
    device: Name,
    hours: Annotated[float, Form(ge=0, le=24, allow_inf_nan=False)] = 0.0,
    reason: Text = "",
    lang: str | None = None,
) -> Response:
    """For operators: somebody works on the robot for so many hours; 0 ends it."""
    platform = platform_of(request)
    lens = platform.lens(lang)
    _robot(request, visit, device, lens)
    if not visit.person.runs_devices:
        raise HTTPException(404)
    if (hours > 0 or reason) and not _fits(reason, LONGEST_REASON):
        one = _robot(request, visit, device, lens)
        return page("robot.html", lens, request, 422, r=one.robot, alarms=one.alarms, errors=("error.maintenance",))
    until_s = lens.now_s + 3600 * hours
    who = visit.person
    handling.maintenance(platform.database, device, until_s, who.shown, reason.strip(), lens.now_s, _actor(who))
    return RedirectResponse(f"/robots/{quote(device)}?lang={lens.words.language}", 303)


@router.post("/robots/{device}/test", responses=PAGE)
def ask_for_test(request: Request, visit: SignedIn, device: Name, lang: str | None = None) -> Response:
    """A test alarm is to come from this robot now."""
    platform = platform_of(request)
    lens = platform.lens(lang)
    _robot(request, visit, device, lens)
    handling.request_test(platform.database, device, visit.person.shown, lens.now_s, _actor(visit.person))
    return RedirectResponse(f"/robots/{quote(device)}?lang={lens.words.language}", 303)


@router.get("/events", responses=FEED, dependencies=[Depends(signed_in)])
def events(
    request: Request,
    after: Annotated[int | None, Query(ge=0, le=LARGEST_ID)] = None,
    lang: str | None = None,
    last_event_id: Annotated[str | None, Header()] = None,
) -> StreamingResponse:
    platform = platform_of(request)
    feed: Feed = request.app.state.feed
    seen = after
    if last_event_id and last_event_id.isascii() and last_event_id.isdecimal():
        seen = min(int(last_event_id[:20]), LARGEST_ID)
    begin = platform.newest_change() if seen is None else seen
    token = request.cookies[cookie_name(request, SESSION_COOKIE)]

    def look() -> Reader | None:
        now = sessions.find(platform.database, token, platform.clock(), platform.site.sign_in)
        return _reader(platform, feed, now, lang) if now else None

    headers = {"X-Accel-Buffering": "no"}
    return StreamingResponse(stream(platform, feed, begin, look), media_type="text/event-stream", headers=headers)


def _reader(platform: Platform, feed: Feed, visit: Visit, lang: str | None) -> Reader:
    sight = platform.sight(visit.person)

    def draw(rows: Rows) -> list[str]:
        lens = platform.lens(lang)
        views = rows.views(lens, sight)
        feed.note(visit.person, (view.device for view in views))
        return [row(view, lens, visit, out_of_band=True) for view in views]

    return Reader(sight, draw, lambda standing: health_fragment(standing, platform.lens(lang), sight, visit))


@router.get("/api/alarms")
def api_alarms(request: Request, visit: SignedIn, lang: str | None = None) -> Alarms:
    return Alarms(_alarms(request, visit, platform_of(request).lens(lang)))


@router.get("/api/me")
def api_me(visit: SignedIn) -> Me:
    """Who is signed in, and the token that programs send with changes as X-CSRF-Token."""
    return Me(visit.person.name, visit.person.shown, visit.person.role.value, visit.csrf)


@router.get("/api/robots/{device}")
def api_robot(request: Request, visit: SignedIn, device: Name, lang: str | None = None) -> OneRobot:
    return _robot(request, visit, device, platform_of(request).lens(lang))


@router.get("/healthz", response_model=Light)
def healthz(request: Request) -> JSONResponse:
    """Well or not, for whoever watches over the machine; which part, for who has signed in."""
    health = platform_of(request).health()
    parts = {"database": health.database, "worker": health.worker, "broker": health.broker, "desk": health.desk}
    return JSONResponse({"well": health.well, **(parts if visit_of(request) else {})}, 200 if health.well else 503)


def refused(request: Request, error: Exception) -> Response:
    """Errors of the pages in words; those of the API as JSON."""
    status = error.status_code if isinstance(error, AnyHTTPException) else 422
    headers = error.headers if isinstance(error, AnyHTTPException) else None
    if is_for_programs(request):
        code = {401: "sign_in", 404: "not_found", 422: "invalid"}.get(status, "http")
        return JSONResponse({"error": code}, status, headers)
    kind = "not_found" if status == 404 or isinstance(error, RequestValidationError) else "refused"
    answer = page("not_found.html", platform_of(request).lens(_language(request)), request, status, kind=kind)
    answer.headers.update(headers or {})
    return answer


def silent(request: Request, error: Exception) -> Response:
    """The database failed. Its words may quote what people wrote, so the log gets only the kind of the error."""
    logger.error("the database failed during a request: %s", type(error).__name__)
    if is_for_programs(request):
        return JSONResponse({"error": "database"}, 503)
    return PlainTextResponse(NO_DATABASE, 503)


def _language(request: Request) -> str | None:
    return request.query_params.get("lang")


def _actor(person: Person) -> str:
    """As the audit's chain names somebody: without a name."""
    return f"person:{person.id}"


def _read(request: Request, person: Person, devices: Iterable[str], what: str) -> None:
    """Into the audit: this person is shown health data of these devices."""
    platform = platform_of(request)
    readings.note(platform.database, person, devices, what, platform.clock())


def _alarms(request: Request, visit: Visit, lens: Lens, device: str | None = None) -> list[AlarmView]:
    platform = platform_of(request)
    views = platform.alarms(lens, platform.sight(visit.person), device)
    _read(request, visit.person, (view.device for view in views), "alarms")
    return views


def _robot(request: Request, visit: Visit, device: str, lens: Lens) -> OneRobot:
    """A robot and its alarms. Raises 404 when it is not there or not for this person."""
    platform = platform_of(request)
    view = platform.robot(device, lens, platform.sight(visit.person))
    if view is None:
        raise HTTPException(404)
    _read(request, visit.person, [device], "vitals")
    return OneRobot(view, _alarms(request, visit, lens, device))


def _seen(request: Request, visit: Visit, alarm_id: str, lens: Lens) -> AlarmView:
    """An alarm that this person may see. Raises 404 otherwise."""
    platform = platform_of(request)
    view = platform.alarm(alarm_id, lens, platform.sight(visit.person))
    if view is None:
        raise HTTPException(404)
    return view


def _fits(text: str, longest: int) -> bool:
    return 0 < len(text.strip()) <= longest and text.strip().isprintable()


def _answer(request: Request, visit: Visit, alarm_id: str, lens: Lens, draft: Draft) -> Response:
    """After a form: htmx gets the row; a browser without scripts the page, by a redirect if all went well."""
    status = 422 if draft.errors else 200
    if request.headers.get("hx-request") == "true":
        return HTMLResponse(row(_seen(request, visit, alarm_id, lens), lens, visit, draft), status)
    if draft.errors:
        return _alarm_list(request, lens, visit, alarm_id, draft, status)
    return RedirectResponse(f"/?lang={lens.words.language}#alarm-{alarm_id}", 303)


def _alarm_list(
    request: Request,
    lens: Lens,
    visit: Visit,
    alarm_id: str | None = None,
    draft: Draft | None = None,
    status: int = 200,
) -> Response:
    after = platform_of(request).newest_change()  # before the rows: a change in between is sent once more, never lost
    views = _alarms(request, visit, lens)
    rows = [(view, row(view, lens, visit, draft if view.alarm_id == alarm_id else None)) for view in views]
    return page("alarms.html", lens, request, status, rows=rows, after=after)
