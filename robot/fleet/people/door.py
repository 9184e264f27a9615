"""The door of the pages. Nothing but signing in, the style sheet and the health light is there for strangers.

It stands before the routes, so that a new route cannot be forgotten; and every form's token is asked for by the
application itself. What a person may see is decided by the routes, through `sight`.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, HTTPException, Request
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from robot.fleet.contacts import SignIn
from robot.fleet.database import Database
from robot.fleet.people import limits, sessions
from robot.fleet.people.sessions import Visit

SESSION_COOKIE = "hani"
BROWSER_COOKIE = "hani-browser"  # says that somebody has signed in here before; opens nothing by itself
PORCH_COOKIE = "hani-porch"  # only ties the sign-in form to the browser that asked for it
NO_DATABASE = "the database does not answer\n"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
PUBLIC = ("/static/", "/login/")
PUBLIC_EXACTLY = ("/login", "/healthz")


class Door:
    """ASGI middleware. Without a session: 401 for programs, the sign-in page for people. Too many writes: 429."""

    def __init__(self, app: ASGIApp, database: Database, rules: SignIn, clock: Callable[[], float]) -> None:
        self._app, self._database, self._rules, self._clock = app, database, rules, clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        path = scope["path"]  # what is routed by; request.url would believe a path in the Host header
        public = path in PUBLIC_EXACTLY or path.startswith(PUBLIC)
        try:
            visit = await run_in_threadpool(self._find, request)
            refusal = None if public else await run_in_threadpool(self._refuse, request, visit)
        except SQLAlchemyError:
            visit, refusal = None, None if public else PlainTextResponse(NO_DATABASE, 503)
        scope.setdefault("state", {})["visit"] = visit
        await (refusal or self._app)(scope, receive, send)

    def _find(self, request: Request) -> Visit | None:
        token = request.cookies.get(cookie_name(request, SESSION_COOKIE))
        return sessions.find(self._database, token, self._clock(), self._rules) if token else None

    def _refuse(self, request: Request, visit: Visit | None) -> Response | None:
        if visit is None:
            return _sign_in_first(request)
        if request.method in SAFE:
            return None
        with self._database.write() as session:
            within = limits.spend(session, f"writes:{visit.digest}", self._clock())
        return None if within else PlainTextResponse("too many changes; wait a minute\n", 429, {"Retry-After": "60"})


def _sign_in_first(request: Request) -> Response:
    if is_for_programs(request):
        return JSONResponse({"error": "sign_in"}, 401)
    if request.headers.get("hx-request") == "true":
        return PlainTextResponse("sign in\n", 401, {"HX-Redirect": "/login"})
    return RedirectResponse("/login", 303)


def is_for_programs(request: Request) -> bool:
    """Whether errors are told as JSON."""
    path = str(request.scope["path"])
    return path.startswith("/api/") or path == "/events"


def cookie_name(request: Request, name: str) -> str:
    """With TLS the browser itself refuses such a cookie from anybody else: `__Host-` binds it to this host."""
    return f"__Host-{name}" if request.scope["scheme"] == "https" else name


def set_cookie(request: Request, response: Response, name: str, value: str, lasts_s: int | None = None) -> None:
    """A cookie that no script reads and no other site sends; gone with the browser unless `lasts_s` is given."""
    secure = request.scope["scheme"] == "https"
    name = cookie_name(request, name)
    response.set_cookie(name, value, lasts_s, path="/", httponly=True, samesite="strict", secure=secure)


def drop_cookie(request: Request, response: Response, name: str) -> None:
    secure = request.scope["scheme"] == "https"
    response.delete_cookie(cookie_name(request, name), path="/", httponly=True, samesite="strict", secure=secure)


def browser(request: Request) -> str:
    """The token of a browser in which somebody has signed in before; blank without one."""
    return request.cookies.get(cookie_name(request, BROWSER_COOKIE), "")


def porch(request: Request) -> str:
    """The token of a browser that has not signed in yet, new if it has none."""
    return request.cookies.get(cookie_name(request, PORCH_COOKIE)) or secrets.token_urlsafe(sessions.TOKEN_BYTES)


def visit_of(request: Request) -> Visit | None:
    """The session that came with the request, if any."""
    visit: Visit | None = getattr(request.state, "visit", None)
    return visit


def signed_in(request: Request) -> Visit:
    """Dependency: the session. 401 without one, should a route ever be reached past the door."""
    visit = visit_of(request)
    if visit is None:
        raise HTTPException(401)
    return visit


async def form_token(request: Request) -> None:
    """Dependency of the whole application: 403 unless a change brings its session's token, by header or form field."""
    if request.method in SAFE:
        return
    visit = visit_of(request)
    wanted = visit.csrf if visit else _porch_token(request)
    given = request.headers.get("x-csrf-token") or (await request.form()).get("csrf")
    if wanted is None or given is None or isinstance(given, UploadFile):
        raise HTTPException(403)
    if not hmac.compare_digest(wanted.encode(), given.encode()):
        raise HTTPException(403)


def _porch_token(request: Request) -> str | None:
    token = request.cookies.get(cookie_name(request, PORCH_COOKIE))
    return sessions.csrf(token) if token else None


SignedIn = Annotated[Visit, Depends(signed_in)]
