"""A channel's sender: a thread of its own, so that a channel that is slow or dead delays no other."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from robot.errors import LinkFault
from robot.fleet.database import Database
from robot.fleet.notify import outbox
from robot.fleet.notify.channels import ANSWERS, Channel

TURN_S = 0.5
SLACK_S = 5.0  # beyond the channel's own time limits, before somebody else may try the same message

logger = logging.getLogger(__name__)


class Sender:
    """Sends the outbox of one channel while its process leads."""

    def __init__(
        self,
        database: Database,
        name: str,
        channel: Channel,
        timeout_s: float,
        leads: Callable[[], bool],
        fence: Callable[[Session], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._name = name
        self._channel = channel
        self._hold_s = ANSWERS * timeout_s + SLACK_S
        self._leads = leads
        self._fence = fence
        self._clock = clock
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"channel-{name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End after the message under way; a sender that hangs in one is left behind with its process."""
        self._stop.set()
        self._thread.join(SLACK_S)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                busy = self._leads() and self.send_one()
            except (SQLAlchemyError, LinkFault) as error:
                logger.warning("channel %s cannot reach its outbox: %s", self._name, type(error).__name__)
                busy = False
            if not busy:
                self._stop.wait(TURN_S)

    def send_one(self) -> bool:
        """Send the next message that is due. False when there is none. Raises LinkFault when another desk leads."""
        with self._database.read() as session:
            if not outbox.is_waiting(session, self._name):
                return False
        with self._database.write() as session:
            message = outbox.claim(session, self._name, self._clock(), self._hold_s)
            self._fence(session)
        if message is None:
            return False
        fault = _attempt(self._channel, message)
        with self._database.write() as session:
            outbox.settle(session, self._name, message.id, fault, self._clock())
            self._fence(session)
        if fault is not None:
            logger.warning("channel %s: %s", self._name, fault)
        return True


def _attempt(channel: Channel, message: Any) -> str | None:
    """A constant word for what went wrong, None if nothing did."""
    try:
        channel.send(message)
    except LinkFault as error:
        return str(error)
    except Exception as error:  # a channel's mistake must not end its thread; its text might tell an address
        return type(error).__name__
    return None
