"""Signing in and staying so. A token is 256 random bits; the database holds only its SHA-256."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from robot.fleet import audit
from robot.fleet.contacts import SignIn
from robot.fleet.database import Database
from robot.fleet.people import limits, passwords
from robot.fleet.people.accounts import folded
from robot.fleet.people.sight import Person, Role
from robot.fleet.people.tables import Account, Grant, KnownBrowser, LoginLink, SignedIn

Buckets = dict[str, limits.Pauses]

BROWSER_DAYS = 180  # without a sign-in in it, a browser is forgotten
SEEN_EVERY_S = 60.0  # a session's last use is written at most once a minute
LINK_S = 15 * 60.0
RECENT_S = 15 * 60.0
TOKEN_BYTES = 32


@dataclass(frozen=True, slots=True)
class Visit:
    """A signed-in person's session. `csrf` must come with everything that person sends."""

    person: Person
    digest: str
    csrf: str
    how: str
    began_at_s: float

    def may_set_password(self, now_s: float) -> bool:
        """Who came by a link a moment ago need not know the old password."""
        return self.how == "link" and now_s - self.began_at_s < RECENT_S


@dataclass(frozen=True, slots=True)
class SignedOn:
    """The answer to a sign-in: a session's token, or None and for how long nothing is tried (0: wrong).

    `browser` is to be kept by the browser: with it, the next sign-in there does not wait for strangers' guesses.
    """

    token: str | None
    wait_s: float = 0.0
    browser: str = ""


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def csrf(token: str) -> str:
    """What forms carry; the session's token cannot be told from it."""
    return hmac.new(token.encode(), b"hani csrf", hashlib.sha256).hexdigest()


def sign_in(database: Database, name: str, password: str, address: str, now_s: float, browser: str = "") -> SignedOn:
    """A session by name and password: the same steps, in the same time, for names that do not exist."""
    person_id, wait_s = check(database, name, password, address, now_s, browser)
    if person_id is None:
        return SignedOn(None, wait_s)
    with database.write() as session:
        token = begin(session, person_id, "password", now_s)
        return SignedOn(token, browser=_known(session, person_id, browser, now_s))


def check(
    database: Database, name: str, password: str, address: str, now_s: float, browser: str = ""
) -> tuple[str | None, float]:
    """Whose name and password these are, or None and for how long nothing is tried (0: they are wrong)."""
    name = folded(name)
    with database.write() as session:
        # a name that cannot be written, or PostgreSQL cannot even be asked for, is nobody's
        asked = select(Account).where(Account.name == name)
        account = session.scalars(asked).one_or_none() if name.isprintable() else None
        been_here = account and session.get(KnownBrowser, (digest(browser), account.id))
        own, shared = _buckets(name, address, browser if been_here else "")
        wait_s = limits.try_once(session, {**own, **shared}, now_s)
        if wait_s > 0:
            return None, wait_s
    known = account if account is not None and account.disabled_at_s is None else None
    stored = known.password if known else None
    right = passwords.fits(stored, password)
    renewed = passwords.renewed(stored, password) if right and stored else None
    with database.write() as session:
        if known is None or not right:
            subject = f"person:{account.id}" if account else "person:unknown"
            audit.append(session, at_s=now_s, actor="platform", action="session.refused", subject=subject)
            return None, 0.0
        limits.forgive(session, own, shared)
        if renewed:
            session.get_one(Account, known.id).password = renewed
        return known.id, 0.0


def _buckets(name: str, address: str, browser: str) -> tuple[Buckets, Buckets]:
    """Where a try counts: what is this visitor's own, and what is shared with others."""
    if browser:
        return {limits.key("browser", f"{digest(browser)} {name}"): limits.BY_BROWSER}, {}
    place = limits.by_address(address)
    own = {limits.key("pair", f"{place} {name}"): limits.BY_PAIR}
    return own, {limits.key("name", name): limits.BY_NAME, place: limits.BY_ADDRESS}


def _known(session: Session, person_id: str, browser: str, now_s: float) -> str:
    """The browser's token, for this person from now on: its own if it was given here, else a new one."""
    given = select(KnownBrowser.digest).where(KnownBrowser.digest == digest(browser)).limit(1)
    if session.scalar(given) is None:
        browser = secrets.token_urlsafe(TOKEN_BYTES)
    session.merge(KnownBrowser(digest=digest(browser), person_id=person_id, seen_at_s=now_s))
    return browser


