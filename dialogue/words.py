"""The one source for words: loads `dialogue/words/*.yml` and answers questions about it.

Every file is checked when it is first read; a key that is not known, a language that is missing or a slot without a
class is a `BadConfiguration` that names the file and the key.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from itertools import chain
from pathlib import Path
from types import MappingProxyType

from dialogue.classes import CASES, Classes, numbers, samples, slots_of
from dialogue.text import fold, mentions, without
from dialogue.yaml_file import Record, read_mapping
from robot.errors import BadConfiguration
from robot.messages import Answer, Language, Phrase, PhraseKind, SafetyKind

FOLDER = Path(__file__).parent / "words"
URGENT = ("emergency", "i_am_fine", "i_am_hurt")
"""Intents whose phrases keep their meaning when another intent has the same words."""


class Review(str, Enum):
    """Which native speakers have read a text."""

    UNREVIEWED = "unreviewed"
    REVIEWED_ZH = "reviewed_zh"
    REVIEWED_MN = "reviewed_mn"
    REVIEWED = "reviewed"


@dataclass(frozen=True, slots=True)
class RobotText:
    """Something Hani says: `zh` and `mn` for the voice, `mong` (traditional script) for the screen where it exists."""

    key: str
    zh: str
    mn: str
    mong: str | None
    review: Review


@dataclass(frozen=True, slots=True)
class Example:
    """One way to say an intent; `text` may hold {slots}."""

    text: str
    pronunciation: str | None = None


@dataclass(frozen=True, slots=True)
class Intent:
    """What people may mean: `reply` is the key of the robot's text, `offers` what a following yes would ask for.

    `kind` is the one place that says what its phrases are for: safety, closed answer, command or free talk.
    """

    name: str
    meaning: str
    reply: str
    offers: str | None
    weight: float
    kind: PhraseKind
    examples: Mapping[Language, tuple[Example, ...]]
    keywords: Mapping[Language, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Safety:
    """Folded safety phrases with their kind: found anywhere, or only when they are all that was said."""

    anywhere: Mapping[tuple[Language, str], SafetyKind]
    alone: Mapping[tuple[Language, str], SafetyKind]
    harmless: Mapping[Language, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Answers:
    """The closed answers to the check-in, as written; see words/answers.yml for the meaning of each list."""

    fine: Mapping[Language, tuple[str, ...]]
    help: Mapping[Language, tuple[str, ...]]
    signs: Mapping[Language, tuple[str, ...]]
    fillers: Mapping[Language, tuple[str, ...]]
    harmless: Mapping[Language, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Words:
    """Everything in dialogue/words, and the classes of numbers."""

    intents: Mapping[str, Intent]
    classes: Classes
    robot: Mapping[str, RobotText]
    safety: Safety
    answers: Answers


def load(folder: Path = FOLDER) -> Words:
    """Read and check a folder of words. Raises `BadConfiguration`."""
    classes = {
        record.key: {form.key: form.languages() for form in record.records()}
        for record in read_mapping(folder / "classes.yml")
    }
    for name, made in numbers().items():
        if name in classes:
            raise BadConfiguration(f"classes.yml: the class {name} is made by rule; take it out.")
        classes[name] = {meaning: dict(forms) for meaning, forms in made.items()}
    robot = {record.key: _robot_text(record) for record in read_mapping(folder / "robot.yml")}
    safety_file = folder / "safety.yml"
    safety = _safety(read_mapping(safety_file))
    answers = _answers(folder / "answers.yml")
    sources = {
        "safety": {
            language: tuple(text for (spoken, text) in chain(safety.anywhere, safety.alone) if spoken is language)
            for language in Language
        },
        "answers.fine": answers.fine,
        "answers.help": answers.help,
    }
    intents: dict[str, Intent] = {}
    for path in sorted((folder / "people").glob("*.yml")):
        for record in read_mapping(path):
            if record.key in intents:
                raise BadConfiguration(f"{path.name}: the intent {record.key} is written twice; keep one.")
            intents[record.key] = _intent(record, sources)
    _check_references(intents, classes, robot)
    return Words(intents, classes, robot, safety, answers)


def _robot_text(record: Record) -> RobotText:
    record.only("zh", "mn", "mong", "review")
    review = record.text("review")
    if review not in {known.value for known in Review}:
        raise record.wrong("review", "one of " + ", ".join(known.value for known in Review))
    return RobotText(record.key, record.text("zh"), record.text("mn"), record.text_or_none("mong"), Review(review))


def _safety(records: Iterable[Record]) -> Safety:
    anywhere: dict[tuple[Language, str], SafetyKind] = {}
    alone: dict[tuple[Language, str], SafetyKind] = {}
    harmless: Mapping[Language, tuple[str, ...]] = {}
    for record in records:
        if record.key == "harmless":
            harmless = record.languages()
            continue
        if record.key not in {kind.value for kind in SafetyKind}:
            raise record.wrong("", "one of " + ", ".join(kind.value for kind in SafetyKind) + " or harmless")
        record.only("anywhere", "alone")
        for part in record.records():
            target = anywhere if part.key == "anywhere" else alone
            for language, texts in part.languages().items():
                target.update({(language, fold(text)): SafetyKind(record.key) for text in texts})
    return Safety(anywhere, alone, harmless)


def _answers(path: Path) -> Answers:
    lists = {record.key: record.languages() for record in read_mapping(path)}
    known = tuple(Answers.__dataclass_fields__)
    for key in lists:
        if key not in known:
            raise BadConfiguration(f"{path.name}: the key {key} is not known; use {', '.join(known)}.")
    missing = [key for key in known if key not in lists]
    if missing:
        raise BadConfiguration(f"{path.name}: the key {missing[0]} is missing; add it.")
    return Answers(**lists)


def _intent(record: Record, sources: Mapping[str, Mapping[Language, tuple[str, ...]]]) -> Intent:
    record.only("meaning", "reply", "offers", "weight", "kind", "keywords", "examples_from", "zh", "mn")
    source = record.text_or_none("examples_from")
    if source is not None and source not in sources:
        raise record.wrong("examples_from", "one of " + ", ".join(sources))
    keywords = next((part.languages() for part in record.records("keywords")), {})
    examples = {
        language: (
            *(_example(record, item) for item in record.items(language.value)),
            *(Example(text) for text in (sources[source][language] if source else ())),
        )
        for language in Language
    }
    for language, found in examples.items():
        if not found:
            raise record.wrong(language.value, "a list of examples")
    return Intent(
        name=record.key,
        meaning=record.text("meaning"),
        reply=record.text("reply"),
        offers=record.text_or_none("offers"),
        weight=record.number("weight", default=1.0),
        kind=_kind(record),
        examples=examples,
        keywords=keywords,
    )


def _kind(record: Record) -> PhraseKind:
    kind = record.text_or_none("kind") or PhraseKind.FREE.value
    if kind not in {known.value for known in PhraseKind}:
        raise record.wrong("kind", "one of " + ", ".join(known.value for known in PhraseKind))
    return PhraseKind(kind)


def _example(record: Record, item: object) -> Example:
    if isinstance(item, str):
        return Example(item)
    part = record.child("example", item)
    part.only("text", "pronunciation")
    return Example(part.text("text"), part.text("pronunciation"))


def _check_references(intents: Mapping[str, Intent], classes: Classes, robot: Mapping[str, RobotText]) -> None:
    for name, meanings in classes.items():
        for form in chain(*(chain(*forms.values()) for forms in meanings.values())):
            _check_slots(f"classes.yml: {name}", form, classes, (name,))
    for intent in intents.values():
        if intent.reply not in robot:
            raise BadConfiguration(f"people: {intent.name}.reply {intent.reply} is not in robot.yml; add the text.")
        for example in chain(*intent.examples.values()):
            _check_slots(f"people: {intent.name}", example.text, classes, ())


def _check_slots(where: str, template: str, classes: Classes, within: tuple[str, ...]) -> None:
    try:
        slots = slots_of(template)
    except ValueError:
        raise BadConfiguration(f"{where}: {template!r} has a brace without its partner.") from None
    for name, case in slots:
        if name not in classes:
            raise BadConfiguration(f"{where} uses {{{name}}}, which is not in classes.yml.")
        if case not in CASES:
            raise BadConfiguration(f"{where} uses {{{name}:{case}}}; the cases are {', '.join(filter(None, CASES))}.")
        if name in within:
            raise BadConfiguration(f"{where} stands within itself by {{{name}}}; a class must end.")
        for form in chain(*(chain(*forms.values()) for forms in classes[name].values())):
            _check_slots(where, form, classes, (*within, name))


@cache
def words() -> Words:
    """Load the words of the product, once."""
    return load()


def expand(example: Example, language: Language, source: Words) -> tuple[str, ...]:
    """Fill the slots of an example with at most `VALUES_OF_A_SLOT` values."""
    return samples(example.text, language, source.classes)


def phrases() -> tuple[Phrase, ...]:
    """What a resident may say, each once, slots filled with some of their values: for training and for measuring.

    The recogniser hears `dialogue.grammar`, which has all values. Safety phrases and check-in answers come first.
    """
    found: dict[tuple[Language, str], Phrase] = {}
    source = words()
    for intent in sorted(source.intents.values(), key=lambda intent: intent.name not in URGENT):
        for language, examples in intent.examples.items():
            for example in examples:
                for text in expand(example, language, source):
                    key = (language, fold(text))
                    if key not in found:
                        said = None if slots_of(example.text) else example.pronunciation
                        found[key] = Phrase(language, key[1], said, intent.weight, intent.kind)
    return tuple(found.values())


def safety_phrases() -> Mapping[tuple[Language, str], SafetyKind]:
    """Every safety phrase (folded) of both languages with its kind."""
    safety = words().safety
    return MappingProxyType({**safety.alone, **safety.anywhere})


def safety_kind(text: str, language: Language) -> SafetyKind | None:
    """The kind of cry for help in a text, or None."""
    safety = words().safety
    folded = without(fold(text), _folded(safety.harmless[language]))
    if (language, folded) in safety.alone:
        return safety.alone[language, folded]
    for (spoken, phrase), kind in safety.anywhere.items():
        if spoken is language and mentions(folded, phrase):
            return kind
    return None


def robot_text(key: str, language: Language, **slots: str) -> str:
    """Hani's text in a language, with its slots filled. Raises `BadConfiguration` for a wrong key or slot."""
    text = _text(key)
    template = text.zh if language is Language.ZH else text.mn
    try:
        return template.format(**slots)
    except KeyError as missing:
        raise BadConfiguration(f"robot.yml: {key} needs the slot {missing.args[0]}; pass it.") from None


def screen_text(key: str) -> RobotText:
    """Hani's text in every script for the screen (`mong` is None where nobody has written it yet)."""
    return _text(key)


def _text(key: str) -> RobotText:
    try:
        return words().robot[key]
    except KeyError:
        raise BadConfiguration(f"robot.yml: the text {key} does not exist; add it or correct the key.") from None


def answer(text: str, language: Language) -> Answer:
    """What a resident's words mean to an open check-in: FINE only if nothing else was said, HELP on any harm."""
    said = fold(text)
    answers = words().answers
    alarming = without(said, _folded(answers.harmless[language]))
    if safety_kind(said, language) or any(
        mentions(alarming, phrase) for phrase in _folded((*answers.help[language], *answers.signs[language]))
    ):
        return Answer.HELP
    rest = without(said, _folded(answers.fine[language]), endings=False)
    if rest == said or without(rest, _folded(answers.fillers[language]), endings=False):
        return Answer.UNCLEAR
    return Answer.FINE


@cache
def _folded(texts: tuple[str, ...]) -> tuple[str, ...]:
    """Folded texts, longest first, so that a cut never leaves the rest of a longer phrase."""
    return tuple(sorted((fold(text) for text in texts), key=len, reverse=True))
