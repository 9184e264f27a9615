"""The recogniser's grammar, from the same words as the dialogue; and back: which intent a heard sentence belongs to.

Sentences may switch code: a Mandarin one takes a Mongolian word (给 хүү 打电话), and the reverse (儿子 руу утасдаач).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, product

from dialogue.classes import CASES, filled, folded_template, slots_of
from dialogue.text import CYRILLIC, HAN, fold
from dialogue.words import URGENT, Words, expand
from robot.errors import BadConfiguration
from robot.messages import Grammar, Language, OwnName, Phrase

SWITCHING = frozenset({"person", "medicine", "place", "body_part"})
"""Classes whose words are used in sentences of the other language."""
NAMED = ("person", "medicine", "place")
"""Classes that a resident's own names may join."""

_SWITCHED_WEIGHT = 0.3
_OWN_WEIGHT = 3.0
_OTHER = {Language.ZH: Language.MN, Language.MN: Language.ZH}
_SUFFIX_IPA = {"руу": "rʊː", "рүү": "ruː", "луу": "lʊː", "лүү": "luː", "д": "d", "т": "t"}
_MOST_WRITTEN = 500
_SCRIPTS_MEET = re.compile(f"(?<=[{HAN}])(?=[{CYRILLIC}])|(?<=[{CYRILLIC}])(?=[{HAN}])")
_PIECES = re.compile(r"\{[^}]*\}|[^{]+")


def resident_grammar(source: Words, names: Iterable[OwnName] = ()) -> Grammar:
    """All sentences of `source` with its classes, to which a resident's own names are added.

    Raises `BadConfiguration` for a name whose class does not take names; the message does not hold the name.
    """
    own = tuple(names)
    unknown = next((one.word_class for one in own if one.word_class not in NAMED), None)
    if unknown is not None:
        raise BadConfiguration(f"names: the class {unknown} is not known; use {', '.join(NAMED)}.")
    phrases = tuple(phrase for _, phrase, _ in _sentences(source))
    classes: dict[tuple[Language, str], tuple[Phrase, ...]] = {}
    waiting = [(phrase.language, slot) for phrase in phrases for slot in slots_of(phrase.text)]
    while waiting:
        language, (name, case) = waiting.pop()
        key = (language, f"{name}:{case}" if case else name)
        if key not in classes:
            forms = classes[key] = tuple(_forms(source, own, language, name, case))
            waiting += [(form.language, slot) for form in forms for slot in slots_of(form.text)]
    people = tuple(dict.fromkeys(name.zh for name in own if name.word_class == "person"))
    return Grammar(phrases, classes, people)


def everyday(grammar: Grammar) -> Iterator[tuple[Language, str]]:
    """Sentences of a grammar as the recogniser writes them, but for those with times and dates: there are too many."""
    for phrase in grammar.phrases:
        for text in _written(phrase, grammar, _MOST_WRITTEN):
            yield phrase.language, _SCRIPTS_MEET.sub(" ", text)


def _written(phrase: Phrase, grammar: Grammar, most: int) -> list[str]:
    """Every way to fill a template; none when there are more than `most`."""
    values: list[list[str]] = []
    for name, case in slots_of(phrase.text):
        forms = grammar.classes[phrase.language, f"{name}:{case}" if case else name]
        values.append([text for form in forms for text in _written(form, grammar, most)])
        if any(slots_of(form.text) for form in forms) or math.prod(map(len, values)) > most:
            return []
    return [filled(phrase.text, some) for some in product(*values)]


def blamed(names: Iterable[OwnName], complaint: str) -> str:
    """The key of the name that an error is about, such as `names.person.2`, for a log that must not hold names."""
    counts: dict[str, int] = {}
    for name in names:
        place = counts[name.word_class] = counts.get(name.word_class, -1) + 1
        if any(fold(form) in fold(complaint) for form in (name.zh, name.mn)):
            return f"names.{name.word_class}.{place}"
    return "names"


