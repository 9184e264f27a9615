"""Hears: microphone (or simulated room), echo, recogniser, turns and safety words; only texts leave it."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from pathlib import Path

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from hani_msgs.msg import Alarm, Heard, RoomSound, SafetyWord, Spoken
from std_msgs.msg import Empty

from dialogue import words
from dialogue.grammar import blamed, everyday, resident_grammar
from robot import messages, paths
from robot.care.residents import Resident, load_resident
from robot.errors import BadConfiguration, BadInput
from robot.nodes import convert, topics
from robot.nodes.base import HaniNode, Worker, run
from robot.nodes.half_duplex import HalfDuplex
from robot.settings import SpeechRecognizerSettings
from robot.speech.audio import AudioSource, Samples, load_clip
from robot.speech.calibration import CalibrationState, in_use
from robot.speech.completeness import Completeness
from robot.speech.decoder_link import DecoderLink
from robot.speech.dictation_link import DictationLink, DictationState
from robot.speech.ear import BargedIn, Ear, EarStatus
from robot.speech.free_talk import Dictated, FreeTalk
from robot.speech.front_end import Gain
from robot.speech.graph_builder import ensure_derived, keep_only
from robot.speech.graph_ladder import anywhere, first_that_compiles
from robot.speech.lexicon import Lexicon
from robot.speech.listener import Hearing
from robot.speech.loudspeaker import REFERENCE
from robot.speech.microphone import DeviceCalls, MicrophoneSource, ReopeningSource, devices_of
from robot.speech.patience import PatienceFile
from robot.speech.room_source import RoomSource
from robot.speech.safety import SafetySpotter
from robot.speech.safety_decoder import decoder_phrases
from robot.speech.safety_watch import AskBudget, SafetyWatch
from robot.watchdog import Watchdog

_NO_SOUND_AFTER_S = 3.0
_DRIVER_HANGS_S = 60.0
_KEEP_EVERY_S = 60.0
_ASKED_FOR_HELP = "asked_for_help"  # the reason that the alarm manager gives when a resident said yes
_OVER = (messages.AlarmPhase.CLOSED.value, messages.AlarmPhase.CANCELLED.value)
_WITHDRAWN_WITHIN_S = 180.0  # the longest check-in (check_in_s 120) and cancel window after an alarm's last change
_DIAGNOSTIC = "speech_recognizer: hearing"


class SpeechRecognizer(HaniNode[SpeechRecognizerSettings]):
    NAME = "speech_recognizer"

    def configure(self) -> None:
        self._worker: Worker | None = None
        self._source: ReopeningSource | None = None
        self._watchdog: Watchdog | None = None
        self._lock = threading.Lock()
        self._calls = DeviceCalls()
        model = Path(self.settings.model) if self.settings.model else paths.SPEECH_MODEL
        grammar, graph = self._compiled(model)
        sentences = tuple(everyday(grammar))
        safety = words.words().safety
        spotter = SafetySpotter(words.safety_phrases(), safety.harmless, sentences, safety.alone)
        self._patience = PatienceFile(self.home / "patience.json", Path(self.settings.resident_file).stem or "resident")
        budget = AskBudget(self.settings.asks_per_hour, self.settings.asks_per_night, self._is_night)
        calibration, self._calibration = in_use(model)
        watch = SafetyWatch(spotter, calibration, budget)
        self._dictation = self._dictates()
        talk = FreeTalk(self._dictation) if self._dictation else None
        self._hearing = Hearing(watch, self._patience.load(), Completeness(grammar), talk)
        graphs = (graph, self._safety_graph(sentences, model))
        if self._has_names:
            keep_only(graphs, f"{self.NAME} {self.settings.resident_file}", paths.graph_cache())
        self._decoder = self._link(*graphs)
        self._decoder.start()
        self._ear = Ear(self._hearing, self._decoder, Gain() if self._by_microphone else None)
        self._half_duplex = HalfDuplex(self._hearing)
        self._fed_at_s = self._kept_at_s = time.monotonic()
        self._heard = self.offer(Heard, topics.HEARD)
        self._unclear = self.offer(Heard, topics.UNCLEAR)
        self._dictated = self.offer(Heard, topics.DICTATED)
        self._safety = self.offer(SafetyWord, topics.SAFETY_WORD, topics.KEPT)
        self._hush = self.offer(Empty, topics.HUSH)
        self._diagnostics = self.offer(DiagnosticArray, topics.DIAGNOSTICS)

    def _compiled(self, model: Path) -> tuple[messages.Grammar, Path]:
        """What is listened for and its graph: with the resident's own names, else without, else safety words alone."""
        self._resident = Resident()

        def with_names() -> messages.Grammar:
            self._resident = load_resident(self.settings.resident_file)
            return resident_grammar(words.words(), self._resident.own_names())

        def safety_alone() -> messages.Grammar:
            kind = messages.PhraseKind.SAFETY
            return messages.Grammar(tuple(messages.Phrase(*key, kind=kind) for key in words.safety_phrases()), {})

        rungs = (with_names, lambda: resident_grammar(words.words()), safety_alone)
        compiled = first_that_compiles(rungs, model, paths.graph_cache())
        names = self._resident.own_names()
        if compiled.refused and isinstance(compiled.refused[0], (BadConfiguration, BadInput)):
            place = blamed(names, str(compiled.refused[0])) if names else "the file"
            self.log.error("the resident file cannot be used for hearing: correct %s", place)
        self._has_names = bool(names) and compiled.rung == 0
        self._names_fault = ("", "the resident's names are not listened for", "only safety words are listened for")[
            compiled.rung
        ]
        if compiled.temporary and not self._names_fault:
            self._names_fault = "the graphs of speech cannot be kept on the disk"
        return compiled.grammar, compiled.graph

    @staticmethod
    def _safety_graph(sentences: Sequence[tuple[messages.Language, str]], model: Path) -> Path:
        safety = words.safety_phrases()

        def made(folder: Path) -> Path:
            return ensure_derived(
                [messages.Phrase(*key) for key in (*safety, *sentences)],
                lambda: decoder_phrases(safety, sentences, Lexicon.of_model(model)),
                model,
                folder,
            )

        return anywhere(made, paths.graph_cache())[0]

    def _is_night(self, _at_s: float) -> bool:
        return self._resident.is_night(self.local_time())

    def activate(self) -> None:
        self._source = ReopeningSource(self._open)
        self.listen(Spoken, topics.SPOKEN, self._on_spoken)
        self.listen(Alarm, topics.ALARM, self._on_alarm)
        if not self._by_microphone:
            self.listen(RoomSound, topics.ROOM_SOUND, self._on_sound, topics.LATCHED)
        self._fed_at_s = time.monotonic()
        self._watchdog = Watchdog("the microphone's driver", _DRIVER_HANGS_S)
        self._worker = Worker("microphone", self._hear)
        self.every(1.0, self._check)

    def deactivate(self) -> None:
        if getattr(self, "_watchdog", None) is not None and self._watchdog is not None:
            self._watchdog.stop()
            self._watchdog = None
        if getattr(self, "_worker", None) is not None and self._worker is not None:
            if self._source is not None:
                self._source.close()
            self._worker.stop()
            self._worker = None
            self._keep_patience()

    def cleanup(self) -> None:
        if hasattr(self, "_decoder"):
            self._decoder.close()
        dictation: DictationLink | None = getattr(self, "_dictation", None)
        if dictation is not None:
            dictation.close()

    @property
    def _by_microphone(self) -> bool:
        return self.settings.source == "microphone"

    def _link(self, *graphs: Path) -> DecoderLink:
        return DecoderLink.vosk(*graphs)

    def _dictates(self) -> DictationLink | None:
        """An option for those who speak Mandarin; its process starts with the first sound."""
        if not self.settings.dictation_model or messages.Language.ZH not in self._resident.languages:
            return None
        return DictationLink.vosk(Path(self.settings.dictation_model))

    def _open(self, attempt: int) -> AudioSource:
        if not self._by_microphone:
            return RoomSource()
        devices = devices_of(self.settings.device)
        return MicrophoneSource(devices, channels=self.settings.channels, rescan=attempt > 0, calls=self._calls)

    def _hear(self, stopping: threading.Event) -> None:
        if self._source is None:
            return
        for chunk in self._source.chunks():
            if stopping.is_set():
                return
            now_s = time.time()
            with self._lock:
                if self._half_duplex.check(now_s):
                    self._ear.voice_ended(now_s)
                before = self._ear.processed_until_s
                events = self._ear.take(chunk, now_s)
                if self._ear.processed_until_s != before:
                    self._fed_at_s = time.monotonic()
            for event in events:
                self._tell(event, now_s)

    def _tell(self, event: object, now_s: float) -> None:
        if isinstance(event, messages.SafetyWord):
            self._safety.publish(convert.safety_word_to_ros(event))
        elif isinstance(event, messages.Heard):
            self._heard.publish(convert.heard_to_ros(event))
        elif isinstance(event, messages.Unclear):
            self._unclear.publish(convert.unclear_to_ros(event))
        elif isinstance(event, Dictated):
            self._dictated.publish(convert.heard_to_ros(event.heard))
        elif isinstance(event, BargedIn) and self.settings.barge_in:
            with self._lock:
                self._half_duplex.barged_in(event.began_at_s, now_s)
            self._hush.publish(Empty())

    def _check(self) -> None:
        """Once a second: faults, /diagnostics, what was learnt, and the watchdog of the microphone's driver."""
        if self._watchdog is not None and self._calls.hanging_s() == 0.0:
            self._watchdog.feed()
        with self._lock:
            status = self._ear.status()
        silent = time.monotonic() - self._fed_at_s > _NO_SOUND_AFTER_S
        fatal = (
            (self._source.fault if self._source else "") or status.fault or ("no sound is processed" if silent else "")
        )
        faults = ((fatal, "hears_nothing"), (status.microphone.fault, "microphone"), (self._names_fault, ""))
        fault, reason = next((fault for fault in faults if fault[0]), None) or self._lesser_fault()
        self.report_fault(fault, fatal=bool(fatal), reason=reason)
        self._publish(status, fatal)
        if time.monotonic() - self._kept_at_s > _KEEP_EVERY_S:
            self._keep_patience()

    def _lesser_fault(self) -> tuple[str, str]:
        """With the reason for pages, where they have one."""
        if self._calibration is CalibrationState.BROKEN:
            return "the speech calibration is broken", ""
        if self._hearing.watch.television:
            text = "sounds like calls for help come again and again, nobody needs help: is a television on?"
            return text, "television"
        if self._dictation is not None and self._dictation.state is DictationState.AWAY:
            return "free talk is not understood: the dictation model cannot be used", ""
        return "", ""

    def _publish(self, status: EarStatus, fatal: str) -> None:
        """Everybody's /diagnostics; the health monitor's own line about this node comes from the heartbeat."""
        microphone = status.microphone
        level = DiagnosticStatus.ERROR if fatal else DiagnosticStatus.WARN if microphone.fault else DiagnosticStatus.OK
        values = {
            "microphone": (self._source.fault if self._source else "") or microphone.fault or "ok",
            "level_dbfs": f"{microphone.level_dbfs:.1f}",
            "floor_dbfs": f"{microphone.floor_dbfs:.1f}",
            "clipped_share": f"{microphone.clipped_share:.4f}",
            "gain_db": f"{status.gain_db:.1f}",
            "reopened": str(self._source.reopened if self._source else 0),
            "overruns": str(self._calls.overruns),
            "real_time_factor": f"{status.real_time_factor:.3f}",
            "processed_age_s": f"{time.monotonic() - self._fed_at_s:.1f}",
            "behind_s": f"{status.behind_s:.1f}",
            "lost_s": f"{status.lost_s:.1f}",
            "left_out": str(status.left_out),
            "restarts": str(status.restarts),
            "safety_decoder": "there" if self._hearing.watch.decoder_there else "away",
            "questions_withheld": str(self._hearing.watch.withheld),
            "television": "perhaps" if self._hearing.watch.television else "no",
            "others_talk": "yes" if self._hearing.watch.company else "no",
            "dictation": (self._dictation.state if self._dictation else DictationState.OFF).value,
            "echo_cancelled_db": "" if status.erle_db is None else f"{status.erle_db:.1f}",
            "patience_s": f"{status.patience_s:.2f}",
            "calibration": self._calibration.value,
        }
        one = DiagnosticStatus(level=level, name=_DIAGNOSTIC, message=fatal or microphone.fault or "ok")
        one.values = [KeyValue(key=key, value=value) for key, value in values.items()]
        array = DiagnosticArray(status=[one])
        array.header.stamp = convert.stamp(time.time())
        self._diagnostics.publish(array)

    def _keep_patience(self) -> None:
        self._kept_at_s = time.monotonic()
        if not self._patience.save(self._hearing.patience_s):
            self.log.warning("what was learnt about pauses could not be kept")

    def _on_spoken(self, msg: Spoken) -> None:
        spoken = convert.spoken(msg)
        started = spoken.state is messages.SpokenState.STARTED
        reference = self._reference() if started else None
        with self._lock:
            self._half_duplex.spoken(spoken)
            if started:
                self._ear.voice_began(reference, spoken.at_s)
            elif not self._half_duplex.speaking:
                self._ear.voice_ended(spoken.at_s)

    def _on_alarm(self, msg: Alarm) -> None:
        with self._lock:
            if _ASKED_FOR_HELP in msg.reasons:
                self._hearing.watch.somebody_needs_help()
            if msg.phase not in _OVER:
                self._hearing.expect_answer(time.time() + _WITHDRAWN_WITHIN_S)

    def _reference(self) -> Samples | None:
        """What the loudspeaker plays now; None when nobody left it there (then nobody can barge in)."""
        if not (self._by_microphone and self.settings.barge_in):
            return None
        try:
            return load_clip(self.home / REFERENCE)
        except BadInput:
            return None

    def _on_sound(self, msg: RoomSound) -> None:
        room = self._source.source if self._source else None
        if isinstance(room, RoomSource):
            room.play(Path(msg.path), convert.seconds(msg.stamp))


def main() -> int:
    return run(SpeechRecognizer)
