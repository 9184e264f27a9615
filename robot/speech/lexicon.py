"""From phrases of both languages to the tokens of the acoustic model."""

from __future__ import annotations

from pathlib import Path

from robot.errors import BadInput, MissingPart
from robot.messages import Language, Phrase
from robot.speech.ipa import ipa_tokens
from robot.speech.mandarin_g2p import mandarin_tokens
from robot.speech.mongolian_g2p import mongolian_tokens

Pronunciation = tuple[str, ...]


class Lexicon:
    """Pronounces phrases in the tokens of one model; `tokens` are in model order, the first is the CTC blank."""

    def __init__(self, tokens: tuple[str, ...]) -> None:
        self.tokens = tokens
        self._known = frozenset(tokens[1:])

    @classmethod
    def of_model(cls, model_dir: Path) -> Lexicon:
        """The lexicon of a model folder (`tokens.txt`, one token a line)."""
        try:
            return cls(tuple((model_dir / "tokens.txt").read_text(encoding="utf-8").split()))
        except OSError as error:
            raise MissingPart(
                f"The speech model {model_dir} has no readable tokens.txt; restore models/speech."
            ) from error

    def pronounce(self, phrase: Phrase) -> tuple[Pronunciation, ...]:
        """Every way to say `phrase`, best first and never empty; its own IPA pronunciation overrides the rules.

        Raises `BadInput` naming what the model cannot spell.
        """
        if phrase.pronunciation:
            ways: tuple[Pronunciation, ...] = (ipa_tokens(phrase.pronunciation),)
        elif phrase.language is Language.ZH:
            ways = mandarin_tokens(phrase.text)
        else:
            ways = mongolian_tokens(phrase.text)
        unknown = next((token for way in ways for token in way if token not in self._known), None)
        if unknown is not None:
            raise BadInput(f"Phrase {phrase.text!r} needs the sound {unknown!r}, which the model does not know.")
        return ways
