"""A stand-in for the region's platform: slow, failing, forgetful of its answers, and strict about duplicates."""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

import yaml

from tests.chaos.parts import Platform

EVENTS = ("raised", "reopened", "severity", "acknowledged", "closed", "cancelled")
FAILS, FORGETS, DAWDLES = 0.04, 0.04, 0.02  # shares of the requests


class Told(NamedTuple):
    """One accepted letter."""

    key: str
    alarm_id: str
    event: str
    phase: str


class Government:
    """Listens on loopback. `told` is what it accepted, in order; `counts` its whims; `file` is for the bridge."""

    def __init__(self, folder: Path, seed: int = 1) -> None:
        self.told: list[Told] = []
        self.counts: Counter[str] = Counter()
        self._keys: set[str] = set()
        self._chance = random.Random(f"government {seed}")
        self._lock = threading.Lock()
        government = self

        class Desk(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                government.take(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Desk)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.file = folder / "government.yaml"
        self.file.write_text(yaml.safe_dump(self._settings()), encoding="utf-8")

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def take(self, desk: BaseHTTPRequestHandler) -> None:
        body = json.loads(desk.rfile.read(int(desk.headers["Content-Length"])))
        key = desk.headers["Idempotency-Key"]
        with self._lock:
            draw = self._chance.random()
            if draw < FAILS:
                self.counts["failed"] += 1
                return _answer(desk, 503)
            fresh = key not in self._keys
            if fresh:
                self._keys.add(key)
                self.told.append(Told(key, body["alarm"], body["event"], body["phase"]))
            else:
                self.counts["duplicate refused"] += 1
            forgets = draw < FAILS + FORGETS
            self.counts["took it, answered nothing"] += forgets
        if draw > 1 - DAWDLES:
            time.sleep(1.0)
        if forgets:
            desk.close_connection = True
            return None
        return _answer(desk, 200 if fresh else 409)

    def is_still(self, platform: Platform) -> bool:
        """Whether the bridge has nothing left to tell (or there is no bridge)."""
        if "bridge" not in platform.parts:
            return True
        left = platform.rows(
            "SELECT (SELECT count(*) FROM government_pending)"
            " + (SELECT count(*) FROM government_outbox WHERE state = 'waiting')"
        )
        return left is not None and left[0][0] == 0

    def _settings(self) -> dict[str, object]:
        fields = [{"to": to, "from": of} for to, of in (("alarm", "alarm_id"), ("event", "event"), ("phase", "phase"))]
        return {
            "target": {
                "kind": "http",
                "url": f"http://127.0.0.1:{self._server.server_port}/alarms",
                "timeout_s": 5.0,
            },
            "retry": {"first_s": 0.3, "longest_s": 3.0, "give_up_attempts": 10_000, "pause_s": 0.3, "lanes": 8}
            | {"longest_pause_s": 2.0},
            "messages": [{"events": list(EVENTS), "fields": fields}],
        }


def _answer(desk: BaseHTTPRequestHandler, status: int) -> None:
    desk.send_response(status)
    desk.send_header("Content-Length", "0")
    desk.end_headers()
