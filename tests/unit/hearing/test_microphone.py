"""The microphone over fakes of sounddevice: no sound card is needed, and each fake says what it is."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from robot.errors import DeviceFault
from robot.speech.audio import CHUNK_SAMPLES, SAMPLE_RATE_HZ, AudioChunk
from robot.speech.microphone import DeviceCalls, MicrophoneSource, ReopeningSource, devices_of

pytestmark = pytest.mark.unit


class PortAudioError(Exception):
    """As sounddevice has it."""


class FakePortAudio:
    """A fake of sounddevice: `devices` maps each device to its (rate, channels); a stream delivers three blocks."""

    PortAudioError = PortAudioError

    def __init__(self, devices: dict[object, tuple[int, int]]) -> None:
        self.devices = devices
        self.opened: list[dict[str, Any]] = []
        self.closed = 0
        self.scans = 0
        self.start_error: Exception | None = None
        self.on_start: Callable[[], None] = lambda: None
        self.on_close: Callable[[], None] = lambda: None

    def query_devices(self, device: object, _kind: str) -> dict[str, Any]:
        if device not in self.devices:
            raise ValueError(f"No input device matching {device!r}")
        rate_hz, channels = self.devices[device]
        return {"default_samplerate": float(rate_hz), "max_input_channels": channels}

    def _terminate(self) -> None:
        self.scans += 1

    def _initialize(self) -> None: ...

    def RawInputStream(self, **settings: Any) -> Any:  # noqa: N802 -- the library's name
        about = self.devices.get(settings["device"])
        if about is None:
            raise PortAudioError("Error querying device -1")
        if (settings["samplerate"], settings["channels"]) != about:
            raise PortAudioError("Invalid sample rate")
        self.opened.append(settings)
        return _FakeStream(self, settings)


class _FakeStream:
    def __init__(self, audio: FakePortAudio, settings: dict[str, Any]) -> None:
        self._audio = audio
        self._settings = settings

    def start(self) -> None:
        self._audio.on_start()
        if self._audio.start_error is not None:
            raise self._audio.start_error
        for _ in range(3):
            frames = self._settings["blocksize"]
            block = np.full((frames, self._settings["channels"]), 500, np.int16)
            block[::2] = -500
            self._settings["callback"](block.tobytes(), frames, None, None)

    def abort(self) -> None:
        self._audio.on_close()

    def close(self) -> None:
        self._audio.closed += 1


@pytest.fixture
def audio(monkeypatch: pytest.MonkeyPatch) -> FakePortAudio:
    fake = FakePortAudio({None: (SAMPLE_RATE_HZ, 1)})
    monkeypatch.setitem(sys.modules, "sounddevice", fake)
    monkeypatch.setattr(MicrophoneSource, "_SILENT_DEVICE_S", 0.01)
    return fake


def test_devices_are_names_or_numbers_in_their_order() -> None:
    assert devices_of("") == [None]
    assert devices_of("ReSpeaker, 3") == ["ReSpeaker", 3]


def test_chunks_carry_the_time_of_their_first_sample(audio: FakePortAudio) -> None:
    chunk = next(MicrophoneSource(clock=lambda: 50.0).chunks())
    assert chunk.began_at_s == pytest.approx(49.9)
    assert len(chunk.samples) == CHUNK_SAMPLES


def test_no_microphone_is_a_fault_in_one_line(audio: FakePortAudio) -> None:
    audio.devices.clear()
    with pytest.raises(DeviceFault, match="default microphone") as fault:
        next(MicrophoneSource().chunks())
    assert "\n" not in str(fault.value)


def test_a_device_that_opens_and_does_not_start_is_a_fault_and_is_closed(audio: FakePortAudio) -> None:
    """The start used to be outside of what was caught: its error ended the process."""
    audio.start_error = PortAudioError("Device unavailable")
    with pytest.raises(DeviceFault, match="Device unavailable"):
        next(MicrophoneSource().chunks())
    assert audio.closed == len(audio.opened) > 0


@pytest.mark.parametrize(("rate_hz", "channels"), [(48_000, 1), (44_100, 2), (48_000, 6), (16_000, 2)])
def test_a_device_of_another_rate_or_more_channels_is_taken_as_it_is(
    audio: FakePortAudio, rate_hz: int, channels: int
) -> None:
    audio.devices = {None: (rate_hz, channels)}
    chunk = next(MicrophoneSource().chunks())
    assert len(chunk.samples) == CHUNK_SAMPLES
    assert (audio.opened[0]["samplerate"], audio.opened[0]["channels"]) == (rate_hz, channels)


def test_the_second_device_is_taken_when_the_first_is_missing(audio: FakePortAudio) -> None:
    audio.devices = {"kitchen": (SAMPLE_RATE_HZ, 1)}
    next(MicrophoneSource(["bedroom", "kitchen"]).chunks())
    assert audio.opened[0]["device"] == "kitchen"


def test_a_microphone_that_falls_silent_is_a_fault_and_is_closed(audio: FakePortAudio) -> None:
    """Silence is not evidence: a dead device must not look like a quiet room."""
    stream = MicrophoneSource().chunks()
    with pytest.raises(DeviceFault, match="delivers nothing"):
        list(stream)
    assert audio.closed == 1


def test_a_closed_microphone_ends(audio: FakePortAudio) -> None:
    source = MicrophoneSource()
    stream = source.chunks()
    next(stream)
    source.close()
    assert len(list(stream)) <= 2
    assert audio.closed == 1


def test_a_driver_that_hangs_on_closing_does_not_hang_us(audio: FakePortAudio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MicrophoneSource, "_CLOSE_LIMIT_S", 0.05)
    released = threading.Event()
    audio.on_close = lambda: released.wait(20.0) and None
    calls = DeviceCalls()
    source = MicrophoneSource(calls=calls)
    stream = source.chunks()
    next(stream)
    source.close()
    list(stream)
    assert calls.hanging_s() > 0.0
    with pytest.raises(DeviceFault, match="does not answer"):
        next(MicrophoneSource(calls=calls).chunks())  # nobody asks a driver that hangs
    released.set()


def test_a_stream_that_opens_after_we_gave_up_is_closed_again(
    audio: FakePortAudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MicrophoneSource, "_OPEN_LIMIT_S", 0.05)
    released, done = threading.Event(), threading.Event()
    audio.on_start = lambda: released.wait(20.0) and None
    audio.on_close = done.set
    calls = DeviceCalls()
    with pytest.raises(DeviceFault, match="does not answer"):
        next(MicrophoneSource(calls=calls).chunks())
    released.set()
    assert done.wait(5.0)


def test_a_call_that_ends_just_when_we_give_up_is_undone(monkeypatch: pytest.MonkeyPatch) -> None:
    released, undone = threading.Event(), threading.Event()

    class Racing(threading.Thread):
        """The call ends right after it was found to be still running."""

        def join(self, timeout: float | None = None) -> None:
            pass

        def is_alive(self) -> bool:
            released.set()
            super().join(5.0)
            return True

    calls = DeviceCalls()
    with monkeypatch.context() as patched:
        patched.setattr(threading, "Thread", Racing)
        with pytest.raises(DeviceFault, match="does not answer"):
            calls.within(1.0, lambda: released.wait(5.0), lambda _: undone.set())
    released.set()
    assert undone.wait(5.0)


def test_devices_are_looked_for_anew_only_after_a_failure(audio: FakePortAudio) -> None:
    next(MicrophoneSource().chunks())
    assert audio.scans == 0
    next(MicrophoneSource(rescan=True).chunks())
    assert audio.scans == 1


class FakeSource:
    """A fake source: `chunks` sounds, then a fault."""

    def __init__(self, sounds: int) -> None:
        self._sounds = sounds
        self.closed = False

    def chunks(self) -> Iterator[AudioChunk]:
        for _ in range(self._sounds):
            yield AudioChunk(np.zeros(CHUNK_SAMPLES, np.int16), 0.0)
        raise DeviceFault("The fake was told to fail.")

    def close(self) -> None:
        self.closed = True


def test_after_unplugging_it_goes_on_by_itself_and_asks_ever_more_slowly() -> None:
    waits: list[float] = []
    faults: list[str] = []
    sounds = [3, 0, 0, 0, 0, 0, 0, 2, 0]
    source = ReopeningSource(
        lambda attempt: FakeSource(sounds[attempt]),
        lambda closed, wait_s: (waits.append(wait_s), faults.append(source.fault), len(waits) == 9 and closed.set()),
    )
    heard = 0
    for _ in source.chunks():
        heard += 1
        assert source.fault == ""
    assert heard == 5
    assert waits == [0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0, 0.5, 1.0]
    assert all(faults)
    assert source.reopened == 9


def test_closing_ends_it_also_while_it_waits_for_a_device() -> None:
    source = ReopeningSource(lambda attempt: FakeSource(0), lambda closed, wait_s: source.close())
    assert list(source.chunks()) == []
