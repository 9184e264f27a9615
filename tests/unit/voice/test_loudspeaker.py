"""The simulated room can be read at any moment and stays small; a device's faults are one line."""

from __future__ import annotations

import json
import sys
import threading
import types
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from robot.errors import DeviceFault
from robot.messages import Language, Say, Urgency
from robot.speech import wav_files
from robot.speech.loudspeaker import RoomPlayer, SoundDevicePlayer
from robot.speech.wav_files import Sound

pytestmark = pytest.mark.unit

SAY = Say("id-1", "您还好吗？", Language.ZH, Urgency.SAFETY, "check_in")


@pytest.fixture
def wav(tmp_path: Path) -> Path:
    path = tmp_path / "voice.wav"
    wav_files.write(path, Sound(array("h", [0, 8000, 0, -8000] * 1102), 22050))  # 0.2 s
    return path


def nothing() -> None:
    """Nobody waits for the first audio."""


def test_the_room_keeps_the_sound_and_says_what_it_is_but_not_the_words(tmp_path: Path, wav: Path) -> None:
    room = RoomPlayer(tmp_path / "room", clock=lambda: 1000.5)
    assert room.play(wav, SAY, nothing, threading.Event())
    text = (tmp_path / "room" / "index.jsonl").read_text(encoding="utf-8")
    assert SAY.text not in text
    entry = json.loads(text)
    sound = wav_files.read(tmp_path / "room" / entry.pop("wav"))
    assert sound.rate_hz == 16_000
    assert entry == {
        "at_s": 1000.5,
        "say_id": "id-1",
        "purpose": "check_in",
        "urgency": "safety",
        "language": "zh",
        "duration_s": pytest.approx(0.2, abs=0.01),
    }


def test_the_wav_is_complete_before_its_line_and_before_the_start_is_told(tmp_path: Path, wav: Path) -> None:
    room = RoomPlayer(tmp_path / "room")
    seen: list[float] = []

    def started() -> None:
        entry = json.loads((tmp_path / "room" / "index.jsonl").read_text())
        seen.append(wav_files.read(tmp_path / "room" / entry["wav"]).duration_s)

    room.play(wav, SAY, started, threading.Event())
    assert seen == [pytest.approx(0.2, abs=0.01)]


def test_a_text_that_is_stopped_did_not_end(tmp_path: Path, wav: Path) -> None:
    stop = threading.Event()
    assert not RoomPlayer(tmp_path / "room").play(wav, SAY, stop.set, stop)


def test_the_room_drops_old_texts_also_over_a_restart(tmp_path: Path) -> None:
    short = tmp_path / "short.wav"
    wav_files.write(short, Sound(array("h", [8000] * 16), 16_000))
    folder = tmp_path / "room"
    times = iter(range(1000))
    for _ in range(3):
        room = RoomPlayer(folder, kept=3, clock=lambda: float(next(times)))
        for _ in range(5):
            room.play(short, SAY, nothing, threading.Event())
    entries = [json.loads(line) for line in (folder / "index.jsonl").read_text().splitlines()]
    assert 3 <= len(entries) <= 6
    assert entries[-1]["at_s"] == 14.0
    assert {entry["wav"] for entry in entries} == {path.name for path in folder.glob("*.wav")}


def test_two_texts_in_one_millisecond_are_both_kept(tmp_path: Path, wav: Path) -> None:
    room = RoomPlayer(tmp_path / "room", clock=lambda: 1.0)
    for name in ("a", "b"):
        room.play(wav, Say(name, "t", Language.ZH, Urgency.SAFETY, "p"), nothing, threading.Event())
    assert len(list((tmp_path / "room").glob("*.wav"))) == 2


def test_a_room_that_cannot_be_made_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DeviceFault, match="room"):
        RoomPlayer(tmp_path / "file" / "room")


class FakeStream:
    """A fake sound device, not PortAudio: keeps what is written."""

    def __init__(self, **options: Any) -> None:
        self.options = options
        self.written = b""
        self.aborted = False
        STREAMS.append(self)

    def __enter__(self) -> FakeStream:
        return self

    def __exit__(self, *_: object) -> None:
        """Closed."""

    def write(self, data: bytes) -> None:
        self.written += data

    def stop(self) -> None:
        """Played to the end."""

    def abort(self) -> None:
        self.aborted = True


STREAMS: list[FakeStream] = []


class FakePortAudioError(Exception):
    """The fake device's error."""


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Iterator[types.SimpleNamespace]:
    STREAMS.clear()
    fake = types.SimpleNamespace(
        PortAudioError=FakePortAudioError,
        RawOutputStream=FakeStream,
        check_output_settings=lambda *_, **__: None,
        query_devices=lambda *_: {"default_samplerate": 48000.0},
    )
    monkeypatch.setitem(sys.modules, "sounddevice", fake)
    return fake


def test_the_loudspeaker_gets_every_sample(device: types.SimpleNamespace, wav: Path) -> None:
    starts: list[bool] = []
    assert SoundDevicePlayer("3").play(wav, SAY, lambda: starts.append(True), threading.Event())
    assert STREAMS[0].written == wav_files.read(wav).samples.tobytes()
    assert STREAMS[0].options["device"] == 3
    assert starts == [True]


def test_a_stop_aborts_the_device_after_the_block_under_way(device: types.SimpleNamespace, wav: Path) -> None:
    stop = threading.Event()
    assert not SoundDevicePlayer().play(wav, SAY, stop.set, stop)
    assert STREAMS[0].aborted
    assert 0 < len(STREAMS[0].written) < 22050 * 2 * 0.05


def test_a_device_that_refuses_the_rate_gets_its_own(device: types.SimpleNamespace, wav: Path) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise FakePortAudioError

    device.check_output_settings = refuse
    SoundDevicePlayer().play(wav, SAY, nothing, threading.Event())
    assert STREAMS[0].options["samplerate"] == 48000
    assert len(STREAMS[0].written) == pytest.approx(48000 * 2 * 0.2, rel=0.02)


def test_a_missing_loudspeaker_is_one_line(device: types.SimpleNamespace, wav: Path) -> None:
    def missing(**_: object) -> None:
        raise FakePortAudioError("Error querying device -1")

    device.RawOutputStream = missing
    with pytest.raises(DeviceFault, match="loudspeaker"):
        SoundDevicePlayer().play(wav, SAY, nothing, threading.Event())
