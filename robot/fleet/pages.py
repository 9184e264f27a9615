"""The pages and the JSON API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Form, Header, HTTPException, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response, StreamingResponse
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from robot.fleet import handling
from robot.fleet.live import Feed, stream
from robot.fleet.looking import Platform
from robot.fleet.views import AlarmView, Lens
from robot.fleet.words import LANGUAGES, NAMES

LONGEST_NAME = 60
LONGEST_REASON = 300
SUGGESTED_REASONS = ("helped", "phoned", "hospital", "false")

router = APIRouter()
templates = Environment(
    loader=PackageLoader("robot.fleet"),
    autoescape=select_autoescape(default=True, default_for_string=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
Text = Annotated[str, Form()]


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody typed into an alarm's form, and what is wrong with it."""

    name: str = ""
    reason: str = ""
    errors: tuple[str, ...] = ()


def render(name: str, lens: Lens, **fields: object) -> str:
    """Render a template; everything in it is escaped."""
    return templates.get_template(name).render(
        w=lens.words, lens=lens, q=f"?lang={lens.words.language}", suggested=SUGGESTED_REASONS, **fields
    )


def page(name: str, lens: Lens, request: Request, status: int = 200, **fields: object) -> HTMLResponse:
    """Render a whole page with its frame."""
    platform = _platform(request)
    frame = {"languages": [(code, NAMES[code]) for code in LANGUAGES], "path": request.url.path}
    trouble = health_fragment(platform, lens)
    return HTMLResponse(render(name, lens, trouble=trouble, **frame, **fields), status)


def row(view: AlarmView, lens: Lens, draft: Draft | None = None, out_of_band: bool = False) -> str:
    """The row of one alarm; out of band it finds its place on the page by its id."""
    return render("_row.html", lens, a=view, draft=draft or Draft(), out_of_band=out_of_band)


def health_fragment(platform: Platform, lens: Lens) -> str:
    """What is wrong with the platform and which robots are offline; blank when nothing is."""
    health = platform.health()
    offline = [robot.label for robot in platform.robots(lens) if robot.presence == "offline"] if health.database else []
    return render("_health.html", lens, health=health, offline=offline)


@router.get("/", response_class=HTMLResponse)
def alarm_list(request: Request, lang: str | None = None) -> Response:
    return _alarm_list(request, _platform(request).lens(lang))


@router.post("/alarms/{alarm_id}/acknowledge", response_class=HTMLResponse)
def acknowledge(request: Request, alarm_id: str, name: Text = "", lang: str | None = None) -> Response:
    platform = _platform(request)
    lens = platform.lens(lang)
    _known(platform, alarm_id, lens)
    draft = Draft(name, "", _wrong(name=name))
    if not draft.errors and not handling.acknowledge(platform.database, alarm_id, name.strip(), lens.now_s):
        draft = Draft(name, "", ("error.taken",))
    return _answer(request, alarm_id, lens, draft)


@router.post("/alarms/{alarm_id}/close", response_class=HTMLResponse)
def close(request: Request, alarm_id: str, name: Text = "", reason: Text = "", lang: str | None = None) -> Response:
    platform = _platform(request)
    lens = platform.lens(lang)
    _known(platform, alarm_id, lens)
    draft = Draft(name, reason, _wrong(name=name, reason=reason))
    if not draft.errors and not handling.close(platform.database, alarm_id, name.strip(), reason.strip(), lens.now_s):
        draft = Draft(name, reason, ("error.taken",))
    return _answer(request, alarm_id, lens, draft)


@router.get("/robots", response_class=HTMLResponse)
def robots(request: Request, lang: str | None = None) -> Response:
    platform = _platform(request)
    lens = platform.lens(lang)
    return page("robots.html", lens, request, robots=platform.robots(lens), after=platform.newest_change())


@router.get("/robots/{device}", response_class=HTMLResponse)
def robot(request: Request, device: str, lang: str | None = None) -> Response:
    platform = _platform(request)
    lens = platform.lens(lang)
    after = platform.newest_change()
    view = platform.robot(device, lens)
    if view is None:
        raise HTTPException(404)
    return page("robot.html", lens, request, r=view, alarms=platform.alarms(lens, device), after=after)


