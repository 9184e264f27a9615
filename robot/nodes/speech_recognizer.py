"""Hears: microphone (or simulated room), recogniser, turns and safety words in one process; only texts leave it."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from hani_msgs.msg import Heard, RoomSound, SafetyWord, Spoken

from dialogue import words
from robot import messages, paths
from robot.errors import HaniError
from robot.nodes import convert, topics
from robot.nodes.base import HaniNode, Worker, run
from robot.nodes.half_duplex import HalfDuplex
from robot.settings import SpeechRecognizerSettings
from robot.speech.audio import AudioSource, MicrophoneSource, RoomSource
from robot.speech.graph_builder import ensure_graph
from robot.speech.listener import Listener
from robot.speech.recognizer import VoskRecognizer
from robot.speech.safety import SafetySpotter

_REOPEN_AFTER_S = 2.0
_NO_SOUND_AFTER_S = 3.0


class SpeechRecognizer(HaniNode[SpeechRecognizerSettings]):
    NAME = "speech_recognizer"

    def configure(self) -> None:
        self._worker: Worker | None = None
        self._source: AudioSource | None = None
        self._fault = ""
        model = Path(self.settings.model) if self.settings.model else paths.SPEECH_MODEL
        phrases = words.phrases()
        graph = ensure_graph(phrases, model, paths.graph_cache())
        ordinary = [(phrase.language, phrase.text) for phrase in phrases]
        spotter = SafetySpotter(words.safety_phrases(), words.words().safety.harmless, ordinary)
        self._listener = Listener(VoskRecognizer(graph), spotter)
        self._half_duplex = HalfDuplex(self._listener)
        self._lock = threading.Lock()
        self._fed_at_s = time.monotonic()
        self._heard = self.offer(Heard, topics.HEARD)
        self._safety = self.offer(SafetyWord, topics.SAFETY_WORD, topics.KEPT)

    def activate(self) -> None:
        self._source = self._open()
        self.listen(Spoken, topics.SPOKEN, self._on_spoken)
        if isinstance(self._source, RoomSource):
            self.listen(RoomSound, topics.ROOM_SOUND, self._on_sound, topics.LATCHED)
        self._fed_at_s = time.monotonic()
        self._worker = Worker("microphone", self._hear)
        self.every(1.0, self._check_sound)

    def deactivate(self) -> None:
        if getattr(self, "_worker", None) is not None and self._worker is not None:
            if self._source is not None:
                self._source.close()
            self._worker.stop()
            self._worker = None

    def _open(self) -> AudioSource:
        if self.settings.source == "room":
            return RoomSource()
        device = self.settings.device
        return MicrophoneSource(int(device) if device.isdigit() else device or None)

    def _hear(self, stopping: threading.Event) -> None:
        while not stopping.is_set():
            try:
                self._hear_source(stopping)
            except HaniError as error:
                self.log.error("microphone fault: %s", error)
                self._fault = "the microphone does not deliver"
                stopping.wait(_REOPEN_AFTER_S)
                if not stopping.is_set():
                    self._source = self._open()

    def _hear_source(self, stopping: threading.Event) -> None:
        if self._source is None:
            return
        for chunk in self._source.chunks():
            if stopping.is_set():
                return
            self._fault, self._fed_at_s = "", time.monotonic()
            with self._lock:
                self._half_duplex.check(time.time())
                events = self._listener.feed(chunk, time.time())
            for event in events:
                if isinstance(event, messages.SafetyWord):
                    self._safety.publish(convert.safety_word_to_ros(event))
                elif isinstance(event, messages.Heard):
                    self._heard.publish(convert.heard_to_ros(event))

    def _check_sound(self) -> None:
        silent = time.monotonic() - self._fed_at_s > _NO_SOUND_AFTER_S
        self.report_fault(self._fault or ("no sound is processed" if silent else ""), fatal=True)

    def _on_spoken(self, msg: Spoken) -> None:
        with self._lock:
            self._half_duplex.spoken(convert.spoken(msg))

    def _on_sound(self, msg: RoomSound) -> None:
        if isinstance(self._source, RoomSource):
            self._source.play(Path(msg.path), convert.seconds(msg.stamp))


def main() -> int:
    return run(SpeechRecognizer)
