"""Text to a wav file: pyttsx3 in a child process that is watched, restarted and never trusted."""

from __future__ import annotations

import hashlib
import json
import logging
import math
import os
import select
import subprocess
import sys
import tempfile
import threading
import time
from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from robot import paths
from robot.errors import BadConfiguration, BadInput, DeviceFault, HaniError, MissingPart
from robot.messages import Language
from robot.speech import wav_files
from robot.speech.normalise import can_be_spoken, split_by_script, spoken_text
from robot.speech.wav_files import Sound

log = logging.getLogger(__name__)

LONGEST_TEXT = 2000
"""Characters in one text; two minutes of speech."""

_ATTEMPTS = 3  # a busy machine has made two faults in a row
_PAUSE_BETWEEN_PARTS_S = 0.15
_CACHE_NAME = "voice-cache"
_BUILD = "run: python -m models.build_voice"


@dataclass(frozen=True, slots=True)
class VoiceSettings:
    """How Hani sounds. `rate_wpm` is one scale for both languages; the voices' own rates follow from it.

    At the same words a minute eSpeak NG says half as many syllables in Mandarin as in Mongolian, so that Mandarin has a
    factor: 140 gives 3.3 syllables a second in Mandarin and 4.8 in Mongolian (measured on one sentence each), somewhat
    slower than everyday talk, as older listeners want it, and not stretched. The pitch (0..99, middle 50) is low by
    default for the same listeners.
    """

    rate_wpm: int = 140
    volume: float = 1.0
    pitch: int = 40
    voice_zh: str = "sit/cmn"
    voice_mn: str = "xgn/mvf"

    def __post_init__(self) -> None:
        if not 80 <= self.rate_wpm <= 260:
            raise BadConfiguration(f"rate_wpm {self.rate_wpm}: give 80 to 260 words a minute")
        if not 0.0 <= self.volume <= 1.0:
            raise BadConfiguration(f"volume {self.volume}: give a share from 0 to 1")
        if not 0 <= self.pitch <= 99:
            raise BadConfiguration(f"pitch {self.pitch}: give 0 to 99")

    def voice(self, language: Language) -> str:
        return self.voice_zh if language is Language.ZH else self.voice_mn

    def engine_rate(self, language: Language) -> int:
        """Words a minute in the scale of eSpeak NG, which takes 80 to 450."""
        return round(self.rate_wpm * 1.6) if language is Language.ZH else self.rate_wpm

    def engine_volume(self) -> float:
        """Hundredths, because eSpeak NG keeps whole per cent."""
        return round(self.volume, 2)


@dataclass(frozen=True, slots=True)
class SpokenAudio:
    """A text as sound: 16-bit mono wav at `path`. `took_s` is how long its making took."""

    path: Path
    duration_s: float
    took_s: float


class Synthesizer(Protocol):
    """Makes speech. `synthesize` may be called from one thread at a time or many; it blocks."""

    def synthesize(self, text: str, language: Language, out_wav: Path) -> SpokenAudio:
        """Raises BadInput for a text without a sound, MissingPart or DeviceFault when the engine cannot."""
        ...

    def close(self) -> None: ...


