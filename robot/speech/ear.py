"""From the microphone's chunks to what was heard: health, echo, barge-in, gain, the recogniser's process and the turns.

Knows no device and no ROS. One thread feeds it; whoever calls the rest holds the same lock.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from robot.speech.activity import SpeechActivity
from robot.speech.audio import AudioChunk, Samples
from robot.speech.decoder_link import DecoderLink
from robot.speech.echo import BargeIn, Cleaned, EchoCanceller
from robot.speech.front_end import Gain, Health, Meter
from robot.speech.listener import Hearing, HearingEvent

_ROOM_FADES_S = 0.5  # after the last sound of our voice


@dataclass(frozen=True, slots=True)
class BargedIn:
    """Somebody speaks over Hani since `began_at_s`: it should fall silent."""

    began_at_s: float


@dataclass(frozen=True, slots=True)
class EarStatus:
    """How hearing goes on, for /diagnostics."""

    microphone: Health
    gain_db: float
    erle_db: float | None
    patience_s: float
    real_time_factor: float
    behind_s: float
    lost_s: float
    left_out: int
    restarts: int
    fault: str


class Ear:
    """Feed it every chunk in order. `gain` None leaves levels as they are (the simulated room)."""

    def __init__(self, hearing: Hearing, decoder: DecoderLink, gain: Gain | None = None) -> None:
        self._hearing = hearing
        self._decoder = decoder
        self._gain = gain
        self._meter = Meter()
        self._activity = SpeechActivity()
        self._canceller = EchoCanceller()
        self._barge_in = BargeIn()
        self._erle_db: float | None = None
        self._voice_over_at_s: float | None = None  # None: Hani is silent; infinity: nobody knows yet
        self.processed_until_s: float | None = None
        """The end of the last sound that was decoded, Unix time."""

    def take(self, chunk: AudioChunk, now_s: float) -> list[HearingEvent | BargedIn]:
        """The next chunk; what came of it and of those before, safety words first."""
        self._meter.feed(chunk)
        cleaned = self._cleaned(chunk)
        self._activity.feed(cleaned.chunk.samples, chunk.began_at_s)
        began_at_s = self._barge_in.feed(cleaned, self._activity.voiced_s)
        events: list[HearingEvent | BargedIn] = [] if began_at_s is None else [BargedIn(began_at_s)]
        clear = cleaned.chunk
        if self._gain is not None:
            hold = self._voice_over_at_s is not None
            clear = self._gain.apply(clear, speaking=self._activity.voiced_s > 0.0, hold=hold)
        answers = self._decoder.feed(clear, voiced=self._activity.speaking)
        # both answer in one message: however far behind, neither is without the other
        self._hearing.watch.decoder_there = self._decoder.has_safety
        for decoded in answers:
            if decoded.again:
                self._hearing.take_late(decoded.chunk, decoded.final, decoded.safety)
            else:
                events += self._hearing.take(decoded.chunk, decoded.final, now_s, decoded.safety)
                self.processed_until_s = decoded.chunk.ended_at_s
        return events

    def voice_began(self, reference: Samples | None, at_s: float) -> None:
        """Hani begins to speak; `reference` is what the loudspeaker plays, when it is known."""
        self._voice_over_at_s = math.inf
        self._barge_in.reset()
        if reference is None:
            self._canceller.end()
        else:
            self._canceller.begin(reference, at_s)

    def voice_ended(self, at_s: float) -> None:
        """Hani has fallen silent; the room follows a moment later."""
        self._voice_over_at_s = at_s + _ROOM_FADES_S

    def status(self) -> EarStatus:
        decoder = self._decoder
        return EarStatus(
            microphone=self._meter.health(),
            gain_db=0.0 if self._gain is None else self._gain.gain_db,
            erle_db=self._erle_db,
            patience_s=self._hearing.patience_s,
            real_time_factor=decoder.real_time_factor,
            behind_s=decoder.behind_s(),
            lost_s=decoder.lost_s,
            left_out=decoder.left_out,
            restarts=decoder.restarts,
            fault=decoder.fault,
        )

    def _cleaned(self, chunk: AudioChunk) -> Cleaned:
        if self._voice_over_at_s is not None and chunk.began_at_s >= self._voice_over_at_s:
            self._canceller.end()
            self._voice_over_at_s = None
        cleaned = self._canceller.take(chunk)
        if cleaned.erle_db is not None:
            self._erle_db = cleaned.erle_db
        return cleaned
