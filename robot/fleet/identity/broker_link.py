"""Brings revocations to mosquitto: its files written anew, read again, and what is still connected cut off.

Measured with mosquitto 2.0.11: SIGHUP makes it read its certificate, the revocation list and the access rules again,
and from then on a revoked certificate is refused, with a resumed TLS session too. A connection that stands already
survives that, and is still served. So the access rules shut the device out, and its connection is ended by taking its
client id over, which only the platform's listener allows (on the robots' listener everybody's client id is the name in
the certificate).
"""

from __future__ import annotations

import json
import logging
import os
import signal
import ssl
import threading
from collections.abc import Iterable
from pathlib import Path

import paho.mqtt.client as mqtt
from cryptography import x509
from paho.mqtt.enums import CallbackAPIVersion
from pydantic import BaseModel, ConfigDict

from robot.errors import LinkFault
from robot.files import write_whole
from robot.fleet.database import Database
from robot.fleet.identity import registry
from robot.fleet.identity.access import access_rules
from robot.fleet.identity.authority import Authority, Layout, serial_of
from robot.locks import exclusive

PATIENCE_S = 10.0

logger = logging.getLogger(__name__)


class State(BaseModel):
    """What the broker works by. Serials in hex; `shut_out` are names."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    revoked: frozenset[str] = frozenset()
    shut_out: frozenset[str] = frozenset()
    server: str = ""


def owed(database: Database, layout: Layout, now_s: float) -> list[str]:
    """Of whom the broker does not know yet what the database says; empty when it knows all."""
    with database.read() as session:
        ended, names = registry.revoked(session, now_s), registry.shut_out(session, now_s)
    known = _known(layout)
    late = {one.name for one in ended if one.serial not in known.revoked} | known.shut_out.symmetric_difference(names)
    if known.server != _server(layout):
        late.add(registry.SERVER)
    return sorted(late)


def enforce(database: Database, authority: Authority, layout: Layout, now_s: float, cut: Iterable[str] = ()) -> None:
    """Bring all that is owed to the broker: files, the word to read them, and the end of revoked names' connections.

    What was brought is noted last, so that whatever fails half-way stays owed and is done again whole. `cut` are names
    whose connections end in any case. Raises OSError when the files cannot be written, and LinkFault when a broker of
    this machine runs and cannot be reached; without one, its next start reads it all.
    """
    # under a lock: of two writers, the later one must have read the later state
    with exclusive(layout.folder / "lists.lock"):
        with database.read() as session:
            ended, names = registry.revoked(session, now_s), registry.shut_out(session, now_s)
        server = _server(layout)
        before = layout.revoked.read_bytes() if layout.revoked.exists() else b""
        revoked = authority.revocation_list(((one.serial, one.at_s) for one in ended), before, now_s)
        write_whole(layout.revoked, revoked)
        write_whole(layout.access, access_rules(names).encode())
    known = _known(layout)
    # a robot's own past ends without a cut: it has renewed, and is connected
    new = {one.name for one in ended if one.serial not in known.revoked and one.because != registry.SUPERSEDED}
    _tell(layout, sorted(new.union(cut)))
    state = State(revoked=frozenset(one.serial for one in ended), shut_out=frozenset(names), server=server)
    write_whole(layout.enforced, state.model_dump_json().encode())


def _tell(layout: Layout, cut: Iterable[str]) -> None:
    running = _running(layout.folder / "broker.json")
    if running is None:
        logger.info("no broker runs here: it reads the lists when it starts")
        return
    pid, port = running
    try:
        os.kill(pid, signal.SIGHUP)
    except OSError as error:
        raise LinkFault(
            f"the broker ({pid}) cannot be told ({error.strerror}): send it SIGHUP, then restart it"
        ) from error
    for name in cut:
        _take_over(layout, port, name)


def _known(layout: Layout) -> State:
    """What was brought to the broker; nothing when that is not known, and all is brought again then."""
    try:
        return State.model_validate_json(layout.enforced.read_bytes())
    except (OSError, ValueError):
        return State()


def _server(layout: Layout) -> str:
    """The serial of the server certificate that the broker should show."""
    try:
        return serial_of(x509.load_pem_x509_certificate(layout.server.read_bytes()))
    except (OSError, ValueError):
        return ""


def _running(path: Path) -> tuple[int, int] | None:
    """Process and services' port of the broker that uses this folder."""
    try:
        note = json.loads(path.read_text(encoding="utf-8"))
        pid, port = int(note["pid"]), int(note["services_port"])
        name = Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return (pid, port) if name == "mosquitto" else None


def _take_over(layout: Layout, port: int, client_id: str) -> None:
    """Connect with the client id and a clean session: the broker ends the one that has it, and forgets its session."""
    came = threading.Event()
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=mqtt.MQTTv5)
    client.on_connect = lambda _client, _data, _flags, reason, _properties: None if reason.is_failure else came.set()
    try:
        client.tls_set(str(layout.certificate), str(layout.service("warden")), cert_reqs=ssl.CERT_REQUIRED)
        client.connect("127.0.0.1", port, keepalive=int(PATIENCE_S), clean_start=True)
        client.loop_start()
        if not came.wait(PATIENCE_S):
            raise LinkFault("the broker refuses the platform's warden: run: python -m robot.fleet.identity init")
    except (OSError, ValueError) as error:
        raise LinkFault(
            f"the broker cannot be reached to end a connection ({error}): restart the broker, that ends it too"
        ) from error
    finally:
        client.disconnect()
        client.loop_stop()
    logger.info("connection ended: %s", client_id)