class Pyttsx3Synthesizer:
    """pyttsx3 over eSpeak NG in a child process, with a cache of what was said before.

    The child is started at the first use, ended and started again when it does not answer in time, and each request
    is tried twice. Wav files of texts lie in `cache_dir` under hashed names, readable by the owner only, oldest use
    dropped first.
    """

    def __init__(
        self,
        settings: VoiceSettings | None = None,
        *,
        voice_data: Path | None = None,
        cache_dir: Path | None = None,
        cache_bytes: int = 64_000_000,
        start_timeout_s: float = 15.0,
        answer_timeout_s: float = 5.0,
    ) -> None:
        self._settings = settings or VoiceSettings()
        self._voice_data = (voice_data or paths.home() / "espeak-ng-data").absolute()
        self._cache = _Cache(cache_dir or paths.home() / _CACHE_NAME, cache_bytes)
        self._start_timeout_s = start_timeout_s
        self._answer_timeout_s = answer_timeout_s
        self._lock = threading.Lock()
        self._child: _Child | None = None
        try:
            self._voice_stamp = (self._voice_data / "hani-voice").read_text(encoding="ascii")
        except OSError as error:
            raise MissingPart(f"the Mongolian voice is not built; {_BUILD}") from error

    def change(self, settings: VoiceSettings) -> None:
        """Speak so from the next text on."""
        self._settings = settings

    def prepare(self, texts: Iterable[tuple[str, Language]]) -> None:
        """Start the child and render what must come without delay (safety) into the cache. Raises like `synthesize`."""
        with self._lock:
            self._running_child()
            for language in Language:
                spoken_text("1", language)  # loads the normalisers
            for text, language in texts:
                self._render(text, language)

    def synthesize(self, text: str, language: Language, out_wav: Path) -> SpokenAudio:
        """Speak `text` into `out_wav`, each part of it with the voice of its script.

        Raises BadInput (nothing to say, too long, folder not writable), MissingPart (engine or voice), DeviceFault (no
        sound).
        """
        began_s = time.monotonic()
        with self._lock:
            sound = self._render(text, language)
        wav_files.write(out_wav, sound)
        return SpokenAudio(out_wav, sound.duration_s, time.monotonic() - began_s)

    @property
    def engine_pid(self) -> int | None:
        """The child's process id while it runs."""
        return self._child.pid if self._child else None

    def close(self) -> None:
        with self._lock:
            self._drop_child()

    def _render(self, text: str, language: Language) -> Sound:
        if len(text) > LONGEST_TEXT:
            raise BadInput(f"the text is too long; say at most {LONGEST_TEXT} characters at once")
        parts = [(side, spoken_text(part, side)) for side, part in split_by_script(text, language)]
        sounds = [self._render_part(part, side) for side, part in parts if can_be_spoken(part)]
        if not sounds:
            raise BadInput("the text has nothing to say; give letters or digits")
        return wav_files.join(sounds, _PAUSE_BETWEEN_PARTS_S)

    def _render_part(self, text: str, language: Language) -> Sound:
        request = {
            "text": text,
            "voice": self._settings.voice(language),
            "rate_wpm": self._settings.engine_rate(language),
            "volume": self._settings.engine_volume(),
            "pitch": self._settings.pitch,
        }
        key = hashlib.sha256(json.dumps([request, self._voice_stamp]).encode()).hexdigest()
        cached = self._cache.get(key)
        if cached is not None:
            return cached
        sound = self._asked_again(request)
        self._cache.put(key, sound)
        return sound

    def _asked_again(self, request: dict[str, Any]) -> Sound:
        """Raises the last DeviceFault: an engine that was just started may be as unlucky as the one before it."""
        for _ in range(_ATTEMPTS - 1):
            try:
                return self._ask(request)
            except DeviceFault as fault:
                log.warning("voice engine failed, starting it again: %s", fault)
                self._drop_child()
        return self._ask(request)

    def _ask(self, request: dict[str, Any]) -> Sound:
        child = self._running_child()
        if request["voice"] not in child.voices:
            raise MissingPart(f"eSpeak NG has no voice {request['voice']}; {_BUILD}, or set another voice")
        with tempfile.TemporaryDirectory(prefix="hani-voice-") as folder:
            wav = Path(folder, "part.wav")
            # twenty milliseconds a sentence is usual; a slow board and a long text get more
            child.ask({**request, "out": str(wav)}, self._answer_timeout_s + 0.01 * len(request["text"]))
            try:
                sound = wav_files.read(wav)
            except BadInput as error:
                raise DeviceFault("the voice engine left no sound file") from error
        if not sound.samples or (self._settings.volume > 0.05 and not sound.audible):
            raise DeviceFault("the voice engine made a silent sound file")
        return sound

    def _running_child(self) -> _Child:
        if self._child is None:
            self._child = _Child(self._voice_data, self._start_timeout_s)
        return self._child

    def _drop_child(self) -> None:
        if self._child is not None:
            self._child.end()
            self._child = None


