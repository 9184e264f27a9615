"""A stand-in for the region's platform, which says that it is one: slow, failing, forgetful of its answers.

It commits a letter when it has checked it and refuses a key that it has. What it committed, in order, is `committed`.
The real platform's interface is not public: this one behaves as such platforms do, it does not speak its language.
"""

from __future__ import annotations

import base64
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Mood = str  # well, slow, broken, busy, reset, forgetful, garbled, closed
NOTICE = "This is a stand-in for the region's platform, made for tests. Nothing that you send here reaches anybody."


@dataclass
class StandIn:
    """`mood(number, letter)` says how request `number` is treated; `refuses(letter)` is its validation."""

    mood: Callable[[int, dict[str, Any]], Mood] = lambda _number, _letter: "well"
    refuses: Callable[[dict[str, Any]], str | None] = lambda _letter: None
    opens: Callable[[bytes, dict[str, str]], bytes] = lambda body, _headers: body  # verifies and decrypts, or raises
    committed: list[dict[str, Any]] = field(default_factory=list)
    duplicates: int = 0
    requests: int = 0
    moods: list[Mood] = field(default_factory=list)
    url: str = ""
    quick: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def keys(self) -> list[str]:
        return [letter["msgId"] for letter in self.committed]

    def commit(self, letter: dict[str, Any]) -> dict[str, Any]:
        """What it answers once it has looked at the letter."""
        with self._lock:
            problem = self.refuses(letter)
            if problem is not None:
                return {"code": "A0422", "msg": problem}
            if letter["msgId"] in self.keys():
                self.duplicates += 1
                return {"code": "A0409", "msg": "重复提交"}
            self.committed.append(letter)
            return {"code": 0, "msg": "success"}

    def next_mood(self, letter: dict[str, Any]) -> Mood:
        with self._lock:
            self.requests += 1
            self.moods.append(self.mood(self.requests, letter))
            return self.moods[-1]


def _handler(stand_in: StandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        server_version = "hani-stand-in"
        timeout = 20

        def do_GET(self) -> None:
            self._answer(200, NOTICE.encode())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            try:
                letter = json.loads(stand_in.opens(body, dict(self.headers)))
            except ValueError as error:
                self._answer(401, json.dumps({"code": "A0301", "msg": str(error)}).encode())
                return
            letter["_path"] = self.path
            mood = stand_in.next_mood(letter)
            if mood == "slow":
                stand_in.quick.wait(2.0)
            if mood == "broken":
                self._answer(500, b"<html>Internal Server Error</html>")
            elif mood == "busy":
                self._answer(429, b"{}", {"Retry-After": "0"})
            elif mood == "closed":
                self._answer(403, b'{"code": "A0312"}')
            elif mood == "reset":
                self._break()
            else:
                answer = stand_in.commit(letter)
                if mood == "forgetful":
                    self._break()
                else:
                    self._answer(200, b'{"code": 0' if mood == "garbled" else json.dumps(answer).encode())

        def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
            try:
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)
            except OSError:
                self.close_connection = True  # the bridge was killed meanwhile

        def _break(self) -> None:
            """Reset the connection."""
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RD)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Tests need no access log."""

    return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A killed client is no error here."""


@contextmanager
def standing_in(stand_in: StandIn) -> Iterator[StandIn]:
    """Serve on a free loopback port."""
    server = _Server(("127.0.0.1", 0), _handler(stand_in))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    stand_in.url = f"http://127.0.0.1:{server.server_port}/openapi"
    try:
        yield stand_in
    finally:
        stand_in.quick.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


# --- SM2, SM3 and SM4 as the standards' text has them: independent of the product's libraries for SM2 -----------------

P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
A = P - 3
B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
N = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
G = (
    0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7,
    0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0,
)
Point = tuple[int, int] | None


def add(one: Point, two: Point) -> Point:
    """The sum of two points in affine coordinates; None is the point at infinity."""
    if one is None or two is None:
        return one or two
    if one[0] == two[0]:
        if (one[1] + two[1]) % P == 0:
            return None
        slope = (3 * one[0] * one[0] + A) * pow(2 * one[1], -1, P) % P
    else:
        slope = (two[1] - one[1]) * pow(two[0] - one[0], -1, P) % P
    x = (slope * slope - one[0] - two[0]) % P
    return x, (slope * (one[0] - x) - one[1]) % P


def times(number: int, point: Point) -> Point:
    found: Point = None
    while number:
        if number & 1:
            found = add(found, point)
        point, number = add(point, point), number >> 1
    return found


def sm3(data: bytes) -> bytes:
    from cryptography.hazmat.primitives import hashes

    digest = hashes.Hash(hashes.SM3())
    digest.update(data)
    return digest.finalize()


def sm2_verifies(
    public_key: bytes, data: bytes, signature: tuple[int, int], identity: bytes = b"1234567812345678"
) -> bool:
    """GB/T 32918.2, 7.1."""
    x, y = int.from_bytes(public_key[:32], "big"), int.from_bytes(public_key[32:], "big")
    assert (y * y - x * x * x - A * x - B) % P == 0
    r, s = signature
    if not (1 <= r < N and 1 <= s < N) or (r + s) % N == 0:
        return False
    curve = b"".join(number.to_bytes(32, "big") for number in (A, B, *G))
    z = sm3((8 * len(identity)).to_bytes(2, "big") + identity + curve + public_key)
    point = add(times(s, G), times((r + s) % N, (x, y)))
    return point is not None and (int.from_bytes(sm3(z + data), "big") + point[0]) % N == r


def sm4_gcm_opens(key: bytes, sealed: str) -> bytes:
    from cryptography.hazmat.primitives.ciphers import Cipher, modes
    from cryptography.hazmat.primitives.ciphers.algorithms import SM4

    raw = base64.b64decode(sealed)
    machine = Cipher(SM4(key), modes.GCM(raw[:12], raw[-16:])).decryptor()
    return machine.update(raw[12:-16]) + machine.finalize()
