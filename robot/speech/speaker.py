"""Queue, voice and loudspeaker in one worker thread: what the speech synthesizer node runs."""

from __future__ import annotations

import logging
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from robot.errors import HaniError
from robot.messages import Say, Spoken, SpokenState
from robot.speech.loudspeaker import Player
from robot.speech.speaking_queue import Offer, SpeakingQueue
from robot.speech.synthesis import Synthesizer

log = logging.getLogger(__name__)

_CLOSE_PATIENCE_S = 15.0  # a synthesis under way may take two time-outs


class Speaker:
    """Says what it is given, by urgency, and tells what became of each text.

    `on_spoken` is called from the worker thread (and from the thread of `say` and `stop` for texts dropped unsaid):
    STARTED at first audio, then exactly one of FINISHED, INTERRUPTED (cut off, or dropped unsaid: stale, hushed) or
    FAILED. A text whose id was given before is ignored. Closing ends synthesizer and player too.
    """

    def __init__(
        self,
        synthesizer: Synthesizer,
        player: Player,
        on_spoken: Callable[[Spoken], None],
        *,
        stale_after_s: float = 10.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._synthesizer = synthesizer
        self._player = player
        self._on_spoken = on_spoken
        self._clock = clock
        self._queue = SpeakingQueue(stale_after_s)
        self._changed = threading.Condition()
        self._cut_off = threading.Event()
        self._closing = False
        self._folder = tempfile.TemporaryDirectory(prefix="hani-speaker-")
        self._worker = threading.Thread(target=self._work, name="speaker", daemon=True)
        self._worker.start()

    @property
    def speaking(self) -> bool:
        """Whether something is being said or about to be: the recogniser's hint that it may hear Hani itself."""
        with self._changed:
            return self._queue.current is not None

    @property
    def last_said(self) -> Say | None:
        """The text to repeat when somebody asks for it; give it a fresh id."""
        with self._changed:
            return self._queue.last_said

    def say(self, say: Say) -> None:
        """Queue a text; returns at once."""
        with self._changed:
            if self._closing:
                return
            if self._queue.offer(say, self._clock()) is Offer.INTERRUPTS:
                self._cut_off.set()
            dropped = self._queue.dropped()
            self._changed.notify()
        self._report_dropped(dropped)

    def stop(self) -> None:
        """Be quiet (barge-in): cut off and forget conversation, cut off a reminder. Safety is said to its end."""
        with self._changed:
            if self._queue.hush():
                self._cut_off.set()
            dropped = self._queue.dropped()
        self._report_dropped(dropped)

    def close(self) -> None:
        """Cut off everything and end."""
        with self._changed:
            self._closing = True
            self._queue.clear()
            self._cut_off.set()
            dropped = self._queue.dropped()
            self._changed.notify()
        self._report_dropped(dropped)
        self._worker.join(_CLOSE_PATIENCE_S)
        self._synthesizer.close()
        self._player.close()
        self._folder.cleanup()

    def _work(self) -> None:
        while True:
            with self._changed:
                say = self._queue.next(self._clock())
                dropped = self._queue.dropped()
                if say is None:
                    if self._closing:
                        return
                    if not dropped:
                        self._changed.wait()
                elif not self._closing:
                    self._cut_off.clear()
            self._report_dropped(dropped)
            if say is not None:
                self._say_now(say)

    def _say_now(self, say: Say) -> None:
        heard: list[float] = []

        def started() -> None:
            heard.append(self._clock())
            self._report(say, SpokenState.STARTED, audio.duration_s)

        try:
            audio = self._synthesizer.synthesize(say.text, say.language, Path(self._folder.name, "speech.wav"))
            ended = not self._cut_off.is_set() and self._player.play(audio.path, say, started, self._cut_off)
            state = SpokenState.FINISHED if ended else SpokenState.INTERRUPTED
        except HaniError as error:
            log.error("could not speak: %s", error, extra={"say_id": say.id, "code": error.code})
            state = SpokenState.FAILED
        except Exception as error:  # the voice must survive any fault of one text; the message could hold the text
            log.error("could not speak: %s", type(error).__name__, extra={"say_id": say.id})
            state = SpokenState.FAILED
        with self._changed:
            self._queue.done(heard=bool(heard))
        self._report(say, state, self._clock() - heard[0] if heard else None)

    def _report_dropped(self, dropped: list[Say]) -> None:
        for say in dropped:
            self._report(say, SpokenState.INTERRUPTED, None)

    def _report(self, say: Say, state: SpokenState, duration_s: float | None) -> None:
        spoken = Spoken(say.id, state, self._clock(), duration_s, say.purpose, say.language)
        try:
            self._on_spoken(spoken)
        except Exception as error:  # a listener's fault must not silence Hani
            log.error("a listener failed: %s", type(error).__name__, extra={"say_id": say.id})