def _sentences(source: Words) -> Iterator[tuple[str, Phrase, str]]:
    """Each intent's sentences with their slots, and the same filled as in the training data; the urgent ones first."""
    seen: set[tuple[Language, str]] = set()
    for intent in sorted(source.intents.values(), key=lambda intent: intent.name not in URGENT):
        for language, examples in intent.examples.items():
            for example in examples:
                text = folded_template(example.text)
                if (language, text) not in seen:
                    seen.add((language, text))
                    phrase = Phrase(language, text, example.pronunciation, intent.weight, intent.kind)
                    yield intent.name, phrase, fold(expand(example, language, source)[0])


def _forms(source: Words, own: Iterable[OwnName], language: Language, name: str, case: str) -> Iterator[Phrase]:
    meanings = source.classes[name].values()
    spoken_in = (language, _OTHER[language]) if name in SWITCHING else (language,)
    for spoken in spoken_in:
        if spoken is Language.ZH and case == "in":
            continue  # a Mandarin word takes руу behind it, but no -д
        weight = 1.0 if spoken is language else _SWITCHED_WEIGHT
        written: list[tuple[str, str | None, float]] = [
            (form, None, weight) for form in chain.from_iterable(forms[spoken] for forms in meanings)
        ]
        for one in own:
            if one.word_class == name:
                form, ipa = (one.zh, one.zh_ipa) if spoken is Language.ZH else (one.mn, one.mn_ipa)
                written.append((form, ipa, weight * _OWN_WEIGHT))
        for form, ipa, its_weight in written:
            yield _in_case(folded_template(form), ipa, its_weight, spoken, language, case)


def _in_case(text: str, ipa: str | None, weight: float, spoken: Language, language: Language, case: str) -> Phrase:
    """A word of `spoken` as it stands in a sentence of `language`; the ending of a case is Mongolian."""
    if not case:
        return Phrase(spoken, text, ipa, weight)
    if spoken is Language.ZH:
        return Phrase(language, f"{text} руу", f"{ipa} rʊː" if ipa else None, weight)
    cased = CASES[case](text)
    ending = cased.removeprefix(text).strip()
    return Phrase(spoken, cased, f"{ipa} {_SUFFIX_IPA.get(ending, f'ə{ending[-1:]}')}" if ipa else None, weight)


@dataclass(frozen=True, slots=True)
class Meant:
    """A sentence of the grammar: `plain` is the same one in the words of the training data, without own names."""

    intent: str
    plain: str


class Sentences:
    """Recognises a text that is, word for word, a sentence of the grammar, whatever fills its slots."""

    def __init__(self, source: Words, names: Iterable[OwnName] = ()) -> None:
        self._whole: dict[tuple[Language, str], Meant] = {}
        self._slotted: list[tuple[Language, tuple[str, ...], Meant]] = []
        for intent, phrase, plain in _sentences(source):
            pieces, meant = _pieces(phrase.text), Meant(intent, plain)
            if len(pieces) == 1 and not slots_of(phrase.text):
                self._whole.setdefault((phrase.language, pieces[0]), meant)
            else:
                self._slotted.append((phrase.language, pieces, meant))
        classes = resident_grammar(source, names).classes
        self._classes: Mapping[tuple[Language, str], list[tuple[Language, tuple[str, ...]]]] = {
            key: [(form.language, _pieces(form.text)) for form in forms] for key, forms in classes.items()
        }

    def find(self, text: str, language: Language) -> Meant | None:
        """The sentence that `text` is; None for anything else."""
        squeezed = fold(text).replace(" ", "")
        if (language, squeezed) in self._whole:
            return self._whole[language, squeezed]
        for spoken, pieces, meant in self._slotted:
            if spoken is language and len(squeezed) in self._ends(spoken, pieces, squeezed, 0):
                return meant
        return None

    def _ends(self, language: Language, pieces: tuple[str, ...], text: str, at: int) -> frozenset[int]:
        """Where `pieces` may end in `text` when they begin at `at`."""
        ends = {at}
        for piece in pieces:
            if piece.startswith("{"):
                forms = self._classes[language, piece[1:-1]]
                ends = {end for begin in ends for form in forms for end in self._ends(*form, text, begin)}
            else:
                ends = {begin + len(piece) for begin in ends if text.startswith(piece, begin)}
        return frozenset(ends)


def _pieces(template: str) -> tuple[str, ...]:
    """Literals without spaces, and slots as written."""
    return tuple(piece for found in _PIECES.findall(template) if (piece := found.replace(" ", "")))
