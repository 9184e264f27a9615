"""Where the voice comes out: a sound device, or the simulated room."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import threading
import time
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from robot.errors import DeviceFault, HaniError, MissingPart
from robot.messages import Say
from robot.speech import wav_files
from robot.speech.wav_files import Sound

log = logging.getLogger(__name__)

_BLOCK_S = 0.04  # a stop is seen between blocks: with the device's buffer well below the 200 ms that barge-in may take

REFERENCE = Path("voice", "now.wav")
"""In the robot's folder: what the loudspeaker plays, for the ear that has to take it out of what it hears."""

Started = Callable[[], None]


class Player(Protocol):
    """Plays one wav at a time."""

    def play(self, wav: Path, say: Say, started: Started, stop: threading.Event) -> bool:
        """Play `wav`, which holds `say`; blocks until its end (True) or until `stop` is set (False, within 200 ms).

        Calls `started` at the first audio. Raises DeviceFault or MissingPart.
        """
        ...

    def close(self) -> None: ...


class SoundDevicePlayer:
    """The loudspeaker `device` (number or part of its name; empty: the system's default), through PortAudio.

    `reference` is the file where the sound lies while it is played.
    """

    def __init__(self, device: str = "", reference: Path | None = None) -> None:
        self._device: int | str | None = int(device) if device.isdigit() else device or None
        self._reference = reference

    def play(self, wav: Path, say: Say, started: Started, stop: threading.Event) -> bool:
        del say  # the device needs only the sound
        sounddevice = _sounddevice()
        sound = wav_files.read(wav)
        self._leave_reference(sound)
        try:
            sound = self._at_a_rate_of_the_device(sounddevice, sound)
            stream = sounddevice.RawOutputStream(
                samplerate=sound.rate_hz, channels=1, dtype="int16", device=self._device, latency="low"
            )
            with stream:
                return _write(stream, sound, started, stop)
        except (sounddevice.PortAudioError, ValueError) as error:
            raise DeviceFault(f"the loudspeaker does not play ({error}); check its plug and its name") from error

    def close(self) -> None:
        """Nothing stays open between two texts."""

    def _leave_reference(self, sound: Sound) -> None:
        if self._reference is None:
            return
        fresh = self._reference.with_suffix(".fresh")
        try:
            fresh.parent.mkdir(parents=True, exist_ok=True)
            wav_files.write(fresh, sound)
            os.replace(fresh, self._reference)
        except (HaniError, OSError) as error:  # without it nobody can barge in, but Hani speaks
            log.warning("the voice's reference cannot be written: %s", type(error).__name__)

    def _at_a_rate_of_the_device(self, sounddevice: Any, sound: Sound) -> Sound:
        try:
            sounddevice.check_output_settings(self._device, channels=1, dtype="int16", samplerate=sound.rate_hz)
        except sounddevice.PortAudioError:
            rate_hz = int(sounddevice.query_devices(self._device, "output")["default_samplerate"])
            return wav_files.resample(sound, rate_hz)
        return sound


def _write(stream: Any, sound: Sound, started: Started, stop: threading.Event) -> bool:
    block = round(_BLOCK_S * sound.rate_hz)
    for start in range(0, len(sound.samples), block):
        if stop.is_set():
            stream.abort()
            return False
        stream.write(sound.samples[start : start + block].tobytes())
        if start == 0:
            started()
    stream.stop()  # waits for what the device still holds
    return True


def _sounddevice() -> Any:
    try:
        import sounddevice
    except OSError as error:  # what the package raises without PortAudio
        raise MissingPart("PortAudio is not installed; run: sudo apt-get install -y libportaudio2") from error
    return sounddevice


class RoomPlayer:
    """The simulated room: takes as long as the sound, and keeps the last `kept` texts in `folder` for whoever listens.

    Each text is a wav of its own, 16 kHz mono int16, and a line of index.jsonl: {"at_s", "say_id", "purpose",
    "urgency", "language", "wav", "duration_s"}, `at_s` being the Unix time of its first audio and `wav` a name in
    `folder`. The wav is complete before its line appears; a text that is cut off still has its whole wav. Both can
    be read at any moment. No text is written.
    """

    RATE_HZ = 16_000

    def __init__(self, folder: Path, *, kept: int = 200, clock: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._kept = kept
        self._clock = clock
        self._index = folder / "index.jsonl"
        wav_files.resample(Sound(array("h", [0]), 22_050), self.RATE_HZ)  # load it now, not before the first word
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lines = self._index.read_text(encoding="utf-8").splitlines() if self._index.exists() else []
        except OSError as error:
            raise DeviceFault(f"the simulated room {folder} cannot be used: {error.strerror}") from error

    def play(self, wav: Path, say: Say, started: Started, stop: threading.Event) -> bool:
        sound = wav_files.resample(wav_files.read(wav), self.RATE_HZ)
        at_s = self._clock()
        name = f"{round(at_s * 1000)}-{hashlib.sha256(say.id.encode()).hexdigest()[:8]}.wav"
        wav_files.write(self._folder / name, sound)
        self._note(
            {
                "at_s": at_s,
                "say_id": say.id,
                "purpose": say.purpose,
                "urgency": say.urgency.value,
                "language": say.language.value,
                "wav": name,
                "duration_s": round(sound.duration_s, 3),
            }
        )
        started()
        return not stop.wait(sound.duration_s)

    def close(self) -> None:
        """Nothing stays open."""

    def _note(self, entry: dict[str, object]) -> None:
        """Add a line; when twice as many as are kept have gathered, drop the old ones and their wavs."""
        line = json.dumps(entry)
        self._lines.append(line)
        try:
            if len(self._lines) <= 2 * self._kept:
                with self._index.open("a", encoding="utf-8") as file:
                    file.write(line + "\n")
                return
            old, self._lines = self._lines[: -self._kept], self._lines[-self._kept :]
            fresh = self._index.with_suffix(".fresh")
            fresh.write_text("\n".join(self._lines) + "\n", encoding="utf-8")
            os.replace(fresh, self._index)
            for gone in old:
                (self._folder / json.loads(gone)["wav"]).unlink(missing_ok=True)
        except OSError as error:
            raise DeviceFault(f"the simulated room {self._folder} cannot be written: {error.strerror}") from error


class FakePlayer:
    """A fake, not a loudspeaker: takes no time, plays nothing, lists what it was given in `played`."""

    def __init__(self) -> None:
        self.played: list[Say] = []

    def play(self, wav: Path, say: Say, started: Started, stop: threading.Event) -> bool:
        wav_files.read(wav)
        started()
        self.played.append(say)
        return not stop.is_set()

    def close(self) -> None:
        """Nothing to end."""
