from __future__ import annotations

import sys
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import soundfile

from robot.errors import BadInput, DeviceFault
from robot.speech.audio import (
    CHUNK_S,
    CHUNK_SAMPLES,
    SAMPLE_RATE_HZ,
    AudioChunk,
    FileSource,
    MicrophoneSource,
    RoomSource,
    load_clip,
)

pytestmark = pytest.mark.unit


class Time:
    """A clock that only moves when somebody sleeps."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.slept_s: list[float] = []

    def clock(self) -> float:
        return self.now_s

    def sleep(self, duration_s: float) -> None:
        self.slept_s.append(duration_s)
        self.now_s += duration_s


def tone(path: Path, rate_hz: int = SAMPLE_RATE_HZ, length_s: float = 1.0, channels: int = 1) -> Path:
    wave = 0.5 * np.sin(2 * np.pi * 440.0 * np.arange(round(rate_hz * length_s)) / rate_hz)
    soundfile.write(path, np.repeat(wave[:, None], channels, axis=1), rate_hz)
    return path


@pytest.mark.parametrize(
    ("name", "rate_hz", "channels"),
    [("a.wav", 16_000, 1), ("a.flac", 44_100, 2), ("a.ogg", 48_000, 1), ("a.mp3", 22_050, 1), ("b.wav", 8_000, 2)],
)
def test_any_common_file_becomes_mono_at_16_khz(tmp_path: Path, name: str, rate_hz: int, channels: int) -> None:
    clip = load_clip(tone(tmp_path / name, rate_hz, channels=channels))
    assert clip.dtype == np.int16
    assert len(clip) == pytest.approx(SAMPLE_RATE_HZ, rel=0.1)  # mp3 pads its ends
    spectrum = np.abs(np.fft.rfft(clip[2000:12000].astype(float)))
    assert np.argmax(spectrum) * SAMPLE_RATE_HZ / 10_000 == pytest.approx(440.0, abs=2.0)


@pytest.mark.parametrize("content", [None, b"", b"RIFF....WAVEfmt rubbish", b"not sound at all" * 50])
def test_a_missing_or_broken_file_is_named_in_one_line(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "voice.wav"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadInput, match=r"voice\.wav") as refusal:
        load_clip(path)
    assert "\n" not in str(refusal.value)


def test_a_file_is_heard_whole_in_order_with_its_silence(tmp_path: Path) -> None:
    path = tone(tmp_path / "a.wav", length_s=0.55)
    chunks = list(FileSource(path, start_at_s=50.0, tail_s=0.5).chunks())
    assert np.array_equal(np.concatenate([c.samples for c in chunks])[:8800], load_clip(path))
    assert [round(c.began_at_s, 6) for c in chunks] == [round(50.0 + n * CHUNK_S, 6) for n in range(11)]
    assert not chunks[-1].samples.any()


def test_a_closed_file_ends_at_once(tmp_path: Path) -> None:
    source = FileSource(tone(tmp_path / "a.wav"))
    stream = source.chunks()
    next(stream)
    source.close()
    assert list(stream) == []


def heard_in(room: RoomSource, chunks: int) -> list[AudioChunk]:
    return list(islice(room.chunks(), chunks))


def test_the_room_is_quiet_and_runs_at_the_pace_of_the_clock() -> None:
    time = Time()
    chunks = heard_in(RoomSource(time.clock, time.sleep), 20)
    assert time.now_s == pytest.approx(1002.0)
    assert chunks[3].began_at_s == pytest.approx(1000.3)
    assert 5.0 < np.concatenate([c.samples for c in chunks]).std() < 50.0


@pytest.mark.parametrize("offset_s", [-0.45, 0.0, 0.234])
def test_a_clip_sounds_at_its_time_and_a_late_listener_hears_the_rest(tmp_path: Path, offset_s: float) -> None:
    time = Time()
    room = RoomSource(time.clock, time.sleep)
    path = tone(tmp_path / "a.wav")
    assert room.play(path, 1000.0 + offset_s) == pytest.approx(1001.0 + offset_s)
    sound = np.concatenate([c.samples for c in heard_in(room, 20)]).astype(float)
    first = round(offset_s * SAMPLE_RATE_HZ)
    expected = np.zeros(20 * CHUNK_SAMPLES)
    clip = load_clip(path)[max(-first, 0) :]
    expected[max(first, 0) : max(first, 0) + len(clip)] = clip
    assert np.abs(sound - expected).max() < 100.0  # only the room's noise is between them


def test_clips_add_up_and_loud_ones_are_clipped_not_wrapped(tmp_path: Path) -> None:
    time = Time()
    room = RoomSource(time.clock, time.sleep)
    for _ in range(4):
        room.play(tone(tmp_path / "a.wav"), 1000.0)
    sound = heard_in(room, 5)[2].samples
    assert sound.max() == 32_767
    assert sound.min() == -32_768


def test_a_listener_that_hung_goes_on_with_the_present() -> None:
    time = Time()
    stream = RoomSource(time.clock, time.sleep).chunks()
    next(stream)
    time.now_s += 60.0
    assert next(stream).ended_at_s == pytest.approx(time.now_s)


def test_a_closed_room_ends() -> None:
    time = Time()
    room = RoomSource(time.clock, time.sleep)
    stream = room.chunks()
    next(stream)
    room.close()
    assert list(stream) == []


class PortAudioError(Exception):
    pass


class BrokenPortAudio:
    """A fake of sounddevice without any device."""

    @staticmethod
    def RawInputStream(**settings: object) -> object:  # noqa: N802 -- the library's name
        raise PortAudioError("Error querying device -1")


class OneShotStream:
    """A fake of a stream: delivers one block when it is opened, then nothing."""

    def __init__(self, **settings: object) -> None:
        self._take = settings["callback"]

    def __enter__(self) -> None:
        self._take(np.arange(CHUNK_SAMPLES, dtype=np.int16).tobytes(), CHUNK_SAMPLES, None, None)  # type: ignore[operator]

    def __exit__(self, *_: object) -> None: ...


class OneShotPortAudio:
    RawInputStream = OneShotStream


def test_no_microphone_is_a_fault_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", BrokenPortAudio)
    with pytest.raises(DeviceFault, match="default microphone"):
        next(MicrophoneSource().chunks())


def test_a_microphone_that_falls_silent_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence is not evidence: a dead device must not look like a quiet room."""
    monkeypatch.setitem(sys.modules, "sounddevice", OneShotPortAudio)
    monkeypatch.setattr(MicrophoneSource, "_SILENT_DEVICE_S", 0.01)
    stream = MicrophoneSource(clock=lambda: 50.0).chunks()
    chunk = next(stream)
    assert chunk.began_at_s == pytest.approx(49.9)
    assert np.array_equal(chunk.samples, np.arange(CHUNK_SAMPLES))
    with pytest.raises(DeviceFault, match="delivers nothing"):
        next(stream)


def test_a_closed_microphone_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", OneShotPortAudio)
    source = MicrophoneSource()
    stream = source.chunks()
    next(stream)
    source.close()
    assert list(stream) == []
