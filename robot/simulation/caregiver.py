"""A caregiver at the platform's page, played by the scenario: the same buttons by the same forms as a person."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import httpx

from robot.errors import HaniError
from robot.fleet.database import open_database
from robot.fleet.people import Role
from robot.fleet.people.welcome import welcome
from robot.simulation.scenario import Caregiver
from robot.simulation.signing_in import sign_in

_POLL_S = 0.5


class CaregiverAtDesk:
    """`enabled` False leaves the work to a person (or a browser under test) and only waits for it.

    `platform_data` is the platform's folder: the simulation makes its caregivers there, as an administrator would.
    """

    def __init__(self, platform_url: str, platform_data: Path, *, enabled: bool) -> None:
        self._client = httpx.Client(base_url=platform_url, timeout=5.0, headers={"Origin": platform_url})
        self._data = platform_data
        self._signed_in_as: str | None = None
        self._enabled = enabled

    def close(self) -> None:
        """Leave the desk."""
        self._client.close()

    def visit(self, visit: Caregiver, stopping: threading.Event) -> bool:
        """True when the alarm has been acknowledged (or closed), by whomever."""
        began_s = time.monotonic()
        while not stopping.is_set() and time.monotonic() - began_s < visit.within_s:
            alarm = self._newest(visit)
            if alarm is not None:
                if self._is_done(alarm, visit):
                    return True
                if self._enabled and time.monotonic() - began_s >= visit.after_s and alarm["phase"] != "checking":
                    self._press(alarm["alarm_id"], visit)
            stopping.wait(_POLL_S)
        return False

    def _newest(self, visit: Caregiver) -> dict[str, str] | None:
        try:
            self._sign_in(visit.name)
            answer = self._client.get("/api/alarms").raise_for_status().json()
        except httpx.HTTPStatusError:
            self._signed_in_as = None
            return None
        except (httpx.HTTPError, HaniError, ValueError):
            return None
        meant = [row for row in answer["alarms"] if row["type"] == visit.type]
        return max(meant, key=lambda row: float(row["onset_at_s"]), default=None)

    def _sign_in(self, name: str) -> None:
        if self._signed_in_as == name:
            return
        database = open_database(self._data)
        try:
            token = welcome(database, name, Role.ADMINISTRATOR, time.time())
        finally:
            database.close()
        self._client.cookies.clear()
        sign_in(self._client, token)
        self._signed_in_as = name

    def _is_done(self, alarm: dict[str, str], visit: Caregiver) -> bool:
        done = {"acknowledged", "closed"} if visit.does == "acknowledge" else {"closed"}
        return alarm["phase"] in done

    def _press(self, alarm_id: str, visit: Caregiver) -> None:
        try:
            self._client.post(f"/alarms/{alarm_id}/{visit.does}", data={"reason": visit.reason})
        except httpx.HTTPError:
            return
