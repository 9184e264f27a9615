"""From phrases of both languages, also mixed in one sentence, to the tokens of the acoustic model."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from robot.errors import BadInput, MissingPart
from robot.messages import Language, Phrase
from robot.speech.ipa import ipa_tokens
from robot.speech.mandarin_g2p import mandarin_tokens
from robot.speech.mandarin_ipa import mandarin_ipa_tokens
from robot.speech.mongolian_g2p import mongolian_tokens
from robot.speech.normalise import can_be_spoken, holds_han, split_by_script
from robot.speech.ways import MOST_WAYS, Pronunciation, best_first

__all__ = ["MOST_WAYS", "Lexicon", "Pronunciation"]

_TONES = re.compile("[\u030c\u0306]")  # caron and breve: over a Mongolian vowel they make it short, here it is a tone


class Lexicon:
    """Pronounces phrases in the tokens of one model; `tokens` are in model order, the first is the CTC blank.

    `names` are Mandarin names of people, family name first: wherever one stands in a phrase it is read as a name
    (单明 as Shàn Míng). Family names before a title (单大夫) or after 老 and 小 need no such help.
    """

    def __init__(self, tokens: tuple[str, ...], names: Iterable[str] = ()) -> None:
        self.tokens = tokens
        self.names = frozenset(names)
        self._known = frozenset(tokens[1:])

    @classmethod
    def of_model(cls, model_dir: Path, names: Iterable[str] = ()) -> Lexicon:
        """The lexicon of a model folder (`tokens.txt`, one token a line)."""
        try:
            return cls(tuple((model_dir / "tokens.txt").read_text(encoding="utf-8").split()), names)
        except (OSError, UnicodeDecodeError) as error:
            raise MissingPart(
                f"The speech model {model_dir} has no readable tokens.txt; restore models/speech."
            ) from error

    def pronounce(self, phrase: Phrase) -> tuple[Pronunciation, ...]:
        """Every usual way to say `phrase`, best first, one to `MOST_WAYS`; its own IPA overrides the rules.

        Of text with Han the rules' ways stay, behind the IPA's, and IPA that cannot be read is passed over.
        Han is read as Mandarin, Cyrillic and the traditional script as Mongolian, whatever `phrase.language` is; it
        decides for digits and Latin letters between the two. Raises `BadInput` naming what cannot be pronounced.
        """
        if not phrase.pronunciation:
            ways = self._spelt(phrase)
        elif holds_han(phrase.text):
            ways = self._given_for_han(phrase, phrase.pronunciation)
        else:
            ways = (_read(phrase.language, phrase.pronunciation),)
        unknown = next((token for way in ways for token in way if token not in self._known), None)
        if unknown is not None:
            raise BadInput(f"Phrase {phrase.text!r} needs the sound {unknown!r}, which the model does not know.")
        return ways

    def _given_for_han(self, phrase: Phrase, ipa: str) -> tuple[Pronunciation, ...]:
        refused: BadInput | None = None
        ways: list[Pronunciation] = []
        try:
            scripts = {language for language, _ in split_by_script(phrase.text, phrase.language)}
            ways.append(_read(Language.ZH if scripts == {Language.ZH} else phrase.language, ipa))
        except BadInput as error:
            refused = error
        try:
            ways += self._spelt(phrase)
        except BadInput as error:
            if refused is not None:
                raise refused from error
        known = [way for way in ways if self._known.issuperset(way)]
        return tuple(dict.fromkeys(known or ways))[:MOST_WAYS]

    def _spelt(self, phrase: Phrase) -> tuple[Pronunciation, ...]:
        parts = [part for part in split_by_script(phrase.text, phrase.language) if can_be_spoken(part[1])]
        if not parts:
            raise BadInput(f"Phrase {phrase.text!r} holds nothing that can be spoken; write it in words.")
        return best_first(
            mandarin_tokens(text, self.names) if language is Language.ZH else mongolian_tokens(text)
            for language, text in parts
        )


def _read(language: Language, ipa: str) -> Pronunciation:
    """IPA in the sounds of its language. Raises `BadInput`."""
    if language is Language.MN:
        return ipa_tokens(ipa)
    try:
        return mandarin_ipa_tokens(ipa)
    except BadInput:
        return ipa_tokens(_TONES.sub("", unicodedata.normalize("NFD", ipa)))
