"""Safety words: help, fall, pain, breath and fire in both languages, spotted before any understanding. Pure.

Only an exact phrase that the recogniser believes is certain. A likeness in sound or spelling, a phrase inside a longer
sentence, or an alternative that the recogniser did not choose makes Hani ask first. Plain denials and tales of the past
are let pass; everything else is escalated in doubt.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from uuid6 import uuid7

from robot.messages import Language, Reading, SafetyKind, SafetyWord
from robot.speech.edits import edits
from robot.speech.recognizer import FinalResult

DOUBTFUL_CONFIDENCE = 0.3  # from here on a safety phrase that was not chosen is worth a question
CLEAR_LEAD = 0.5  # a harmless reading with more than this share of the confidence makes us ask: homophones, neighbours

_NOT_HAN = re.compile(r"[^\u3400-\u9fff0-9]")
_NOT_CYRILLIC = re.compile(r"[^а-яёөү ]")
_ZH_PARTICLES = re.compile(r"^(?:快|请|喂|啊|哎哟|哎呀|哎)+|[啊呀吧呢啦哪呐哦]+$")
_ZH_DENIED_BEFORE = re.compile(r"(?:没|没有|不是|不用|不要|别|未)(?:再|有|被)?$")
_ZH_HARMLESS_AFTER = re.compile(r"^了?(?:恩人|稻草|的故事|一?[个只把块张台部]|一手|[坏碎碗杯盘])")
_ZH_TALE = re.compile(r"昨天|前天|上次|以前|去年|小时候|那年|那天|电视|故事|新闻|听说")
_AGAIN = re.compile(r"(.{2,}?)(?: ?\1)+")
_MN_DENIED = re.compile(r"(?:гүй|биш|болохгүй)$")
_MN_TALE = frozenset({"өчигдөр", "уржигдар", "урьд", "өмнө", "ноднин", "үлгэр", "зурагт", "мэдээ"})
_MN_HARMLESS = frozenset(
    {"амраарай", "амраач", "аваач", "аваарай", "туслах", "туслахад", "унтаарай", "уншаарай", "утасдаарай"}
)
_MN_FOLD = str.maketrans("өүэыйё", "оуииио", "ьъ")
_MN_LEAST_FUZZY = 6  # letters: shorter words resemble too many others
_MN_LONG = 9  # letters: from here two slips are forgiven
_ZH_FOLDS = (("zh", "z"), ("ch", "c"), ("sh", "s"), ("ng", "n"))  # what regional Mandarin does not keep apart


@dataclass(frozen=True, slots=True)
class Spotted:
    """A safety phrase in a text; `exact` when the text is that phrase and nothing else."""

    kind: SafetyKind
    language: Language
    exact: bool


class SafetySpotter:
    """Spots the given phrases; keys are (language, text) as in the recogniser's grammar.

    `harmless` are parts of sentences that look like a safety phrase and are not; they are cut out first. `everyday` are
    whole phrases whose likeness to a safety phrase means nothing, because the recogniser weighs both (its grammar).
    `alone` are those of `phrases` that count only when nothing else was said.

    | said                                             | here                 | `dialogue.words.safety_kind`     |
    | ------------------------------------------------ | -------------------- | -------------------------------- |
    | a phrase and nothing else, once or several times | certain, if believed | a cry                            |
    | a phrase of "anywhere" inside a sentence         | Hani asks            | a cry: asks; in a check-in it    |
    |                                                  |                      | raises                           |
    | a phrase of "alone" inside a sentence            | nothing              | nothing                          |
    | the same denied, or a tale of the past           | nothing              | nothing for the listed harmless  |
    """

    def __init__(
        self,
        phrases: Mapping[tuple[Language, str], SafetyKind],
        harmless: Mapping[Language, Sequence[str]] | None = None,
        everyday: Iterable[tuple[Language, str]] = (),
        alone: Iterable[tuple[Language, str]] = (),
    ) -> None:
        self._everyday = frozenset(everyday)
        self._alone = frozenset(
            _bare_zh(text) if language is Language.ZH else _plain_mn(text) for language, text in alone
        )
        harmless = harmless or {}
        self._harmless_zh = [_NOT_HAN.sub("", text) for text in harmless.get(Language.ZH, ())]
        self._harmless_mn = [_plain_mn(text) for text in harmless.get(Language.MN, ())]
        self._zh = {_bare_zh(text): kind for (language, text), kind in phrases.items() if language is Language.ZH}
        self._mn = {_plain_mn(text): kind for (language, text), kind in phrases.items() if language is Language.MN}
        self._sounds = {_sounds(text): kind for text, kind in self._zh.items()}
        self._folded = {_fold(text): kind for text, kind in self._mn.items()}

    def spot(self, final: FinalResult, now_s: float, *, strict: bool = False) -> SafetyWord | None:
        """The safety word of a final; `strict` (Hani is speaking) takes only exact phrases that are believed."""
        seen = [(reading, self.spot_text(reading)) for reading in final.readings]
        harmless = max((reading.confidence for reading, spotted in seen if spotted is None), default=0.0)
        for place, (reading, spotted) in enumerate(seen):
            believed = place == 0 and final.accepted
            if spotted is None or not (believed or (spotted.exact and reading.confidence >= DOUBTFUL_CONFIDENCE)):
                continue
            if strict and not (believed and spotted.exact):
                continue
            certain = believed and spotted.exact and harmless <= reading.confidence * CLEAR_LEAD
            return SafetyWord(str(uuid7()), spotted.kind, spotted.language, certain, now_s)
        return None

    def spot_text(self, reading: Reading) -> Spotted | None:
        """The safety phrase that a text is, holds, or resembles."""
        if reading.language is Language.ZH:
            return self._spot_zh(reading.text)
        return self._spot_mn(reading.text)

    def _spot_zh(self, text: str) -> Spotted | None:
        plain = _without(_NOT_HAN.sub("", text), self._harmless_zh)
        bare = once(_bare_zh(plain))
        if bare in self._zh:
            return Spotted(self._zh[bare], Language.ZH, exact=True)
        if _ZH_TALE.search(plain):
            return None
        for phrase, kind in self._zh.items():
            if phrase in self._alone:
                continue
            for found in re.finditer(re.escape(phrase), plain):
                before, after = plain[: found.start()], plain[found.end() :]
                if not _ZH_DENIED_BEFORE.search(before) and not _ZH_HARMLESS_AFTER.match(after):
                    return Spotted(kind, Language.ZH, exact=False)
        if (
            any(phrase in plain for phrase in self._zh if phrase not in self._alone)
            or (Language.ZH, text) in self._everyday
        ):
            return None  # it was there and harmless, or is only like one
        return self._alike_zh(bare)

    def _alike_zh(self, bare: str) -> Spotted | None:
        """Same syllables in other characters, alone or nearly so: 就我 for 救我, but not 就我一个人."""
        heard = _sounds(bare)
        for sounds, kind in self._sounds.items():
            spare = 1 if len(sounds) > 2 else 0
            if len(sounds) >= 2 and len(heard) <= len(sounds) + spare and _within(sounds, heard):
                return Spotted(kind, Language.ZH, exact=False)
        return None

    def _spot_mn(self, text: str) -> Spotted | None:
        plain = once(_without(_plain_mn(text), self._harmless_mn))
        if plain in self._mn:
            return Spotted(self._mn[plain], Language.MN, exact=True)
        words = plain.split()
        if not words or _MN_TALE & set(words):
            return None
        denied = _MN_DENIED.search(words[-1]) is not None
        for phrase, kind in self._mn.items():
            if not denied and phrase not in self._alone and f" {phrase} " in f" {plain} ":
                return Spotted(kind, Language.MN, exact=False)
        if denied or _MN_HARMLESS & set(words) or (Language.MN, text) in self._everyday:
            return None
        heard = _fold(plain)
        for folded, kind in self._folded.items():
            if len(folded) >= _MN_LEAST_FUZZY and abs(len(folded) - len(heard)) <= 2:
                slips = 1 if len(folded) < _MN_LONG else 2
                if edits(folded, heard) <= slips:
                    return Spotted(kind, Language.MN, exact=False)
        return None


def _without(text: str, parts: Sequence[str]) -> str:
    for part in parts:
        text = text.replace(part, " ")
    return " ".join(text.split())


def _bare_zh(text: str) -> str:
    """Han characters without calls and particles around them; the whole when nothing else is left."""
    plain = _NOT_HAN.sub("", text)
    return _ZH_PARTICLES.sub("", plain) or plain


def once(text: str) -> str:
    """A phrase that was said several times in one breath, once: 救命救命 is 救命."""
    again = _AGAIN.fullmatch(text)
    return again.group(1) if again else text


def _plain_mn(text: str) -> str:
    return " ".join(_NOT_CYRILLIC.sub("", text.lower()).split())


def _fold(text: str) -> str:
    """Mongolian without what speech blurs: vowel frontness, signs, length."""
    return re.sub(r"(.)\1+", r"\1", text.translate(_MN_FOLD))


@lru_cache(maxsize=1024)
def _sounds(text: str) -> tuple[str, ...]:
    from pypinyin import lazy_pinyin

    syllables = [str(syllable) for syllable in lazy_pinyin(text, errors="ignore")]
    for long, short in _ZH_FOLDS:
        syllables = [syllable.replace(long, short) for syllable in syllables]
    return tuple(syllables)


def _within(part: tuple[str, ...], whole: tuple[str, ...]) -> bool:
    return any(whole[i : i + len(part)] == part for i in range(len(whole) - len(part) + 1))
