"""Two-stage confirmation of safety words, and the budget of questions. Pure: times are arguments (Unix seconds).

| heard                                                              | then                                      |
| ------------------------------------------------------------------ | ----------------------------------------- |
| an exact safety phrase by the safety decoder, above its upper bar  | certain at once                           |
| ... likely, and the main recogniser has it among its readings      | certain                                   |
| within two seconds                                                 |                                           |
| ... above its lower bar, and another within 8 s (not both over     | certain                                   |
| Hani's voice)                                                      |                                           |
| ... above its lower bar, alone                                     | Hani asks, if the budget allows           |
| a likeness, a phrase inside a sentence, or in a dictated text, or  | the same, while `likeness` trusts those   |
| a phrase without a voice (`voicing`: a kettle), or one that only   |                                           |
| the main recogniser finds                                          |                                           |
| while Hani speaks: the same, but what is not certain is not asked  | remembered for 8 s                        |
| while others talk (`company`), above the upper bar: the main       | certain                                   |
| recogniser has it within two seconds, too                          |                                           |
| ... above 0.3, and another above it within 8 s                     | certain                                   |
| ... all else, also what is certain otherwise                       | as above, Hani asks                       |
| while the safety decoder is not there                              | the main recogniser's word counts alone   |

The budget limits questions, never a certain cry, nor one that comes again within 8 s: that is asked about in any case,
unless it is a mere likeness and such have been fruitless for long (`likeness`).
What it withheld is counted, and still confirms a repetition. A cry of another kind is another cry.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from uuid6 import uuid7

from robot.messages import Language, Reading, SafetyKind, SafetyWord
from robot.speech.calibration import UNFITTED, Calibration
from robot.speech.likeness import Likenesses
from robot.speech.recognizer import FinalResult
from robot.speech.safety import DOUBTFUL_CONFIDENCE, SafetySpotter
from robot.speech.safety_decoder import candidate

WITNESS_S = 2.0
"""Both decoders hear the same cry, but may end it differently: so far apart their finals speak of the same."""
WAIT_S = 1.0
"""So long a candidate waits for the other decoder before Hani asks."""
REPEATED_WITHIN_S = 8.0
FAINT_IN_COMPANY = 0.3
"""While others talk, a phrase below this makes none certain by coming again: a television's imitations hardly reach it,
and of 152 phrases of strangers that stood in for cries 79 to 89 % do (robot/speech/README.md, from 0.6 and 0.2)."""
_CLOCK_SLACK_S = 1.0


class AskBudget:
    """How often Hani may ask whether somebody called; a design number to be tuned in homes."""

    _HOUR_S = 3600.0
    _NIGHT_S = 12 * 3600.0

    def __init__(
        self, per_hour: int = 6, per_night: int = 4, is_night: Callable[[float], bool] = lambda _at_s: False
    ) -> None:
        self._per_hour = per_hour
        self._per_night = per_night
        self._is_night = is_night
        self._asked: deque[tuple[float, bool]] = deque()

    def take(self, now_s: float) -> bool:
        """Whether Hani may ask now; if so it counts as asked. A clock that was set back frees what lies ahead of it."""
        self._asked = deque(
            (at_s, night) for at_s, night in self._asked if -_CLOCK_SLACK_S <= now_s - at_s < self._NIGHT_S
        )
        night = self._is_night(now_s)
        in_hour = sum(now_s - at_s < self._HOUR_S for at_s, _ in self._asked)
        in_night = sum(was_night for _, was_night in self._asked)
        if in_hour >= self._per_hour or (night and in_night >= self._per_night):
            return False
        self._asked.append((now_s, night))
        return True


class _Source(Enum):
    DECODER = "decoder"
    MAIN = "main"
    DICTATION = "dictation"


@dataclass(slots=True)
class _Candidate:
    """`exact` when it may become certain, `likeness` when no phrase was said as it is; a very faint phrase is neither.

    `in_company` when others were talking, `faint` when the safety decoder hardly found it.

    `likely` when the other recogniser's view makes it certain, `clear` when nothing else is needed.

    `settled` when something has been made of it, `certain` when that was a certain word; it stays as a witness.

    `in_a_row` counts it and those of the same recogniser shortly before.
    """

    source: _Source
    kind: SafetyKind
    language: Language
    at_s: float
    exact: bool
    clear: bool
    muted: bool
    likeness: bool = False
    likely: bool = False
    in_company: bool = False
    faint: bool = False
    settled: bool = False
    certain: bool = False
    in_a_row: int = 1


class SafetyWatch:
    """Give it the finals of both recognisers as they come, and `poll` with every chunk.

    `decoder_there` is set by whoever runs the safety decoder; without it the main recogniser decides alone. `company`
    says, before each final, whether others are talking in the room (`company.Company`).
    """

    def __init__(
        self, spotter: SafetySpotter, calibration: Calibration = UNFITTED, budget: AskBudget | None = None
    ) -> None:
        self._spotter = spotter
        self._calibration = calibration
        self._budget = budget or AskBudget()
        self._likenesses = Likenesses()
        self._candidates: list[_Candidate] = []
        self._told: dict[SafetyKind, float] = {}  # when it was said, at last
        self.decoder_there = False
        self.company = False
        self.withheld = 0
        """Questions that the budget or distrust of likenesses did not allow."""
        self.television = False
        """Whether likenesses have been fruitless so often that they may come out of a television."""

    def decoded(self, final: FinalResult, at_s: float, *, muted: bool = False) -> bool:
        """A final of the safety decoder, which ended at `at_s`; `muted`: Hani was speaking. Whether it may be a cry."""
        heard = candidate(final, self._spotter, self._calibration)
        if heard is not None:
            # foreign speech imitates a cry in both recognisers at once: while others talk, only clear ones count so
            new = _Candidate(
                _Source.DECODER,
                heard.kind,
                heard.language,
                at_s,
                exact=final.voiced,
                clear=heard.clear and not self.company,
                muted=muted,
                likeness=not final.voiced,
                likely=heard.clear if self.company else heard.likely,
                in_company=self.company,
                faint=heard.confidence < FAINT_IN_COMPANY,
            )
            self._add(new)
        return heard is not None

    def heard(self, final: FinalResult, at_s: float, *, muted: bool = False) -> bool:
        """A final of the main recogniser. Whether it may be a cry."""
        word = self._spotter.spot(final, at_s, strict=muted)
        if word is None:
            return False
        exact = final.voiced and any(
            reading.confidence >= DOUBTFUL_CONFIDENCE and spotted.kind is word.kind and spotted.exact
            for reading in final.readings
            if (spotted := self._spotter.spot_text(reading)) is not None
        )
        best = self._spotter.spot_text(final.readings[0])
        likeness = not exact and not (final.accepted and best is not None and best.exact)
        clear = word.certain and not self.company
        new = _Candidate(
            _Source.MAIN, word.kind, word.language, at_s, exact, clear, muted, likeness, in_company=self.company
        )
        self._add(new)
        return True

    def dictated(self, reading: Reading, began_at_s: float, ended_at_s: float) -> bool:
        """A text of free speech that was no known phrase. Returns whether there is a safety word in it.

        Never certain, and nothing new when the same cry has been told or is waiting already.
        """
        spotted = self._spotter.spot_text(reading)
        if spotted is None:
            return False
        known = [*(one.at_s for one in self._candidates), *self._told.values()]  # of any kind: it is one sentence
        if not any(began_at_s - WITNESS_S <= at_s <= ended_at_s + REPEATED_WITHIN_S for at_s in known):
            kind, language = spotted.kind, spotted.language
            self._add(_Candidate(_Source.DICTATION, kind, language, ended_at_s, False, False, False, likeness=True))
        return True

    def somebody_needs_help(self) -> None:
        """A resident has said so when asked: likenesses are trusted again."""
        self._likenesses.somebody_needs_help()

    def poll(self, now_s: float) -> list[SafetyWord]:
        """What is to be published now."""
        words = [
            word
            for certain in (True, False)  # a question must not settle a certain cry with it
            for one in self._candidates
            if not one.settled and self._is_certain(one) is certain and (word := self._settle(one, certain, now_s))
        ]
        self._candidates = [
            one
            for one in self._candidates
            if not one.settled or -_CLOCK_SLACK_S <= now_s - one.at_s <= REPEATED_WITHIN_S
        ]
        self._told.update({word.kind: word.heard_at_s for word in words})
        self.television = self._likenesses.distrusted(now_s)
        return words

    def _add(self, new: _Candidate) -> None:
        """The second view of a cry that is certain already brings no news."""
        new.settled = any(
            one.certain
            and one.source is not new.source
            and one.kind is new.kind
            and abs(one.at_s - new.at_s) <= WITNESS_S
            for one in self._candidates
        )
        new.in_a_row = 1 + max((one.in_a_row for one in self._before(new)), default=0)
        self._candidates.append(new)

    def _is_certain(self, one: _Candidate) -> bool:
        alone = (one.clear or self._repeated(one)) and (one.source is _Source.DECODER or not self.decoder_there)
        return one.exact and (alone or self._witnessed(one))

    def _settle(self, one: _Candidate, certain: bool, now_s: float) -> SafetyWord | None:
        if certain:
            self._close(one)
            one.certain = True
            self._likenesses.somebody_needs_help()
            return SafetyWord(str(uuid7()), one.kind, one.language, True, one.at_s)
        waited_s = now_s - one.at_s
        if self.decoder_there and -_CLOCK_SLACK_S <= waited_s < WAIT_S:
            return None
        self._close(one)
        if one.muted:
            return None
        likeness = all(view.likeness for view in self._views(one)) or self._is_only_main(one)
        if not self._may_ask(one, likeness, now_s):
            self.withheld += 1
            return None
        if likeness:
            self._likenesses.asked(one.kind, now_s)
        return SafetyWord(str(uuid7()), one.kind, one.language, False, one.at_s)

    def _is_only_main(self, one: _Candidate) -> bool:
        """Whether the decoder, which listens for nothing else, has not found what the main recogniser has."""
        return (
            self.decoder_there
            and one.source is _Source.MAIN
            and not any(other.source is _Source.DECODER for other in self._views(one))
        )

    def _may_ask(self, one: _Candidate, likeness: bool, now_s: float) -> bool:
        if likeness and not self._likenesses.allows(one.kind, one.in_a_row, now_s):
            return False
        return one.in_a_row > 1 or self._budget.take(now_s)

    def _close(self, one: _Candidate) -> None:
        """The other recogniser's view of the same cry is settled with it."""
        for view in self._views(one):
            view.settled = True

    def _views(self, one: _Candidate) -> list[_Candidate]:
        """All that is known of the same cry, `one` among them."""
        return [
            other
            for other in self._candidates
            if other is one or (other.kind is one.kind and abs(other.at_s - one.at_s) <= WITNESS_S)
        ]

    def _witnessed(self, one: _Candidate) -> bool:
        return any(
            view.source is not one.source and view.exact and (one.likely or view.likely) for view in self._views(one)
        )

    def _repeated(self, one: _Candidate) -> bool:
        """Two faint phrases in a minute of others' talk are no repetition, but one that is asked about."""
        return any(other.exact and not (one.in_company and (one.faint or other.faint)) for other in self._before(one))

    def _before(self, one: _Candidate) -> list[_Candidate]:
        """Cries shortly before, told by the same recogniser: two of its finals are two stretches of sound."""
        return [
            other
            for other in self._candidates
            if other.source is one.source
            and 0 < one.at_s - other.at_s <= REPEATED_WITHIN_S
            and not (one.muted and other.muted)
        ]
