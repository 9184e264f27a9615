"""The microphone: any that works of those named, at any rate it offers, opened again when it was unplugged.

PortAudio may hang in any call when a device is pulled, so every call runs in a thread that is left behind when it
does not return; `DeviceCalls.hanging_s` says for how long, and the process that runs it decides when to end.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np

from robot.errors import DeviceFault
from robot.speech.audio import CHUNK_S, SAMPLE_RATE_HZ, AudioChunk, AudioSource
from robot.speech.front_end import Block, Conditioner

log = logging.getLogger(__name__)

Device = str | int | None
T = TypeVar("T")

_MOST_CHANNELS = 8
_USUAL_RATES_HZ = (48_000, 44_100)


def devices_of(setting: str) -> list[Device]:
    """Names or numbers parted by commas, in the order in which they are tried; empty: the system's default."""
    names = [name.strip() for name in setting.split(",") if name.strip()]
    return [int(name) if name.isdigit() else name for name in names] or [None]


class DeviceCalls:
    """Runs calls that may hang, one at a time. After one that hangs, nothing is asked until it has returned."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._hanging: threading.Thread | None = None
        self._began_s = 0.0
        self.overruns = 0
        """How often the driver or we lost sound, over all streams."""

    def hanging_s(self) -> float:
        """For how long a call has not returned; 0 when none hangs."""
        return self._clock() - self._began_s if self._hanging is not None and self._hanging.is_alive() else 0.0

    def within(self, limit_s: float, call: Callable[[], T], undo: Callable[[T], None] | None = None) -> T:
        """The result of `call`. Raises what it raises, or `DeviceFault` after `limit_s`; a result that comes after all
        goes to `undo`.
        """
        if self.hanging_s() > 0.0:
            raise DeviceFault("The microphone's driver does not answer; pull its plug and put it in again.")
        results: list[T] = []
        errors: list[Exception] = []
        lock = threading.Lock()  # a result is either returned or undone
        gave_up = False

        def run() -> None:
            try:
                result = call()
            except Exception as error:  # whatever the driver raises belongs to the caller
                errors.append(error)
                return
            with lock:
                results.append(result)
                late = gave_up
            if late and undo is not None:
                undo(result)

        self._began_s = self._clock()
        thread = threading.Thread(target=run, name="device call", daemon=True)
        thread.start()
        thread.join(limit_s)
        with lock:
            gave_up = not results and not errors
        if gave_up:
            self._hanging = thread
            raise DeviceFault("The microphone's driver does not answer; pull its plug and put it in again.")
        if errors:
            raise errors[0]
        return results[0]


class MicrophoneSource:
    """The first of `devices` that opens, through PortAudio, as mono chunks at 16 kHz.

    `chunks` raises `DeviceFault` when none opens, or when the one that did stops delivering. `rescan` looks for devices
    anew, which PortAudio does not do by itself after one was plugged in.
    """

    _SILENT_DEVICE_S = 3.0
    _OPEN_LIMIT_S = 10.0
    _CLOSE_LIMIT_S = 3.0
    _BACKLOG_BLOCKS = 100  # 10 s; older sound is dropped when nobody takes it

    def __init__(
        self,
        devices: Sequence[Device] = (None,),
        *,
        channels: int = 1,
        rescan: bool = False,
        clock: Callable[[], float] = time.time,
        calls: DeviceCalls | None = None,
    ) -> None:
        self._devices = list(devices)
        self._channels = channels
        self._rescan = rescan
        self._clock = clock
        self._calls = calls or DeviceCalls()
        self._queue: queue.Queue[tuple[Block, float] | None] = queue.Queue(self._BACKLOG_BLOCKS)
        self._closed = threading.Event()

    def chunks(self) -> Iterator[AudioChunk]:
        stream, conditioner = self._calls.within(self._OPEN_LIMIT_S, self._open, lambda opened: _end(opened[0]))
        try:
            while not self._closed.is_set():
                try:
                    item = self._queue.get(timeout=self._SILENT_DEVICE_S)
                except queue.Empty:
                    raise DeviceFault("The microphone delivers nothing; check its plug.") from None
                if item is not None:
                    yield from conditioner.take(*item)
        finally:
            self._end(stream)

    def close(self) -> None:
        self._closed.set()
        self._put(None)

    def _open(self) -> tuple[Any, Conditioner]:
        """A running stream. Raises `DeviceFault` that names what went wrong with the last device."""
        try:
            import sounddevice
        except OSError as error:  # what the package raises without PortAudio
            raise DeviceFault("PortAudio is not installed; run: sudo apt-get install -y libportaudio2") from error
        reason: Exception | None = None
        try:
            if self._rescan:
                sounddevice._terminate()  # the package's own way to look for devices anew; no stream is open here
                sounddevice._initialize()
            for device in self._devices:
                for rate_hz, channels in _formats(sounddevice, device, self._channels):
                    try:
                        return self._start(sounddevice, device, rate_hz, channels)
                    except Exception as error:  # PortAudioError, or ValueError for a device that is not there
                        reason = reason or error  # the first attempt is the one that should have worked
        except Exception as error:
            reason = error
        names = ", ".join(
            "the default microphone" if name is None else f"microphone {name!r}" for name in self._devices
        )
        raise DeviceFault(f"Cannot open {names} ({reason}); check the device and its name.") from reason

    def _start(self, sounddevice: Any, device: Device, rate_hz: int, channels: int) -> tuple[Any, Conditioner]:
        def take(data: Any, _frames: int, _time: Any, status: Any) -> None:
            self._calls.overruns += bool(status)
            self._put((np.frombuffer(bytes(data), np.int16).reshape(-1, channels), self._clock()))

        stream = sounddevice.RawInputStream(
            samplerate=rate_hz,
            blocksize=round(rate_hz * CHUNK_S),
            device=device,
            channels=channels,
            dtype="int16",
            callback=take,
        )
        try:
            stream.start()
        except Exception:
            stream.close()
            raise
        log.info("microphone open: %s Hz, %s channels", rate_hz, channels)
        return stream, Conditioner(rate_hz, channels)

    def _end(self, stream: Any) -> None:
        try:
            self._calls.within(self._CLOSE_LIMIT_S, lambda: _end(stream))
        except DeviceFault as fault:
            log.error("microphone does not close: %s", fault)

    def _put(self, item: tuple[Block, float] | None) -> None:
        while True:
            try:
                self._queue.put_nowait(item)
                return
            except queue.Full:
                self._calls.overruns += 1
                try:
                    self._queue.get_nowait()
                except queue.Empty:
                    continue


def _end(stream: Any) -> None:
    try:
        stream.abort()
        stream.close()
    except Exception as error:  # a device that was pulled cannot be stopped any more, and need not be
        log.debug("microphone could not be closed: %s", type(error).__name__)


def _formats(sounddevice: Any, device: Device, channels: int) -> list[tuple[int, int]]:
    """Rates and channels to try, the wanted ones first, then what the device says of itself."""
    try:
        about = sounddevice.query_devices(device, "input")
        own_rate_hz, own_channels = int(about["default_samplerate"]), int(about["max_input_channels"])
    except Exception:  # it will be refused on opening too, with a reason
        return [(SAMPLE_RATE_HZ, channels)]
    rates = dict.fromkeys((SAMPLE_RATE_HZ, own_rate_hz, *_USUAL_RATES_HZ))
    counts = dict.fromkeys((min(channels, own_channels), min(own_channels, _MOST_CHANNELS)))
    return [(rate_hz, count) for count in counts if count > 0 for rate_hz in rates if rate_hz > 0]


class ReopeningSource:
    """A source that goes on when the device fails: `open_source(attempt)` is asked again and again, ever more slowly.

    `fault` says what is wrong now, empty while sound comes; `reopened` counts the attempts after the first.
    """

    FIRST_WAIT_S = 0.5
    LONGEST_WAIT_S = 8.0

    def __init__(
        self,
        open_source: Callable[[int], AudioSource],
        wait: Callable[[threading.Event, float], object] = threading.Event.wait,
    ) -> None:
        self._open_source = open_source
        self._wait = wait
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._source: AudioSource | None = None
        self.fault = ""
        self.reopened = 0

    @property
    def source(self) -> AudioSource | None:
        """What is open now."""
        return self._source

    def chunks(self) -> Iterator[AudioChunk]:
        wait_s = self.FIRST_WAIT_S
        while not self._closed.is_set():
            with self._lock:
                self._source = self._open_source(self.reopened)
            if self._closed.is_set():
                self._source.close()
            try:
                for chunk in self._source.chunks():
                    self.fault, wait_s = "", self.FIRST_WAIT_S
                    yield chunk
                return
            except DeviceFault as fault:
                log.error("microphone fault: %s", fault)
                self.fault = "the microphone does not deliver"
            self._wait(self._closed, wait_s)
            wait_s = min(2.0 * wait_s, self.LONGEST_WAIT_S)
            self.reopened += 1

    def close(self) -> None:
        self._closed.set()
        with self._lock:
            if self._source is not None:
                self._source.close()
