"""What an administrator does with identities, as functions over parsed arguments; __main__ gives them their words."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from sqlalchemy import select

from robot.errors import BadInput, LinkFault
from robot.files import write_whole
from robot.fleet import audit, process
from robot.fleet.database import Database, open_database
from robot.fleet.identity import broker_link, registry
from robot.fleet.identity.access import ROLES, service_name
from robot.fleet.identity.authority import (
    OWNER_ONLY,
    PLATFORM_LIFE_S,
    Authority,
    Layout,
    key_pem,
    make_authority,
    make_key,
    open_authority,
    pem,
)
from robot.fleet.identity.tables import Certificate, Claim
from robot.fleet.people.accounts import AT_THE_MACHINE
from robot.locks import exclusive
from robot.reporting.enrolment import Paper

HOSTS = ("127.0.0.1", "localhost")


def add_folder(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--folder", type=Path, help="the authority's folder (default: identity in the data folder)")


def layout_of(arguments: argparse.Namespace) -> Layout:
    return Layout((arguments.folder or arguments.data / "identity").resolve())


@dataclass(frozen=True, slots=True)
class Office:
    """All that a command works with."""

    database: Database
    authority: Authority
    layout: Layout
    by: str
    now_s: float

    def enforce(self, cut: Sequence[str] = ()) -> None:
        """Bring all to the broker. Raises LinkFault, which says that it is owed."""
        try:
            broker_link.enforce(self.database, self.authority, self.layout, self.now_s, cut)
        except (LinkFault, OSError) as error:
            raise LinkFault(
                f"done in the database but OWED TO THE BROKER, old connections still stand ({error}): the enrolment "
                "service tries again every minute; without it run: python -m robot.fleet.identity init"
            ) from error


@contextmanager
def office(arguments: argparse.Namespace) -> Iterator[Office]:
    layout, now_s = layout_of(arguments), time.time()
    authority = open_authority(layout)
    database = open_database(arguments.data, arguments.database_url)
    try:
        yield Office(database, authority, layout, arguments.by or process.shell_user(), now_s)
    finally:
        database.close()


def init(arguments: argparse.Namespace) -> None:
    """Make the authority at first use, and whatever of the platform's own certificates is missing or due."""
    layout = layout_of(arguments)
    layout.folder.mkdir(parents=True, exist_ok=True)
    with exclusive(layout.folder / "init.lock"):
        is_new = not layout.certificate.exists()
        if is_new:
            make_authority(layout, time.time())
        with office(arguments) as at:
            if is_new:
                with at.database.write() as session:
                    detail = {"fingerprint": at.authority.fingerprint, "by": at.by}
                    audit.append(
                        session,
                        at_s=at.now_s,
                        actor=AT_THE_MACHINE,
                        action="identity.authority",
                        subject="authority",
                        detail=detail,
                    )
            renew_due(at, arguments.host)
            at.enforce()
            sys.stdout.write(f"authority {at.authority.fingerprint} in {layout.folder}\n")


def renew_due(at: Office, hosts: Sequence[str] = ()) -> None:
    """Make whatever of the platform's own certificates is missing or due. The caller holds init.lock."""
    _server(at, hosts)
    for role in ROLES:
        if _is_due(at.layout.service(role), at.now_s):
            _service(at, role)


def claim(arguments: argparse.Namespace) -> None:
    """Print the paper for one robot: this is the only time that its claim code is seen."""
    with office(arguments) as at:
        with at.database.write() as session:
            code = registry.claim(
                session,
                arguments.device,
                by=at.by,
                now_s=at.now_s,
                life_s=arguments.hours * 3600.0,
                replaces=arguments.replace,
            )
        paper = Paper(arguments.platform, code, at.authority.fingerprint)
    sys.stdout.write(
        f"robot        {arguments.device}\nplatform     {paper.platform}\nclaim        {paper.claim}\n"
        f"fingerprint  {paper.fingerprint}\nvalid until  {_day(at.now_s + arguments.hours * 3600.0)}\n"
        f"QR           {paper}\n"
    )


