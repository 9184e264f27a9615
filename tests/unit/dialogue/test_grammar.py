"""What the recogniser can hear is what the dialogue can understand, whatever fills a slot."""

from __future__ import annotations

import random
from collections import Counter
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogue.classes import CASES, direction, filled, folded_template, location, samples, slots_of
from dialogue.engine import Dialogue
from dialogue.grammar import Sentences, blamed, everyday, resident_grammar
from dialogue.reply import UNKNOWN, DialogueEngine, Verdict
from dialogue.rules import Rules
from dialogue.words import phrases, safety_kind, safety_phrases, words
from robot.errors import BadConfiguration, LinkFault
from robot.messages import Grammar, Language, OwnName, Phrase, PhraseKind

pytestmark = pytest.mark.unit

ZH, MN = Language.ZH, Language.MN
NOON = datetime(2026, 11, 21, 15, 20)
NAMES = (
    OwnName("person", "萨仁", "Саран"),
    OwnName("person", "王大夫", "Ван эмч"),
    OwnName("medicine", "硝苯地平", "нифедипин"),
    OwnName("place", "白音锡勒", "Баян шил", mn_ipa="bæjə̌n ʃil"),
)
GRAMMAR = resident_grammar(words(), NAMES)


class Listening(DialogueEngine):
    """A fake engine: knows the sentences of the training data and nothing else, and notes what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._known = {phrase.text: phrase for phrase in phrases()}

    def understand(self, text: str, language: Language, now_s: float) -> Verdict:
        self.asked.append(text)
        if text not in self._known:
            return Verdict(UNKNOWN, 0.0, "fake", "default")
        return Rules().understand(text, language, now_s)


class Down(DialogueEngine):
    """A fake engine that is out of reach."""

    def understand(self, text: str, language: Language, now_s: float) -> Verdict:
        raise LinkFault("down")


def random_sentence(grammar: Grammar, phrase: Phrase, draw: random.Random) -> str:
    values = []
    for name, case in slots_of(phrase.text):
        form = draw.choice(grammar.classes[phrase.language, f"{name}:{case}" if case else name])
        values.append(random_sentence(grammar, form, draw))
    return filled(phrase.text, values)


def test_the_grammar_holds_as_much_as_it_did_when_it_was_last_looked_at() -> None:
    """Golden figures: whoever changes words looks at what became of the grammar, and writes the new figures here."""
    plain = resident_grammar(words())
    for language, kinds, classes in (
        (
            ZH,
            "safety 52, answer 59, command 131, free 219",
            "body_part 35, clock 6, count 11, date 7, day 31, hour 12, medicine 29, minute 59, month 12, number 100, "
            "part 9, person 33, place 24, time 2",
        ),
        (
            MN,
            "safety 44, answer 50, command 122, free 217",
            "body_part 35, clock 3, count 11, date 5, day 31, hour 12, medicine 29, minute 59, month 12, number 100, "
            "part 6, person 33, person:to 33, place:in 12, place:to 24, time 2",
        ),
    ):
        counts = Counter(phrase.kind for phrase in plain.phrases if phrase.language is language)
        assert ", ".join(f"{kind.value} {counts[kind]}" for kind in PhraseKind) == kinds
        sizes = sorted((slot, len(forms)) for (spoken, slot), forms in plain.classes.items() if spoken is language)
        assert ", ".join(f"{slot} {size}" for slot, size in sizes) == classes


def test_safety_phrases_are_in_the_grammar_at_full_weight_and_told_as_such() -> None:
    found = {(phrase.language, phrase.text): phrase for phrase in GRAMMAR.phrases}
    for key in safety_phrases():
        assert found[key].kind is PhraseKind.SAFETY
        assert found[key].weight == max(phrase.weight for phrase in GRAMMAR.phrases)
    assert {phrase.kind for phrase in GRAMMAR.phrases} == set(PhraseKind)


@pytest.mark.parametrize("seed", range(20))
def test_every_sentence_of_the_grammar_is_understood_as_its_intent(seed: int) -> None:
    draw = random.Random(seed)
    sentences = Sentences(words(), NAMES)
    for phrase in GRAMMAR.phrases:
        text = random_sentence(GRAMMAR, phrase, draw)
        meant = sentences.find(text, phrase.language)
        assert meant is not None, text
        if slots_of(phrase.text):
            pattern = sentences.find(filled(phrase.text, _firsts(phrase)), phrase.language)
            assert pattern is not None
            assert meant.intent == pattern.intent


def _firsts(phrase: Phrase) -> list[str]:
    return [samples(f"{{{name}:{case}}}", phrase.language, words().classes)[0] for name, case in slots_of(phrase.text)]


@pytest.mark.parametrize(
    ("language", "text", "intent", "plain"),
    [
        (ZH, "给萨仁打电话", "call_family", "给儿子打电话"),
        (ZH, "给 хүү 打电话", "call_family", "给儿子打电话"),
        (ZH, "给 Саран 打个电话", "call_family", "给儿子打个电话"),
        (MN, "儿子 руу утасдаач", "call_family", "хүү рүү утасдаач"),
        (MN, "Саран руу утасдаач", "call_family", "хүү рүү утасдаач"),
        (MN, "Ван эмч рүү залгаарай", "call_family", "хүү рүү залгаарай"),
        (MN, "би 硝苯地平 уучихсан", "med_confirm", "би даралтны эм уучихсан"),
        (ZH, "我 толгой 疼", "report_pain", "我头疼"),
        (ZH, "晚上七点四十五分提醒我吃硝苯地平", "med_query", "早上一点提醒我吃降压药"),
        (ZH, "十月二十一号天气怎么样", "ask_weather", "明天天气怎么样"),
        (MN, "Баян шилд цаг агаар ямар байна", "ask_weather", "нутагт цаг агаар ямар байна"),
        (ZH, "我今年八十七岁了", "chitchat", "我今年一岁了"),
        (MN, "би наян долоон настай", "chitchat", "би нэг настай"),
    ],
)
def test_names_numbers_and_mixed_sentences_reach_the_dialogue_as_words_it_was_trained_on(
    language: Language, text: str, intent: str, plain: str
) -> None:
    engine = Listening()
    reply = Dialogue(engine, names=NAMES).respond(text, language, 0.0, NOON)
    assert (reply.intent, engine.asked) == (intent, [plain])
    without_server = Dialogue(Down(), names=NAMES).respond(text, language, 0.0, NOON)
    assert (without_server.intent, without_server.engine, without_server.confidence) == (intent, "rules", 1.0)


def test_a_name_of_somebody_else_and_other_texts_go_to_the_engine_as_they_are() -> None:
    engine = Listening()
    dialogue = Dialogue(engine)
    for text in ("给萨仁打电话", "给儿子打电话吧", "你好"):
        dialogue.respond(text, ZH, 0.0, NOON)
    assert engine.asked == ["给萨仁打电话", "给儿子打电话吧", "你好"]


def test_no_sentence_means_two_things_whatever_fills_its_slots() -> None:
    """`Sentences` would take the first; checked over all sentences but those with times and dates."""
    sentences = Sentences(words(), NAMES)
    counts = Counter((language, text) for language, text in everyday(GRAMMAR))
    for (language, text), count in counts.items():
        assert sentences.find(text, language) is not None
        assert count == 1, text


def test_no_slot_makes_a_cry_for_help_of_another_sentence() -> None:
    spoken = {(phrase.language, phrase.text) for phrase in GRAMMAR.phrases if phrase.kind is PhraseKind.SAFETY}
    assert {key for key in everyday(GRAMMAR) if safety_kind(key[1], key[0])} == spoken


def test_a_form_of_a_class_is_heard_in_its_own_language_first() -> None:
    forms = {form.text: form for form in GRAMMAR.classes[ZH, "person"]}
    assert forms["萨仁"].weight > forms["儿子"].weight > forms["хүү"].weight
    assert forms["хүү"].language is MN
    assert forms["саран"].weight > forms["хүү"].weight
    assert {form.language for form in GRAMMAR.classes[ZH, "hour"]} == {ZH}
    assert GRAMMAR.names == ("萨仁", "王大夫")


def test_the_ipa_of_a_name_is_kept_with_its_case_endings() -> None:
    assert {form.text: form.pronunciation for form in GRAMMAR.classes[MN, "place:in"]}["баян шилд"] == "bæjə̌n ʃil d"
    assert {form.text: form.pronunciation for form in GRAMMAR.classes[MN, "place:to"]}["баян шил рүү"] == (
        "bæjə̌n ʃil ruː"
    )


@pytest.mark.parametrize(
    ("noun", "to", "within"),
    [
        ("хүү", "хүү рүү", "хүүд"),
        ("охин", "охин руу", "охинд"),
        ("ач хүү", "ач хүү рүү", "ач хүүд"),
        ("хань", "хань руу", "ханьд"),
        ("гэр", "гэр лүү", "гэрт"),
        ("эмнэлэг", "эмнэлэг рүү", "эмнэлэгт"),
        ("хот", "хот руу", "хотод"),
        ("улаанхад", "улаанхад руу", "улаанхадад"),
        ("ордос", "ордос руу", "ордост"),
        ("өвөрхангай", "өвөрхангай руу", "өвөрхангайд"),
    ],
)
def test_case_endings(noun: str, to: str, within: str) -> None:
    assert direction(noun) == to
    assert location(noun) == within


@given(st.text(alphabet="абвгдежзиклмнопрстуүфхцчшэөя ", min_size=1).filter(str.strip), st.sampled_from(sorted(CASES)))
def test_no_name_breaks_the_endings(noun: str, case: str) -> None:
    assert CASES[case](noun.strip()).startswith(noun.strip())


def test_folding_a_template_keeps_its_slots() -> None:
    assert folded_template("Миний {person:to}, утасдаарай!") == "миний {person:to} утасдаарай"
    assert folded_template("给{person}打电话。") == "给{person}打电话"


@pytest.mark.parametrize("name", [OwnName("body_part", "头", "толгой"), OwnName("robot", "小爱", "Сяо ай")])
def test_a_name_of_a_class_without_names_is_refused_without_telling_it(name: OwnName) -> None:
    with pytest.raises(BadConfiguration, match=name.word_class) as caught:
        resident_grammar(words(), [name])
    assert name.zh not in str(caught.value)


def test_the_name_that_an_error_is_about_is_told_by_its_place() -> None:
    assert blamed(NAMES, "Phrase 'баян шил рүү' needs the sound 'q'") == "names.place.0"
    assert blamed(NAMES, "Phrase '王大夫' ...") == "names.person.1"
    assert blamed(NAMES, "something else") == "names"
