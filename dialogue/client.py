"""The client of the Rasa server on loopback."""

from __future__ import annotations

import logging
from typing import Any

import httpx

from dialogue.reply import UNKNOWN, Verdict
from dialogue.serve import DEFAULT_PORT
from robot.errors import LinkFault
from robot.messages import Language

TURNS_A_SESSION = 30
"""A turn costs more the longer the session (25 ms of CPU for turns 1-25, 129 ms for 126-150), and Rasa remembers it."""

_FIRST_RETRY_S, _LAST_RETRY_S = 1.0, 30.0
_HEALTH_TIMEOUT_S = 0.5
_log = logging.getLogger(__name__)


class RasaClient:
    """Asks Rasa; after a failure it stays away for 1 s, 2 s, ... 30 s and then looks at the server's health first.

    `timeout_s` bounds each request. `transport` replaces the network in tests.
    """

    def __init__(
        self,
        url: str = f"http://127.0.0.1:{DEFAULT_PORT}",
        *,
        sender: str = "hani",
        timeout_s: float = 1.5,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._http = httpx.Client(base_url=url, timeout=timeout_s, transport=transport, trust_env=False)
        self._sender = sender
        self._failures = 0
        self._retry_at_s = float("-inf")
        self._turns = 0

    def understand(self, text: str, language: Language, now_s: float) -> Verdict:
        """Raises `LinkFault` when Rasa is down, slow, or answers something else."""
        self._ready(now_s)
        if self._turns >= TURNS_A_SESSION:
            self._send("/session_start", language, now_s)
            self._turns = 0
        self._turns += 1
        # a text that begins with "/" would be obeyed as a command
        answers = self._send(text.lstrip("/ ").strip(), language, now_s)
        for answer in answers:
            verdict = _verdict(answer)
            if verdict:
                return verdict
        return Verdict(UNKNOWN, 0.0, "rasa", "default")

    def tell(self, event: str, now_s: float) -> None:
        """Let the conversation know what the robot said on its own: "check_in", "reminder_medicine", "bed_exit", ..."""
        self._ready(now_s)
        self._send(f"/EXTERNAL_{event}", Language.ZH, now_s)

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def _ready(self, now_s: float) -> None:
        if not self._failures:
            return
        if now_s < self._retry_at_s:
            raise LinkFault("Rasa is down; the rules answer until it is back.")
        try:
            self._http.get("/webhooks/rest/", timeout=_HEALTH_TIMEOUT_S).raise_for_status()
        except httpx.HTTPError as error:
            raise self._failed(now_s, error) from None

    def _send(self, message: str, language: Language, now_s: float) -> list[Any]:
        body = {"sender": self._sender, "message": message, "metadata": {"language": language.value}}
        try:
            response = self._http.post("/webhooks/rest/webhook", json=body)
            response.raise_for_status()
            answers = response.json()
        except (httpx.HTTPError, ValueError) as error:
            raise self._failed(now_s, error) from None
        if not isinstance(answers, list):
            raise self._failed(now_s, TypeError())
        if self._failures:
            _log.info("rasa is back")
        self._failures = 0
        return answers

    def _failed(self, now_s: float, error: Exception) -> LinkFault:
        wait_s = min(_FIRST_RETRY_S * 2**self._failures, _LAST_RETRY_S)
        if not self._failures:
            _log.warning("rasa does not answer: %s", type(error).__name__)
        self._failures += 1
        self._retry_at_s = now_s + wait_s
        return LinkFault("Rasa does not answer; the rules take over. See that its process runs.")


def _verdict(answer: object) -> Verdict | None:
    custom = answer.get("custom") if isinstance(answer, dict) else None
    if not isinstance(custom, dict):
        return None
    purpose, intent = custom.get("purpose"), custom.get("intent")
    try:
        confidence = float(custom.get("confidence", ""))
    except (TypeError, ValueError):
        return None
    if not isinstance(purpose, str) or not isinstance(intent, str):
        return None
    return Verdict(intent, min(max(confidence, 0.0), 1.0), "rasa", purpose)
