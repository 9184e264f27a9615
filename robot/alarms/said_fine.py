"""Where somebody lay who answered "I am fine": whoever sleeps there is not asked again for each new track."""

from __future__ import annotations

from robot.alarms.case import Case, elapsed_s
from robot.alarms.fusion import LYING
from robot.messages import FallEvent, Zone

AGAIN = 2  # so many times as long from the second time in a row on: who exercises, or plays, said it twice; chosen
_REMEMBERED = 50  # falls of which the zone is known; more than are ever open together


class SaidFine:
    """In memory only: after a restart nobody has said anything, and is asked."""

    def __init__(self, holds_s: float, lately_s: float) -> None:
        self._holds_s = holds_s
        self._lately_s = lately_s
        self._latest_s: float | None = None
        self._times = 1
        self._zones: dict[str, Zone | None] = {}
        self._said_at_s: dict[Zone | None, float] = {}

    def followed(self, event: FallEvent) -> None:
        """This event opened or joined an alarm."""
        if event.reason in LYING:
            self._zones[event.id] = event.zone
            while len(self._zones) > _REMEMBERED:
                del self._zones[next(iter(self._zones))]

    def answered(self, case: Case, spoke_at_s: float) -> None:
        """FINE ended this case. Counts for a zone only if all of its evidence was somebody lying."""
        # merely lying is asked about again only once the first time is over: that answer is in a row with it
        in_a_row = self._latest_s is not None and elapsed_s(self._latest_s, spoke_at_s) < AGAIN * self._lately_s
        self._times = AGAIN if in_a_row else 1
        self._latest_s = spoke_at_s
        if all(source in self._zones for source in case.source_ids):
            self._said_at_s.update({self._zones[source]: spoke_at_s for source in case.source_ids})

    def forget(self) -> None:
        """Somebody got up: who lies anywhere from now on has said nothing yet."""
        self._said_at_s.clear()

    def lately(self, now_s: float) -> bool:
        """Whether it was said a moment ago, of whatever was asked and whoever got up since."""
        return self._latest_s is not None and elapsed_s(self._latest_s, now_s) < self._lately_s * self._times

    @property
    def times(self) -> int:
        """How much longer is waited than after it was said once."""
        return self._times

    def since(self, zone: Zone | None, now_s: float) -> float | None:
        """When it was said of who lies there, while that still holds."""
        said_at_s = self._said_at_s.get(zone)
        return said_at_s if said_at_s is not None and elapsed_s(said_at_s, now_s) < self._holds_s else None
