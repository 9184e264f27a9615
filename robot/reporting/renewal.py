"""Renews the robot's identity, once a day in a thread of its own: no certificate runs out in a robot that runs."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from pathlib import Path

from robot.errors import BadConfiguration, HaniError, LinkFault
from robot.reporting.enrol import identity_in, renew_if_due

EVERY_S = 86_400.0
RETRY_S = 3600.0
FIRST_S = 300.0  # a fleet that got its power back does not ask all at once: within five minutes
PATIENCE_S = 7 * 86_400.0  # a third of the certificate's year is left then; a week without the platform is no fault yet

log = logging.getLogger(__name__)


def renewals_of(certificate: str, device: str) -> Renewals | None:
    """For an identity that robot.reporting.enrol made; certificates of elsewhere (None) are renewed elsewhere.

    Raises BadConfiguration when it is another robot's: the broker would take its alarms and deliver none.
    """
    folder = Path(certificate).parent
    if not certificate or not (folder / "identity.json").is_file():
        return None
    owner = identity_in(folder).device
    if owner != device:
        raise BadConfiguration(
            f"robot_id is {device}, but the certificate in {folder} is {owner}'s: set robot_id: {owner}"
        )
    return Renewals(folder)


class Renewals:
    """`start` once; `fault` says in one line why the identity is not renewed, empty while all is well.

    Whoever uses robot.pem watches the file: it is replaced in one step.
    """

    def __init__(
        self,
        folder: Path,
        renew: Callable[[Path, float], bool] = renew_if_due,
        clock: Callable[[], float] = time.time,
        first_s: float | None = None,
    ) -> None:
        self._folder, self._renew, self._clock = folder, renew, clock
        self._first_s = random.uniform(0, FIRST_S) if first_s is None else first_s
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._failing_since_s: float | None = None
        self.fault = ""

    def start(self) -> None:
        self._stop.clear()
        self._thread = threading.Thread(target=self._work, name="renewals", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Does not wait for a call under way: what it interrupts goes on at the next start."""
        self._stop.set()

    def turn(self) -> float:
        """Ask once; returns the seconds until the next time."""
        now_s = self._clock()
        try:
            self._renew(self._folder, now_s)
        except HaniError as error:
            since_s = self._failing_since_s = now_s if self._failing_since_s is None else self._failing_since_s
            waits = isinstance(error, LinkFault) and now_s - since_s < PATIENCE_S
            self.fault = "" if waits else f"the identity is not renewed: {error}"
            log.warning("the identity is not renewed: %s", error)
            return RETRY_S
        except Exception:
            # the thread would end with it, and the certificate run out unnoticed
            log.exception("the identity is not renewed")
            self.fault = "the identity is not renewed: see the log"
            return RETRY_S
        self._failing_since_s, self.fault = None, ""
        return EVERY_S

    def _work(self) -> None:
        wait_s = self._first_s
        while not self._stop.wait(wait_s):
            wait_s = self.turn()
