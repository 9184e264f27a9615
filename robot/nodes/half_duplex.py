"""Half duplex: while Hani speaks, only safety words are heard. Pure.

The voice is another process and may die in the middle of a text. A recogniser that waited for the end of it would be
deaf until something else is said, so it listens again when the text must be over.

Where our own voice can be taken out of the sound, somebody may barge in: Hani listens from then on and is told to fall
silent. If it does not within a moment (a safety text is said to its end), it is deaf again for the rest of the text.
"""

from __future__ import annotations

from typing import Protocol

from robot.messages import Spoken, SpokenState
from robot.speech.patience import Question

_END_OVERDUE_S = 3.0
"""A loudspeaker's buffer and a busy board; longer, and the end will not be told any more."""
_LONGEST_TEXT_S = 120.0
"""For a text of unknown duration: the most that the synthesizer takes."""


_SILENT_WITHIN_S = 1.0
"""After a barge-in; the voice stops within 0.2 s and tells so."""


class Listening(Protocol):
    def mute(self, now_s: float) -> None: ...

    def unmute(self, now_s: float, question: Question = Question.NONE) -> None: ...

    def barge_in(self, began_at_s: float) -> None: ...


class HalfDuplex:
    """Mutes the listener for the text that is being said, and for no other. All times are Unix seconds."""

    def __init__(self, listener: Listening) -> None:
        self._listener = listener
        self._say_id: str | None = None
        self._overdue_at_s = 0.0
        self._silent_by_s: float | None = None

    @property
    def speaking(self) -> bool:
        """Whether a text is being said."""
        return self._say_id is not None

    def spoken(self, spoken: Spoken) -> None:
        """Take what the voice tells. A text that was dropped unsaid says nothing about the one that is being said."""
        if spoken.state is SpokenState.STARTED:
            duration_s = _LONGEST_TEXT_S if spoken.duration_s is None else spoken.duration_s
            self._say_id = spoken.say_id
            self._silent_by_s = None
            self._overdue_at_s = spoken.at_s + duration_s + _END_OVERDUE_S
            self._listener.mute(spoken.at_s)
        elif spoken.say_id == self._say_id:
            self._end(spoken.at_s, Question(spoken.question or "none"))

    def barged_in(self, began_at_s: float, now_s: float) -> None:
        """Somebody speaks over Hani since `began_at_s`."""
        if self._say_id is not None and self._silent_by_s is None:
            self._silent_by_s = now_s + _SILENT_WITHIN_S
            self._listener.barge_in(began_at_s)

    def check(self, now_s: float) -> bool:
        """Listen again when the end of the text is overdue; no more when it goes on in spite of a barge-in.

        Returns True, once, when it was overdue: the voice has died, and nobody else will tell that the text is over.
        """
        if self._say_id is not None and self._silent_by_s is not None and now_s > self._silent_by_s:
            self._silent_by_s = float("inf")
            self._listener.mute(now_s)
        overdue = self._say_id is not None and now_s > self._overdue_at_s
        if overdue:
            self._end(now_s, Question.NONE)
        return overdue

    def _end(self, now_s: float, question: Question) -> None:
        self._say_id = None
        self._listener.unmute(now_s, question)
