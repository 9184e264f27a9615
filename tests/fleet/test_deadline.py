"""Servers that trickle: whatever is sent has one deadline over all of it, by every channel and to the region."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from robot.errors import LinkFault
from robot.fleet.government.config import HttpTarget
from robot.fleet.government.connectors import HttpConnector
from robot.fleet.government.letters import Letter
from robot.fleet.government.retry import Kind
from robot.fleet.notify.channels import ANSWERS, open_channel
from tests.fleet.conftest import PATIENCE_S
from tests.fleet.test_channels import outgoing
from tests.fleet.test_channels import settings as settings_of

pytestmark = pytest.mark.fleet

LIMIT_S = 2.0
"""Of a sender. A server on a loaded machine trickles on well within it: else a mere silence would end the sender."""


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text("geheim")
    path.chmod(0o600)
    return path


@contextmanager
def trickling(first: bytes) -> Iterator[int]:
    """A server that begins an answer and never comes to its end: a byte now and then keeps every read alive."""
    ended = threading.Event()

    def serve() -> None:
        with suppress(OSError), listener, listener.accept()[0] as connection:
            connection.sendall(first)
            give_up_at_s = time.monotonic() + PATIENCE_S
            while not ended.wait(0.05) and time.monotonic() < give_up_at_s:
                connection.sendall(b"x")

    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(PATIENCE_S)  # whoever is tested may never come
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        ended.set()
        thread.join(2 * PATIENCE_S)


@pytest.mark.parametrize(
    ("kind", "first"),
    [("webhook", b"HTTP/1.1 200 OK\r\nX: "), ("email", b"220-"), ("email", b"220 hello\r\n250-")],
)
def test_a_server_that_trickles_cannot_hold_a_sender(secret: Path, kind: str, first: bytes) -> None:
    with trickling(first) as port:
        more = {
            "webhook": {"url": f"http://127.0.0.1:{port}", "secret_file": secret, "timeout_s": LIMIT_S},
            "email": {
                "host": "127.0.0.1",
                "port": port,
                "security": "none",
                "sender": "hani@example.org",
                "timeout_s": LIMIT_S / ANSWERS,
            },
        }[kind]
        with pytest.raises(LinkFault, match="TimeoutError"):
            open_channel(settings_of(kind=kind, **more)).send(outgoing("wang@example.org"))


def test_a_message_that_was_taken_stays_taken_however_slow_the_rest_of_the_answer(secret: Path) -> None:
    with trickling(b"HTTP/1.1 200 OK\r\n\r\n") as port:
        url = f"http://127.0.0.1:{port}"
        open_channel(settings_of(kind="webhook", url=url, secret_file=secret, timeout_s=5.0)).send(outgoing())


def test_the_region_cannot_hold_a_letter_by_trickling() -> None:
    with trickling(b"HTTP/1.1 200 OK\r\nX: ") as port:
        connector = HttpConnector(HttpTarget(kind="http", url=f"http://127.0.0.1:{port}", timeout_s=LIMIT_S))
        answer = connector.deliver(Letter("key", "raised", "/x", {}, b"{}", {}))
        connector.close()
    assert (answer.kind, answer.reason) == (Kind.FAILED, "the answer took too long")
