"""Each robot's share of an ingest worker: one that sends without end must not delay the others. Pure."""

from __future__ import annotations

from dataclasses import dataclass

ROBOTS_REMEMBERED = 20_000


@dataclass(frozen=True, slots=True)
class Share:
    """So many messages at once, and so many a second from then on."""

    burst: int
    per_s: float


class Shares:
    """A bucket of tokens for each robot. Times are monotonic seconds."""

    def __init__(self, share: Share) -> None:
        self.exceeded = 0  # how many messages were above their robot's share
        self._share = share
        self._buckets: dict[str, tuple[float, float]] = {}  # tokens left, and when
        self._sweep_at = ROBOTS_REMEMBERED

    def admits(self, device: str, now_s: float) -> bool:
        """Whether this robot's next message is within its share, which it then takes from it."""
        if len(self._buckets) >= self._sweep_at:
            self._forget_the_quiet(now_s)
        left = self._left(device, now_s)
        admitted = left >= 1
        self._buckets[device] = (left - admitted, now_s)
        self.exceeded += not admitted
        return admitted

    def _left(self, device: str, now_s: float) -> float:
        left, at_s = self._buckets.get(device, (float(self._share.burst), now_s))
        return min(float(self._share.burst), left + (now_s - at_s) * self._share.per_s)

    def _forget_the_quiet(self, now_s: float) -> None:
        full = self._share.burst
        self._buckets = {name: kept for name, kept in self._buckets.items() if self._left(name, now_s) < full}
        self._sweep_at = max(ROBOTS_REMEMBERED, 2 * len(self._buckets))
