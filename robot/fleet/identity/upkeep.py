"""What the enrolment service does unasked, once a minute: work off what is owed to the broker, renew what is due.

Due are the platform's own certificates at two thirds of their life. The broker reads its own again when it is told,
this service does here, and ingest at its next connection.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from robot.errors import LinkFault
from robot.fleet.database import Database
from robot.fleet.identity import broker_link, commands
from robot.fleet.identity.authority import Authority, Layout
from robot.locks import exclusive

EVERY_S = 60.0

logger = logging.getLogger(__name__)


class Upkeep:
    """`start` once, `stop` at the end. `reload` is called when this service's own certificate is another one."""

    def __init__(
        self,
        database: Database,
        authority: Authority,
        layout: Layout,
        reload: Callable[[], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database, self._authority, self._layout = database, authority, layout
        self._reload, self._clock = reload, clock
        self._pair = layout.server.read_bytes()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="upkeep", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(broker_link.PATIENCE_S)

    def turn(self) -> None:
        """One round; nothing that fails ends the rounds."""
        for step in (self._renew, self._enforce):
            try:
                step()
            except (LinkFault, OSError) as error:
                logger.error("the platform's identity is behind and is tried again: %s", error)
            except Exception:
                # the thread would end with it, and a stolen robot stay in
                logger.exception("the platform's identity is behind and is tried again")

    def _renew(self) -> None:
        with exclusive(self._layout.folder / "init.lock"):
            commands.renew_due(commands.Office(self._database, self._authority, self._layout, "", self._clock()))
        pair = self._layout.server.read_bytes()
        if pair != self._pair:
            self._reload()
            self._pair = pair

    def _enforce(self) -> None:
        now_s = self._clock()
        if broker_link.owed(self._database, self._layout, now_s):
            broker_link.enforce(self._database, self._authority, self._layout, now_s)

    def _work(self) -> None:
        self.turn()
        while not self._stop.wait(EVERY_S):
            self.turn()
