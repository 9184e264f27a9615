"""A caregiver at the platform's page, played by the scenario: the same buttons by the same forms as a person."""

from __future__ import annotations

import threading
import time

import httpx

from robot.simulation.scenario import Caregiver

_POLL_S = 0.5


class CaregiverAtDesk:
    """`enabled` False leaves the work to a person (or a browser under test) and only waits for it."""

    def __init__(self, platform_url: str, *, enabled: bool) -> None:
        self._client = httpx.Client(base_url=platform_url, timeout=5.0, headers={"Origin": platform_url})
        self._enabled = enabled

    def visit(self, visit: Caregiver, stopping: threading.Event) -> bool:
        """True when the alarm has been acknowledged (or closed), by whomever."""
        began_s = time.monotonic()
        while not stopping.is_set() and time.monotonic() - began_s < visit.within_s:
            alarm = self._newest_fall()
            if alarm is not None:
                if self._is_done(alarm, visit):
                    return True
                if self._enabled and time.monotonic() - began_s >= visit.after_s and alarm["phase"] != "checking":
                    self._press(alarm["alarm_id"], visit)
            stopping.wait(_POLL_S)
        return False

    def _newest_fall(self) -> dict[str, str] | None:
        try:
            answer = self._client.get("/api/alarms").raise_for_status().json()
        except (httpx.HTTPError, ValueError):
            return None
        falls = [row for row in answer["alarms"] if row["type"] == "fall"]
        return max(falls, key=lambda row: float(row["onset_at_s"]), default=None)

    def _is_done(self, alarm: dict[str, str], visit: Caregiver) -> bool:
        done = {"acknowledged", "closed"} if visit.does == "acknowledge" else {"closed"}
        return alarm["phase"] in done

    def _press(self, alarm_id: str, visit: Caregiver) -> None:
        form = {"name": visit.name, "reason": visit.reason}
        try:
            self._client.post(f"/alarms/{alarm_id}/{visit.does}", data=form)
        except httpx.HTTPError:
            return