class _Child:
    """The process of synthesis_child and the conversation with it."""

    def __init__(self, voice_data: Path, timeout_s: float) -> None:
        environment = {**os.environ, "PYTHONPATH": paths.python_path()}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "robot.speech.synthesis_child", str(voice_data)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
        )
        self._unread = b""
        self._asked = 0
        try:
            hello = self._answer(timeout_s)
            if "error" in hello:
                raise MissingPart(f"the voice cannot start ({hello['error']}); run: sudo apt-get install -y espeak-ng")
        except HaniError:
            self.end()
            raise
        self.voices = frozenset(hello["voices"])

    @property
    def pid(self) -> int:
        return self._process.pid

    def ask(self, request: dict[str, Any], timeout_s: float) -> None:
        """Send one request and wait for its answer. Raises DeviceFault."""
        self._asked += 1
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({**request, "id": self._asked}).encode() + b"\n")
            self._process.stdin.flush()
        except OSError as error:
            raise DeviceFault("the voice engine has ended") from error
        answer = self._answer(timeout_s)
        if answer.get("id") != self._asked or "error" in answer:
            raise DeviceFault(f"the voice engine refused: {answer.get('error', 'answers out of order')}")

    def end(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:  # a dead child's pipe may still hold a request
                    log.debug("pipe of the voice engine was broken")
        self._process.kill()  # it holds nothing that needs a goodbye
        self._process.wait()

    def _answer(self, timeout_s: float) -> dict[str, Any]:
        assert self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        give_up_at_s = time.monotonic() + timeout_s
        while b"\n" not in self._unread:
            left_s = give_up_at_s - time.monotonic()
            if left_s <= 0 or not select.select([descriptor], [], [], left_s)[0]:
                raise DeviceFault(f"the voice engine did not answer within {timeout_s:.1f} s")
            piece = os.read(descriptor, 65536)
            if not piece:
                raise DeviceFault("the voice engine has ended")
            self._unread += piece
        line, self._unread = self._unread.split(b"\n", 1)
        try:
            answer = json.loads(line)
        except ValueError as error:
            raise DeviceFault("the voice engine's answer is broken") from error
        if not isinstance(answer, dict):
            raise DeviceFault("the voice engine's answer is broken")
        return answer


class _Cache:
    """Sounds by key in a folder, at most `limit_bytes`; a broken file counts as absent."""

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        self._folder = folder
        self._limit_bytes = limit_bytes
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def get(self, key: str) -> Sound | None:
        path = self._path(key)
        try:
            sound = wav_files.read(path)
            os.utime(path)
        except (BadInput, OSError):
            return None
        return sound

    def put(self, key: str, sound: Sound) -> None:
        try:
            wav_files.write(self._path(key), sound)
            files = [(file.stat().st_mtime_ns, file.stat().st_size, file) for file in self._folder.glob("*.wav")]
            kept_bytes = 0
            for _, size_bytes, file in sorted(files, reverse=True):
                kept_bytes += size_bytes
                if kept_bytes > self._limit_bytes:
                    file.unlink(missing_ok=True)
        except (BadInput, OSError) as error:  # a full disk must not silence Hani
            log.warning("voice cache cannot be written: %s", error)

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.wav"


@dataclass
class FakeSynthesizer:
    """A fake, not a voice: a 220 Hz hum of 60 ms a character. `said` lists the texts; those in `fails_on` fail."""

    rate_hz: int = 16_000
    said: list[tuple[str, Language]] = field(default_factory=list)
    fails_on: frozenset[str] = frozenset()

    def synthesize(self, text: str, language: Language, out_wav: Path) -> SpokenAudio:
        if text in self.fails_on:
            raise DeviceFault("the fake voice was told to fail")
        if not can_be_spoken(text):
            raise BadInput("the text has nothing to say; give letters or digits")
        self.said.append((text, language))
        count = round(0.06 * len(text) * self.rate_hz)
        wave = array("h", (round(8000 * math.sin(2 * math.pi * 220 * index / self.rate_hz)) for index in range(count)))
        sound = Sound(wave, self.rate_hz)
        wav_files.write(out_wav, sound)
        return SpokenAudio(out_wav, sound.duration_s, 0.0)

    def close(self) -> None:
        """Nothing to end."""
