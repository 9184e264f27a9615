"""Brings revocations to mosquitto: its files written anew, read again, and what is still connected cut off.

Measured with mosquitto 2.0.11: SIGHUP makes it read the revocation list and the access rules again, and from then on a
revoked certificate is refused, with a resumed TLS session too. A connection that stands already survives that, and is
still served. So the access rules shut the device out, and its connection is ended by taking its client id over, which
only the platform's listener allows (on the robots' listener everybody's client id is the name in the certificate).
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
from paho.mqtt.enums import CallbackAPIVersion

from robot.errors import LinkFault
from robot.files import write_whole
from robot.fleet.database import Database
from robot.fleet.identity import registry
from robot.fleet.identity.access import access_rules
from robot.fleet.identity.authority import Authority, Layout
from robot.locks import exclusive

PATIENCE_S = 10.0

logger = logging.getLogger(__name__)


def publish(database: Database, authority: Authority, layout: Layout, now_s: float) -> None:
    """Write the revocation list and the access rules as the database has them now."""
    # under a lock: of two writers, the later one must have read the later state
    with exclusive(layout.folder / "lists.lock"):
        with database.read() as session:
            serials, names = registry.revoked(session, now_s), registry.shut_out(session, now_s)
        write_whole(layout.revoked, authority.revocation_list(serials, now_s))
        write_whole(layout.access, access_rules(names).encode())


def enforce(database: Database, authority: Authority, layout: Layout, cut: Iterable[str], now_s: float) -> None:
    """`publish`, have the running broker read it, and end the open connections of the names in `cut`.

    Raises LinkFault when a broker of this machine runs and cannot be reached; without one, its next start reads it all.
    """
    publish(database, authority, layout, now_s)
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