def begin(session: Session, person_id: str, how: str, now_s: float) -> str:
    """A new session's token: never one that the browser had before."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    session.add(SignedIn(digest=digest(token), person_id=person_id, how=how, began_at_s=now_s, seen_at_s=now_s))
    audit.append(
        session,
        at_s=now_s,
        actor=f"person:{person_id}",
        action="session.begun",
        subject=f"person:{person_id}",
        detail={"how": how},
    )
    return token


def find(database: Database, token: str, now_s: float, rules: SignIn) -> Visit | None:
    """Whose session this is; None when there is none, it has ended, or its person is disabled."""
    with database.read() as session:
        row = session.get(SignedIn, digest(token))
        visit = _visit(session, row, token, now_s, rules) if row else None
    if visit is not None and row is not None and now_s - row.seen_at_s >= SEEN_EVERY_S:
        with database.write() as session:
            session.execute(update(SignedIn).where(SignedIn.digest == row.digest).values(seen_at_s=now_s))
    return visit


def _visit(session: Session, row: SignedIn, token: str, now_s: float, rules: SignIn) -> Visit | None:
    if now_s - row.seen_at_s > 60 * rules.idle_minutes or now_s - row.began_at_s > 3600 * rules.longest_hours:
        return None
    person = person_of(session, row.person_id)
    return Visit(person, row.digest, csrf(token), row.how, row.began_at_s) if person else None


def person_of(session: Session, person_id: str) -> Person | None:
    """The person with today's grants; None when disabled or unknown."""
    account = session.get(Account, person_id)
    if account is None or account.disabled_at_s is not None:
        return None
    scopes = session.scalars(select(Grant.scope).where(Grant.person_id == person_id, Grant.ended_at_s.is_(None)))
    return Person(account.id, account.name, account.shown, Role(account.role), frozenset(scopes))


def end(database: Database, visit: Visit, now_s: float) -> None:
    """Sign out."""
    with database.write() as session:
        session.execute(delete(SignedIn).where(SignedIn.digest == visit.digest))
        actor = f"person:{visit.person.id}"
        audit.append(session, at_s=now_s, actor=actor, action="session.ended", subject=actor)


def make_link(session: Session, person_id: str, by: str, now_s: float, lasts_s: float = LINK_S) -> str:
    """A token that signs this person in once; older links of the same person end."""
    session.execute(delete(LoginLink).where(LoginLink.person_id == person_id, LoginLink.used_at_s.is_(None)))
    token = secrets.token_urlsafe(TOKEN_BYTES)
    session.add(LoginLink(digest=digest(token), person_id=person_id, ends_at_s=now_s + lasts_s, used_at_s=None))
    audit.append(session, at_s=now_s, actor=by, action="link.made", subject=f"person:{person_id}")
    return token


def link_stands(database: Database, token: str, now_s: float) -> bool:
    """Whether the link would sign somebody in now; looking does not use it up (mail programs look)."""
    with database.read() as session:
        link = session.get(LoginLink, digest(token))
        return link is not None and link.used_at_s is None and now_s < link.ends_at_s


def use_link(database: Database, token: str, now_s: float, browser: str = "") -> SignedOn:
    """Sign in by a link. One statement takes it: two at once cannot both succeed.

    Nobody guesses 256 bits, so nothing is counted; and what never was a link is not written down.
    """
    with database.read() as session:
        if session.get(LoginLink, digest(token)) is None:
            return SignedOn(None)
    with database.write() as session:
        mine = (LoginLink.digest == digest(token), LoginLink.used_at_s.is_(None), LoginLink.ends_at_s > now_s)
        taken = session.execute(update(LoginLink).where(*mine).values(used_at_s=now_s).returning(LoginLink.person_id))
        person_id = taken.scalar_one_or_none()
        if person_id is None or person_of(session, person_id) is None:
            audit.append(session, at_s=now_s, actor="platform", action="session.refused", subject="person:unknown")
            return SignedOn(None)
        made = begin(session, person_id, "link", now_s)
        return SignedOn(made, browser=_known(session, person_id, browser, now_s))