@router.get("/events")
def events(
    request: Request,
    after: int | None = None,
    lang: str | None = None,
    last_event_id: Annotated[str | None, Header()] = None,
) -> Response:
    platform = _platform(request)
    feed: Feed = request.app.state.feed
    seen = int(last_event_id) if last_event_id and last_event_id.isdecimal() else after
    begin = platform.newest_change() if seen is None else seen

    def render_row(alarm_id: str) -> str | None:
        lens = platform.lens(lang)
        view = platform.alarm(alarm_id, lens)
        return row(view, lens, out_of_band=True) if view else None

    def render_health() -> str:
        return health_fragment(platform, platform.lens(lang))

    body: AsyncIterator[str] = stream(platform, feed, begin, render_row, render_health)
    return StreamingResponse(body, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


@router.get("/api/alarms")
def api_alarms(request: Request, lang: str | None = None) -> dict[str, Any]:
    platform = _platform(request)
    return {"alarms": [asdict(view) for view in platform.alarms(platform.lens(lang))]}


@router.get("/api/robots/{device}")
def api_robot(request: Request, device: str, lang: str | None = None) -> dict[str, Any]:
    platform = _platform(request)
    lens = platform.lens(lang)
    view = platform.robot(device, lens)
    if view is None:
        raise HTTPException(404)
    return {"robot": asdict(view), "alarms": [asdict(alarm) for alarm in platform.alarms(lens, device)]}


@router.get("/healthz")
def healthz(request: Request) -> JSONResponse:
    health = _platform(request).health()
    return JSONResponse(asdict(health), 200 if health.well else 503)


def not_found(request: Request, error: Exception) -> Response:
    """Errors of the pages in words; those of the API as JSON."""
    status = error.status_code if isinstance(error, HTTPException) else 404
    if request.url.path.startswith("/api/"):
        return JSONResponse({"error": "not_found" if status == 404 else "http"}, status)
    platform = _platform(request)
    lens = platform.lens(request.query_params.get("lang"))
    return page("not_found.html", lens, request, status, after=platform.newest_change())


def _platform(request: Request) -> Platform:
    platform: Platform = request.app.state.platform
    return platform


def _known(platform: Platform, alarm_id: str, lens: Lens) -> AlarmView:
    view = platform.alarm(alarm_id, lens)
    if view is None:
        raise HTTPException(404)
    return view


def _wrong(*, name: str, reason: str | None = None) -> tuple[str, ...]:
    """The keys of the texts that say what is wrong with a form."""
    errors = []
    if not _fits(name, LONGEST_NAME):
        errors.append("error.name")
    if reason is not None and not _fits(reason, LONGEST_REASON):
        errors.append("error.reason")
    return tuple(errors)


def _fits(text: str, longest: int) -> bool:
    return 0 < len(text.strip()) <= longest and text.strip().isprintable()


def _answer(request: Request, alarm_id: str, lens: Lens, draft: Draft) -> Response:
    """After a form: htmx gets the row; a browser without scripts the page, by a redirect if all went well."""
    status = 422 if draft.errors else 200
    if request.headers.get("hx-request") == "true":
        return HTMLResponse(row(_known(_platform(request), alarm_id, lens), lens, draft), status)
    if draft.errors:
        return _alarm_list(request, lens, alarm_id, draft, status)
    return RedirectResponse(f"/?lang={lens.words.language}#alarm-{alarm_id}", 303)


def _alarm_list(
    request: Request, lens: Lens, alarm_id: str | None = None, draft: Draft | None = None, status: int = 200
) -> Response:
    platform = _platform(request)
    after = platform.newest_change()  # before the rows: a change in between is sent once more, never lost
    views = platform.alarms(lens)
    rows = [(view, row(view, lens, draft if view.alarm_id == alarm_id else None)) for view in views]
    return page("alarms.html", lens, request, status, rows=rows, after=after)
