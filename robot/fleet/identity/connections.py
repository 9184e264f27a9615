"""A robot asks one thing and hangs up: what lasts longer, or comes too often from one address, is somebody else."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

from robot.fleet.identity.attempts import network

LASTS_S = 15.0  # robots give up after 10
PER_ADDRESS = 32  # at once; behind one address may be a whole home
IN_ALL = 1000


class Brief(H11Protocol):
    """uvicorn's protocol for connections that end after LASTS_S, whatever is or is not said on them.

    It begins after the TLS handshake, which asyncio gives a minute.
    """

    _end: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        super().connection_made(transport)
        mates = sum(_network(one) == _network(self) for one in self.connections)
        if mates > PER_ADDRESS:
            transport.abort()
            return
        self._end = self.loop.call_later(LASTS_S, transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._end is not None:
            self._end.cancel()
        super().connection_lost(exc)


def _network(connection: object) -> str:
    client = getattr(connection, "client", None)
    return network(client[0]) if client else ""