def show(arguments: argparse.Namespace) -> None:
    """Print certificates, then claims that wait, then what the broker does not know yet."""
    with office(arguments) as at, at.database.read() as session:
        for row in session.scalars(select(Certificate).order_by(Certificate.name, Certificate.issued_at_s)):
            sys.stdout.write(f"{row.name}\t{row.kind}\t{_standing(row, at.now_s)}\t{row.serial}\n")
        waiting = select(Claim).where(Claim.used_at_s.is_(None), Claim.expires_at_s > at.now_s)
        for open_claim in session.scalars(waiting.order_by(Claim.device)):
            sys.stdout.write(f"{open_claim.device}\tclaim\tuntil {_day(open_claim.expires_at_s)}\t-\n")
        for name in broker_link.owed(at.database, at.layout, at.now_s):
            sys.stdout.write(f"{name}\tOWED TO THE BROKER\trun init, or see the enrolment service's log\t-\n")


def revoke(arguments: argparse.Namespace) -> None:
    """End a name's certificates, tell the broker, and cut its connection off."""
    with office(arguments) as at:
        with at.database.write() as session:
            ended = registry.revoke(session, arguments.name, arguments.reason, by=at.by, now_s=at.now_s)
        # in any case: a revocation whose broker could not be reached is brought to it by giving it again
        at.enforce([arguments.name])
    sys.stdout.write(f"{arguments.name}: {'revoked' if ended else 'had no valid certificate'}\n")


def rotate(arguments: argparse.Namespace) -> None:
    """Ask a robot for a new key."""
    with office(arguments) as at, at.database.write() as session:
        registry.rotate(session, arguments.device, by=at.by, now_s=at.now_s)
    sys.stdout.write(f"{arguments.device}: makes a new key when it next calls, within a day\n")


def service(arguments: argparse.Namespace) -> None:
    """Make a new key and certificate for one of the platform's processes; restart it then."""
    with office(arguments) as at:
        path = _service(at, arguments.role)
        at.enforce()  # a role whose certificates were all revoked was shut out until now
    sys.stdout.write(f"{path}\n")


def _service(at: Office, role: str) -> Path:
    name, key, path = service_name(role), make_key(), at.layout.service(role)
    certificate = at.authority.issue_client(name, key.public_key(), at.now_s, PLATFORM_LIFE_S)
    with at.database.write() as session:
        registry.keep(session, registry.SERVICE, name, certificate, at.now_s, at.by)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    write_whole(path, key_pem(key) + pem(certificate), OWNER_ONLY)
    return path


def _server(at: Office, hosts: Sequence[str]) -> None:
    """The broker's and the enrolment service's certificate: new when missing, due, or without one of the hosts."""
    layout = at.layout
    known = _hosts(layout.server)
    wanted = [*HOSTS, *hosts, *(host for host in known if host not in (*HOSTS, *hosts))]
    if not _is_due(layout.server, at.now_s) and set(wanted) == set(known):
        return
    key = make_key()
    try:
        certificate = at.authority.issue_server(wanted, key.public_key(), at.now_s, PLATFORM_LIFE_S)
    except ValueError as error:
        raise BadInput("--host takes host names in ASCII and addresses") from error
    with at.database.write() as session:
        registry.keep(session, registry.SERVER, " ".join(wanted), certificate, at.now_s, at.by)
    # in one file: a broker that read a key and another key's certificate would let nobody in
    write_whole(layout.server, key_pem(key) + pem(certificate), OWNER_ONLY)


def _hosts(path: Path) -> list[str]:
    certificate = _read(path)
    if certificate is None:
        return []
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return [str(name.value) for name in names]


def _is_due(path: Path, now_s: float) -> bool:
    """Whether a pair is to be made: it is missing, broken, or two thirds of its life are over."""
    certificate = _read(path)
    if certificate is None:
        return True
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, TypeError):
        return True
    if key.public_key() != certificate.public_key():
        return True
    begin, end = certificate.not_valid_before_utc.timestamp(), certificate.not_valid_after_utc.timestamp()
    return registry.is_due(begin, end, now_s)


def _read(path: Path) -> x509.Certificate | None:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError):
        return None


def _standing(row: Certificate, now_s: float) -> str:
    if row.revoked_at_s is not None:
        return f"revoked {_day(row.revoked_at_s)}: {row.revoked_because}"
    if row.not_after_s <= now_s:
        return f"expired {_day(row.not_after_s)}"
    due = ", due for renewal" if registry.is_due(row.issued_at_s, row.not_after_s, now_s) else ""
    asked = ", new key asked for" if row.renew_asked_at_s is not None else ""
    return f"valid until {_day(row.not_after_s)}{due}{asked}"


def _day(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
