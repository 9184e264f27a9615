"""Templates turned into pages, rows and fragments; everything in them is escaped."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from robot.fleet.looking import Platform
from robot.fleet.people.door import visit_of
from robot.fleet.people.sessions import Visit
from robot.fleet.people.sight import Sight
from robot.fleet.views import AlarmView, Lens
from robot.fleet.words import LANGUAGES, NAMES

SUGGESTED_REASONS = ("helped", "phoned", "hospital", "false")

templates = Environment(
    loader=PackageLoader("robot.fleet"),
    autoescape=select_autoescape(default=True, default_for_string=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody typed into an alarm's form, and what is wrong with it."""

    reason: str = ""
    errors: tuple[str, ...] = ()


def render(name: str, lens: Lens, **fields: object) -> str:
    """Render a template."""
    return templates.get_template(name).render(
        w=lens.words, lens=lens, q=f"?lang={lens.words.language}", suggested=SUGGESTED_REASONS, **fields
    )


def page(name: str, lens: Lens, request: Request, status: int = 200, **fields: object) -> HTMLResponse:
    """Render a whole page with its frame; who has not signed in gets a bare one."""
    platform, visit = platform_of(request), visit_of(request)
    frame = {"languages": [(code, NAMES[code]) for code in LANGUAGES], "path": request.scope["path"], "visit": visit}
    trouble = health_fragment(platform, lens, platform.sight(visit.person)) if visit else ""
    after = fields.pop("after", None)
    if visit and after is None:
        after = platform.newest_change()
    return HTMLResponse(render(name, lens, trouble=trouble, after=after, **frame, **fields), status)


def row(view: AlarmView, lens: Lens, visit: Visit, draft: Draft | None = None, out_of_band: bool = False) -> str:
    """The row of one alarm; out of band it finds its place on the page by its id."""
    return render("_row.html", lens, a=view, visit=visit, draft=draft or Draft(), out_of_band=out_of_band)


def health_fragment(platform: Platform, lens: Lens, sight: Sight) -> str:
    """What is wrong with the platform and which of the reader's robots are offline; blank when nothing is."""
    health = platform.health()
    offline = platform.offline(lens, sight) if health.database else []
    return render("_health.html", lens, health=health, offline=offline)


def platform_of(request: Request) -> Platform:
    """What the application works with."""
    platform: Platform = request.app.state.platform
    return platform
