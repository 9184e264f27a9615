"""Who may sign in and see what: made, changed and ended by an administrator at the command line."""

from __future__ import annotations

import secrets
import unicodedata
from dataclasses import dataclass

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from robot.errors import BadInput
from robot.fleet import audit, process
from robot.fleet.people.sight import Role
from robot.fleet.people.tables import Account, Grant, KnownBrowser, LoginLink, SignedIn

LONGEST_NAME = 60
AT_THE_MACHINE = process.shell_user()


@dataclass(frozen=True, slots=True)
class Line:
    """A person for the list."""

    name: str
    shown: str
    role: str
    scopes: tuple[str, ...]
    disabled: bool
    has_password: bool


def folded(name: str) -> str:
    """A name as it is compared: width, case and blanks around it do not count."""
    return unicodedata.normalize("NFKC", name).strip().casefold()


def anybody(session: Session) -> bool:
    """Whether somebody could sign in at all."""
    return bool(session.scalar(select(func.count()).select_from(Account).where(Account.disabled_at_s.is_(None))))


def add(session: Session, name: str, shown: str, role: Role, now_s: float, by: str = AT_THE_MACHINE) -> str:
    """A new person's id. Raises BadInput when the name is taken or cannot be read."""
    for text in (name, shown):
        if not 0 < len(text.strip()) <= LONGEST_NAME or not text.isprintable():
            raise BadInput(f"a name is one readable line of at most {LONGEST_NAME} characters; give another")
    if session.scalar(select(Account.id).where(Account.name == folded(name))):
        raise BadInput(f"there is somebody called {folded(name)} already; give another name")
    person_id = secrets.token_hex(8)
    session.add(
        Account(
            id=person_id,
            name=folded(name),
            shown=shown.strip(),
            role=role.value,
            password=None,
            made_at_s=now_s,
            disabled_at_s=None,
        )
    )
    session.flush()
    _note(session, now_s, by, "person.added", person_id, role=role.value)
    return person_id


def find(session: Session, name: str) -> Account:
    """The account of this name. Raises BadInput when there is none."""
    account = session.scalars(select(Account).where(Account.name == folded(name))).one_or_none()
    if account is None:
        raise BadInput(f"there is nobody called {folded(name)}; `list` shows all names")
    return account


def give(session: Session, account: Account, scope: str, now_s: float, by: str = AT_THE_MACHINE) -> None:
    """Let a caregiver see a device, or an operator a district. Raises BadInput when the scope does not fit the role."""
    if account.role == Role.ADMINISTRATOR.value:
        raise BadInput("an administrator sees everything; nothing can be granted")
    if account.role == Role.OPERATOR.value and not (scope.isascii() and scope.isdigit() and len(scope) <= 6):
        raise BadInput(f"{scope} is not the beginning of a six-digit region code; an operator is granted a region")
    if _standing(session, account.id, scope) is None:
        session.add(Grant(person_id=account.id, scope=scope, given_at_s=now_s, given_by=by, ended_at_s=None))
        _note(session, now_s, by, "grant.given", account.id, scope=scope)


def take(session: Session, account: Account, scope: str, now_s: float, by: str = AT_THE_MACHINE) -> None:
    """End a grant; it stays in the history. Raises BadInput when there is none."""
    grant = _standing(session, account.id, scope)
    if grant is None:
        raise BadInput(f"{account.name} has no grant for {scope}; `list` shows all grants")
    grant.ended_at_s = now_s
    _note(session, now_s, by, "grant.ended", account.id, scope=scope)


def set_password(session: Session, account: Account, hashed: str, now_s: float, by: str, keep: str = "") -> None:
    """A new password; all other sessions and links of the person end (`keep`: digest of the session that asks)."""
    account.password = hashed
    session.execute(delete(SignedIn).where(SignedIn.person_id == account.id, SignedIn.digest != keep))
    for table in (LoginLink, KnownBrowser):
        session.execute(delete(table).where(table.person_id == account.id))
    _note(session, now_s, by, "password.set", account.id)


def disable(session: Session, account: Account, now_s: float, by: str = AT_THE_MACHINE) -> None:
    """Nobody signs in by this name any more, and who is signed in is out at once."""
    account.disabled_at_s = now_s
    for table in (SignedIn, LoginLink, KnownBrowser):
        session.execute(delete(table).where(table.person_id == account.id))
    _note(session, now_s, by, "person.disabled", account.id)


def enable(session: Session, account: Account, now_s: float, by: str = AT_THE_MACHINE) -> None:
    """The name counts again."""
    account.disabled_at_s = None
    _note(session, now_s, by, "person.enabled", account.id)


def listed(session: Session) -> list[Line]:
    """Everybody, by name."""
    scopes: dict[str, list[str]] = {}
    for person_id, scope in session.execute(select(Grant.person_id, Grant.scope).where(Grant.ended_at_s.is_(None))):
        scopes.setdefault(person_id, []).append(scope)
    return [
        Line(
            account.name,
            account.shown,
            account.role,
            tuple(sorted(scopes.get(account.id, ()))),
            account.disabled_at_s is not None,
            account.password is not None,
        )
        for account in session.scalars(select(Account).order_by(Account.name))
    ]


def _standing(session: Session, person_id: str, scope: str) -> Grant | None:
    asked = select(Grant).where(Grant.person_id == person_id, Grant.scope == scope, Grant.ended_at_s.is_(None))
    return session.scalars(asked).first()


def _note(session: Session, now_s: float, by: str, action: str, person_id: str, **detail: str) -> None:
    audit.append(session, at_s=now_s, actor=by, action=action, subject=f"person:{person_id}", detail=detail)
