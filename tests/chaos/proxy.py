"""A network that misbehaves: a TCP proxy before the broker, in a thread of its own.

open    everything passes; with `noise`, some PUBLISH packets going up are doubled, overtaken, or come again later
cut     connections break and new ones are refused
stall   connections stand, nothing passes, nothing is lost
mute    what goes up is swallowed; connections break when the network is healed
deaf    what comes down is swallowed; the same
half    connections are closed towards the robot only, as a dying router leaves them
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import threading
from collections import Counter, deque
from collections.abc import Callable
from typing import Literal

from robot.simulation.fleet import wire

Mode = Literal["open", "cut", "stall", "mute", "deaf", "half"]
BROKEN: tuple[Mode, ...] = ("cut", "stall", "mute", "deaf", "half")
REMEMBERED = 200  # packets that may come again
PATIENCE_S = 60.0


class Network:
    """Listens on `port` (a free one) and passes on to `target`. `set` and `noise` are for any thread."""

    def __init__(self, seed: int, noise: float = 0.0, target: int = 0) -> None:
        self.noise = noise  # share of the packets to which something happens
        self.counts: Counter[str] = Counter()
        self.port = 0
        self.target, self._mode = target, "open"
        self._chance = random.Random(f"network {seed}")
        self._loop = asyncio.new_event_loop()
        self._pairs: set[Pair] = set()
        self._changed = asyncio.Event()
        self._old: deque[bytes] = deque(maxlen=REMEMBERED)
        ready = threading.Event()
        self._thread = threading.Thread(target=self._work, args=(ready,), daemon=True)
        self._thread.start()
        if not ready.wait(PATIENCE_S):
            raise RuntimeError("the network does not come up")

    @property
    def mode(self) -> str:
        return self._mode

    def set(self, mode: Mode) -> None:
        asyncio.run_coroutine_threadsafe(self._set(mode), self._loop).result(PATIENCE_S)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE_S)

    def _work(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._came, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        self._loop.run_forever()
        server.close()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        for pair in list(self._pairs):
            pair.abort()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    async def _set(self, mode: Mode) -> None:
        before, self._mode = self._mode, mode
        self._changed.set()
        self._changed = asyncio.Event()
        if mode in ("cut", "half") or before in ("mute", "deaf"):
            for pair in list(self._pairs):
                if mode == "half":
                    pair.half_close()
                else:
                    pair.abort()

    async def _came(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._mode in ("cut", "half"):
            writer.transport.abort()
            return
        try:
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        pair = Pair(writer, up_writer)
        self._pairs.add(pair)
        try:
            await asyncio.wait(
                [
                    asyncio.ensure_future(self._pass(reader, up_writer, "mute", Mixer(self))),
                    asyncio.ensure_future(self._pass(up_reader, writer, "deaf", None)),
                ],
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            self._pairs.discard(pair)
            pair.abort()

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, swallow: Mode, mixer: Mixer | None
    ) -> None:
        with contextlib.suppress(OSError, RuntimeError):  # RuntimeError: half of it was closed meanwhile
            while data := await reader.read(65_536):
                while self._mode == "stall":
                    await self._changed.wait()
                if self._mode == swallow:
                    continue
                writer.write(mixer.mix(data) if mixer else data)
                await writer.drain()

    def chance(self) -> float:
        return self._chance.random()

    def remember(self, packet: bytes) -> None:
        self._old.append(packet)

    def recall(self) -> bytes | None:
        return self._chance.choice(self._old) if self._old else None


class Pair:
    """The two connections of one client."""

    def __init__(self, client: asyncio.StreamWriter, broker: asyncio.StreamWriter) -> None:
        self._client, self._broker = client, broker

    def abort(self) -> None:
        self._client.transport.abort()
        self._broker.transport.abort()

    def half_close(self) -> None:
        with contextlib.suppress(OSError):
            self._client.write_eof()


class Mixer:
    """Doubles, swaps and repeats whole PUBLISH packets of QoS 1 on one connection; everything else passes untouched.

    A repeated packet carries its old packet id, so the robot may get a PUBACK for a message that the broker never had:
    exactly what the contract's own acknowledgement must make harmless.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self._rest = b""
        self._held = b""
        self._act: dict[str, Callable[[bytes], bytes]] = {
            "doubled": lambda packet: packet + packet,
            "overtaken": self._hold,
            "came again": lambda packet: packet + (network.recall() or b""),
        }

    def mix(self, data: bytes) -> bytes:
        packets, rest = wire.split(self._rest + data)
        self._rest = rest
        return b"".join(self._one(packet) for packet in packets)

    def _one(self, packet: wire.Packet) -> bytes:
        whole = wire.whole(packet)
        if packet.type != wire.PUBLISH or not packet.flags & 0x06:
            return whole
        network = self._network
        held, self._held = self._held, b""
        if network.noise and network.chance() < network.noise:
            name = ("doubled", "overtaken", "came again")[int(network.chance() * 3)]
            network.counts[name] += 1
            out = self._act[name](whole)
        else:
            out = whole
        network.remember(whole)
        return out + held

    def _hold(self, packet: bytes) -> bytes:
        """Let the next one pass first. If none comes, it is lost with the connection, as on a real network."""
        self._held = packet
        return b""
