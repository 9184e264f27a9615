"""How many wrong claims an address may send, and all of them together."""

from __future__ import annotations

import ipaddress
from collections import deque

WINDOW_S = 900.0
PER_ADDRESS = 10
IN_ALL = 1000
ADDRESSES_KEPT = 10_000


class Attempts:
    """Counts failures over a sliding window; pure. A limit only slows a guess: 68 random bits are what stops it."""

    def __init__(self, per_address: int = PER_ADDRESS, in_all: int = IN_ALL, window_s: float = WINDOW_S) -> None:
        self._per_address, self._in_all, self._window_s = per_address, in_all, window_s
        self._by_address: dict[str, deque[float]] = {}
        self._all: deque[float] = deque()

    def wait_s(self, address: str, now_s: float) -> float:
        """Seconds until this address may try again; 0 when it may now."""
        own = self._by_address.get(network(address), deque())
        return max(self._until_free(own, self._per_address, now_s), self._until_free(self._all, self._in_all, now_s))

    def failed(self, address: str, now_s: float) -> None:
        """Note a wrong claim."""
        if len(self._by_address) >= ADDRESSES_KEPT:
            self._by_address.clear()  # the limit of all together holds on
        for times in (self._by_address.setdefault(network(address), deque()), self._all):
            times.append(now_s)

    def _until_free(self, times: deque[float], most: int, now_s: float) -> float:
        # times in the future are of a clock that was set back: they count no longer
        while times and not now_s - self._window_s < times[0] <= now_s:
            times.popleft()
        return times[-most] + self._window_s - now_s if len(times) >= most else 0.0


def network(address: str) -> str:
    """Whoever has one IPv6 address has a /64 of them."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((found, 64), strict=False))
    return address
