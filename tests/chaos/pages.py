"""A person before the platform's pages: signs in, follows the live feed, answers alarms. All over HTTP."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx

from tests.chaos.parts import ROOT, Platform, environment, exists

_CSRF = re.compile(r'name="csrf" value="([^"]+)"')
_ALARM = re.compile(r"alarm-([0-9a-f-]{36})")


class Person:
    """An administrator with a session. Requests that fail raise httpx.HTTPError."""

    def __init__(self, platform: Platform, name: str, role: str = "administrator") -> None:
        self.url = f"http://127.0.0.1:{platform.page_port}"
        self._client = httpx.Client(base_url=self.url, headers={"Origin": self.url}, timeout=30.0)
        self._csrf = ""
        self.shown = name
        self._platform = platform
        if exists("robot.fleet.people"):
            _people(platform, "add", name, "--role", role)
            self.sign_in()

    def sign_in(self) -> None:
        """By a link; again after a clock that jumped hours ahead has ended the session."""
        link = _people(self._platform, "login-link", self.shown, "--url", self.url).strip()
        page = self._client.get(link)
        answer = self._client.post(link, data={"csrf": _csrf(page.text)})
        if answer.status_code != 303:
            raise RuntimeError(f"signing in by link was answered {answer.status_code}")
        self._csrf = _csrf(self._get("/me").text)

    def close(self) -> None:
        self._client.close()

    def alarms(self) -> list[dict[str, Any]]:
        """What the page lists: all open alarms and the newest ended ones."""
        answer = self._client.get("/api/alarms")
        if answer.status_code == 401:
            self.sign_in()
        found: list[dict[str, Any]] = self._get("/api/alarms").json()["alarms"]
        return found

    def acknowledge(self, alarm_id: str) -> bool:
        return self._post(f"/alarms/{alarm_id}/acknowledge")

    def end(self, alarm_id: str) -> bool:
        return self._post(f"/alarms/{alarm_id}/close")

    def well(self) -> bool:
        with contextlib.suppress(httpx.HTTPError):
            return self._client.get("/healthz").status_code == 200
        return False

    def follow(self, seen: Callable[[str, float], None], stop: threading.Event) -> None:
        """Read the live feed until `stop`: `seen` is told each alarm's id and the moment (Unix seconds) it came."""
        timeout = httpx.Timeout(10.0, read=15.0)
        while not stop.is_set():
            with (
                contextlib.suppress(httpx.HTTPError),
                self._client.stream("GET", "/events", timeout=timeout) as answer,
            ):
                event = ""
                for line in answer.iter_lines():
                    if stop.is_set():
                        return
                    if line.startswith("event:"):
                        event = line[6:].strip()
                    elif event == "alarm" and (found := _ALARM.search(line)):
                        seen(found.group(1), time.time())
                        event = ""

    def _get(self, path: str) -> httpx.Response:
        answer = self._client.get(path)
        answer.raise_for_status()
        return answer

    def _post(self, path: str) -> bool:
        """Whether the platform took it."""
        form = {"csrf": self._csrf, "name": self.shown, "reason": "helped"}
        answer = self._client.post(path, data=form)
        return answer.status_code in (200, 303) and not answer.headers.get("location", "").startswith("/login")


def _csrf(page: str) -> str:
    found = _CSRF.search(page)
    return found.group(1) if found else ""


def _people(platform: Platform, *arguments: str) -> str:
    data = ["--data", str(platform.data / "fleet"), "--database-url", platform.url]
    command = [sys.executable, "-m", "robot.fleet.people", *data, *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False, timeout=120
    )
    if done.returncode != 0:
        raise RuntimeError(f"robot.fleet.people {arguments[0]}: {done.stderr.strip()[-300:]}")
    return done.stdout
