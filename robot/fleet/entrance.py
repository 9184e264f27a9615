"""Signing in by password or link, signing out, and a person's own page."""

from __future__ import annotations

import math
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from robot.errors import BadInput
from robot.fleet.people import ALL, Role, accounts, passwords, sessions
from robot.fleet.people.door import (
    BROWSER_COOKIE,
    PORCH_COOKIE,
    SESSION_COOKIE,
    SignedIn,
    browser,
    drop_cookie,
    porch,
    set_cookie,
    visit_of,
)
from robot.fleet.people.tables import Account
from robot.fleet.render import page, platform_of
from robot.fleet.responses import ANSWERS, PAGE

router = APIRouter(responses=ANSWERS)
Text = Annotated[str, Form(max_length=1000)]


@router.get("/login", response_class=HTMLResponse, responses=PAGE)
def login_page(request: Request, lang: str | None = None) -> Response:
    if visit_of(request):
        return RedirectResponse("/", 303)
    return _form(request, lang)


@router.post("/login", response_class=HTMLResponse, responses=PAGE)
def login(request: Request, name: Text = "", password: Text = "", lang: str | None = None) -> Response:
    platform = platform_of(request)
    answer = sessions.sign_in(platform.database, name, password, _address(request), platform.clock(), browser(request))
    return _answer(request, answer, "error.login", lang)


@router.get("/login/{token}", response_class=HTMLResponse, responses=PAGE)
def link_page(request: Request, token: str, lang: str | None = None) -> Response:
    """Only asks: whoever looks at links before people do (mail programs, chats) does not use them up."""
    platform = platform_of(request)
    if not sessions.link_stands(platform.database, token, platform.clock()):
        return _form(request, lang, "error.link", status=404)
    return _form(request, lang, link=token)


@router.post("/login/{token}", response_class=HTMLResponse, responses=PAGE)
def link(request: Request, token: str, lang: str | None = None) -> Response:
    platform = platform_of(request)
    answer = sessions.use_link(platform.database, token, platform.clock(), browser(request))
    return _answer(request, answer, "error.link", lang)


@router.post("/logout", responses=PAGE)
def logout(request: Request, visit: SignedIn, lang: str | None = None) -> Response:
    platform = platform_of(request)
    sessions.end(platform.database, visit, platform.clock())
    answer = RedirectResponse(f"/login?lang={platform.lens(lang).words.language}", 303)
    drop_cookie(request, answer, SESSION_COOKIE)
    return answer


@router.get("/me", response_class=HTMLResponse, responses=PAGE)
def me(request: Request, visit: SignedIn, lang: str | None = None) -> Response:
    return _me(request, visit, lang)


@router.post("/me/password", response_class=HTMLResponse, responses=PAGE)
def set_password(
    request: Request, visit: SignedIn, new: Text = "", old: Text = "", lang: str | None = None
) -> Response:
    """A new password: with the old one, or within 15 minutes of coming by a link."""
    platform = platform_of(request)
    now_s = platform.clock()
    if not visit.may_set_password(now_s):
        name = visit.person.name
        found, _ = sessions.check(platform.database, name, old, _address(request), now_s, browser(request))
        if found != visit.person.id:
            return _me(request, visit, lang, "error.old_password", 422)
    try:
        hashed = passwords.hashed(new, visit.person.name)
    except BadInput:
        return _me(request, visit, lang, "error.new_password", 422)
    with platform.database.write() as session:
        account = session.get(Account, visit.person.id)
        if account is None:
            raise HTTPException(404)
        accounts.set_password(session, account, hashed, now_s, f"person:{account.id}", keep=visit.digest)
    return _me(request, visit, lang, "password_set")


def _me(request: Request, visit: sessions.Visit, lang: str | None, said: str = "", status: int = 200) -> Response:
    platform = platform_of(request)
    lens = platform.lens(lang)
    sight = platform.sight(visit.person)
    return page(
        "me.html",
        lens,
        request,
        status,
        said=said,
        by_link=visit.may_set_password(lens.now_s),
        since=lens.clock(visit.began_at_s),
        everything=sight == ALL,
        districts=sorted(visit.person.scopes) if visit.person.role is Role.OPERATOR else [],
        robots=platform.robots(lens, sight) if visit.person.role is Role.CAREGIVER else [],
    )


def _form(
    request: Request, lang: str | None, error: str = "", link: str = "", status: int = 200, wait_s: float = 0.0
) -> Response:
    token = porch(request)
    lens = platform_of(request).lens(lang)
    fields = {"error": error, "link": link, "wait_s": math.ceil(wait_s), "csrf": sessions.csrf(token)}
    answer = page("login.html", lens, request, status, **fields)
    set_cookie(request, answer, PORCH_COOKIE, token)
    if wait_s > 0:
        answer.headers["Retry-After"] = str(math.ceil(wait_s))
    return answer


def _answer(request: Request, answer: sessions.SignedOn, error: str, lang: str | None) -> Response:
    if answer.wait_s > 0:
        return _form(request, lang, "error.wait", status=429, wait_s=answer.wait_s)
    if answer.token is None:
        return _form(request, lang, error, status=422)
    language = platform_of(request).lens(lang).words.language
    done = RedirectResponse(f"/?lang={language}", 303)
    set_cookie(request, done, SESSION_COOKIE, answer.token)
    set_cookie(request, done, BROWSER_COOKIE, answer.browser, sessions.BROWSER_DAYS * 24 * 3600)
    drop_cookie(request, done, PORCH_COOKIE)
    return done


def _address(request: Request) -> str:
    return request.client.host if request.client else "unknown"
