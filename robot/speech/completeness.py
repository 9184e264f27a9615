"""Which sentences are complete: nothing longer in the grammar begins with them, so nothing need be waited for. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping

from robot.messages import Grammar, Language, Phrase, PhraseKind, Reading
from robot.speech.graph_format import Slot, pieces_of

SURE_CONFIDENCE = 0.7  # design: what may have been something else may also go on
LONGEST_LETTERS = {Language.ZH: 6, Language.MN: 18}
"""Early stop is for short commands; who says more is likely to say still more."""
_KINDS = frozenset({PhraseKind.COMMAND, PhraseKind.ANSWER, PhraseKind.SAFETY})
_DEPTH = 4  # slots within slots at the beginning of a sentence


class Completeness:
    """Tells it of a reading. Free talk is never complete: one remark follows another."""

    def __init__(self, grammar: Grammar) -> None:
        self._short = {
            (phrase.language, _squeezed(phrase.text))
            for phrase in grammar.phrases
            if phrase.kind in _KINDS and "{" not in phrase.text
        }
        heads: dict[Language, set[tuple[str, bool]]] = {language: set() for language in Language}
        for phrase in grammar.phrases:
            heads[phrase.language].update(_heads(phrase.text, phrase.language, grammar.classes, _DEPTH))
        self._whole = {
            language: sorted(head for head, open_ in found if not open_) for language, found in heads.items()
        }
        self._open = {language: {head for head, open_ in found if open_} for language, found in heads.items()}

    def __call__(self, reading: Reading) -> bool:
        text = _squeezed(reading.text)
        if (
            (reading.language, text) not in self._short
            or len(text) > LONGEST_LETTERS[reading.language]
            or reading.confidence < SURE_CONFIDENCE
        ):
            return False
        return not self._goes_on(text, reading.language)

    def _goes_on(self, text: str, language: Language) -> bool:
        whole = self._whole[language]
        at = bisect_left(whole, text)
        while at < len(whole) and whole[at] == text:
            at += 1
        if at < len(whole) and whole[at].startswith(text):
            return True
        # a slot follows the head: what fills it is not spelled out here, so anything may
        return any(head.startswith(text) or text.startswith(head) for head in self._open[language])


def _heads(
    template: str, language: Language, classes: Mapping[tuple[Language, str], Iterable[Phrase]], depth: int
) -> set[tuple[str, bool]]:
    """How sentences of a template begin: the text up to the first slot that is not resolved, and whether there is one.

    A slot at the very beginning is resolved into its forms.
    """
    pieces = pieces_of(template)
    slot_at = next((at for at, piece in enumerate(pieces) if isinstance(piece, Slot)), None)
    if slot_at is None:
        return {(_squeezed(template), False)}
    before = _squeezed("".join(piece for piece in pieces[:slot_at] if isinstance(piece, str)))
    slot = pieces[slot_at]
    if before or depth == 0 or not isinstance(slot, Slot):
        return {(before, True)}
    found: set[tuple[str, bool]] = set()
    for form in classes.get((language, slot.key), ()):
        found |= {(head, True) for head, _ in _heads(form.text, form.language, classes, depth - 1)}
    return found or {("", True)}


def _squeezed(text: str) -> str:
    """Letters only: turns join texts with spaces that Mandarin does not have."""
    return "".join(text.lower().split())
