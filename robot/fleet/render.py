"""Templates turned into pages, rows and fragments; everything in them is escaped."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from robot.fleet.looking import Platform, Standing
from robot.fleet.people.door import visit_of
from robot.fleet.people.sessions import Visit
from robot.fleet.people.sight import Sight
from robot.fleet.views import AlarmView, Lens
from robot.fleet.words import LANGUAGES, NAMES

ENDS_SOON_S = 15 * 60.0
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
    trouble = ""
    if visit:
        sight = platform.sight(visit.person)
        trouble = health_fragment(platform.standing(sight), lens, sight, visit)
    after = fields.pop("after", None)
    if visit and after is None:
        after = platform.newest_change()
    return HTMLResponse(render(name, lens, trouble=trouble, after=after, **frame, **fields), status)


def row(view: AlarmView, lens: Lens, visit: Visit, draft: Draft | None = None, out_of_band: bool = False) -> str:
    """The row of one alarm; out of band it finds its place on the page by its id."""
    return render("_row.html", lens, a=view, visit=visit, draft=draft or Draft(), out_of_band=out_of_band)


def health_fragment(standing: Standing, lens: Lens, sight: Sight, visit: Visit) -> str:
    """What is wrong with the platform, which of the reader's robots are offline, and whether the session soon ends."""
    ends_at_s = visit.began_at_s + 3600 * lens.site.sign_in.longest_hours
    ends = lens.clock(ends_at_s) if ends_at_s - lens.now_s < ENDS_SOON_S else None
    return render("_health.html", lens, health=standing.health, offline=standing.offline_for(sight), ends=ends)


def platform_of(request: Request) -> Platform:
    """What the application works with."""
    platform: Platform = request.app.state.platform
    return platform
