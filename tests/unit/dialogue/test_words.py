from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dialogue.classes import VALUES_OF_A_SLOT, slots_of
from dialogue.text import fold, without
from dialogue.words import (
    FOLDER,
    answer,
    expand,
    load,
    phrases,
    robot_text,
    safety_kind,
    safety_phrases,
    screen_text,
    words,
)
from robot.errors import BadConfiguration
from robot.messages import Answer, Language, Phrase, SafetyKind

pytestmark = pytest.mark.unit

ZH, MN = Language.ZH, Language.MN

NEEDED_BY_OTHERS = [
    "check_in_1",
    "check_in_2",
    "check_in_ok",
    "help_coming",
    "help_on_the_way_repeat",
    "alarm_raised",
    "not_reached_yet",
    "reminder_medicine",
    "reminder_late",
    "bed_exit_light",
    "morning_greeting",
    "alarm_closed",
    "default",
    "filler",
    "fine_after_cancel",
]

RECORDED = [
    (ZH, "想听歌曲荷塘月色"),
    (ZH, "想听歌曲等你等了那么久"),
    (ZH, "打开娱乐频道"),
    (ZH, "打开荷塘月色"),
    (MN, "одоо хэдэн цаг бэ"),
    (MN, "сайн байна уу"),
    (MN, "баярлалаа"),
    (MN, "та дахиад нэг хэлээч"),
    (MN, "та дахиад нэг хэлэх үү"),
]


@pytest.mark.parametrize("key", NEEDED_BY_OTHERS)
@pytest.mark.parametrize("language", list(Language))
def test_texts_that_other_parts_ask_for_exist(key: str, language: Language) -> None:
    assert robot_text(key, language)


@pytest.mark.parametrize("key", sorted(words().robot))
def test_every_robot_text_is_in_its_script_and_has_the_same_slots_in_both_languages(key: str) -> None:
    text = screen_text(key)
    assert re.search("[\u4e00-\u9fff]", text.zh)
    assert re.search("[\u0400-\u04ff]", text.mn)
    assert not re.search("[\u0400-\u04ff]", text.zh)
    assert not re.search("[\u4e00-\u9fff]", text.mn)
    assert text.mong is None or re.search("[\u1800-\u18af]", text.mong)
    assert slots_of(text.zh) == slots_of(text.mn)


@pytest.mark.parametrize("key", sorted(words().robot))
@pytest.mark.parametrize("language", list(Language))
def test_hani_never_says_a_safety_word_or_a_cancelling_answer_because_it_hears_itself(
    key: str, language: Language
) -> None:
    spoken = fold(screen_text(key).zh if language is ZH else screen_text(key).mn)
    assert safety_kind(spoken, language) is None
    assert answer(spoken, language) is not Answer.FINE
    assert not [text for text in words().answers.fine[language] if len(fold(text)) > 4 and fold(text) in spoken]


@pytest.mark.parametrize(("language", "text"), RECORDED)
def test_recorded_phrases_are_in_the_grammar(language: Language, text: str) -> None:
    assert (language, text) in {(phrase.language, phrase.text) for phrase in phrases()}


def test_pronunciations_reach_the_grammar() -> None:
    spoken = {phrase.text: phrase.pronunciation for phrase in phrases()}
    assert spoken["баярлалаа"] == "bɑjə̌rllɑː"
    assert spoken["你好"] is None


def test_the_grammar_is_speakable_bounded_and_without_repetition() -> None:
    """The lexicon spells Han and Cyrillic only; a graph of many phrases confuses them."""
    grammar = phrases()
    assert len({(phrase.language, phrase.text) for phrase in grammar}) == len(grammar) < 1_300
    for phrase in grammar:
        assert re.fullmatch("[\u4e00-\u9fff]+" if phrase.language is ZH else "[\u0400-\u04ff ]+", phrase.text)
        assert phrase.weight > 0


def test_no_phrase_means_two_things() -> None:
    """A text in two intents would teach the classifier to toss a coin."""
    meaning: dict[tuple[Language, str], str] = {}
    for intent in words().intents.values():
        for language, examples in intent.examples.items():
            for template in examples:
                for text in expand(template, language, words()):
                    assert meaning.setdefault((language, fold(text)), intent.name) == intent.name


def test_slots_expand_to_a_bounded_number_of_phrases() -> None:
    for intent in words().intents.values():
        for language, examples in intent.examples.items():
            for template in examples:
                assert 1 <= len(expand(template, language, words())) <= VALUES_OF_A_SLOT


@pytest.mark.parametrize(("language", "text"), sorted(safety_phrases(), key=str))
def test_every_safety_phrase_is_heard_classified_and_means_help(language: Language, text: str) -> None:
    assert safety_kind(text, language) is safety_phrases()[language, text]
    assert answer(text, language) is Answer.HELP
    assert (language, text) in {(phrase.language, phrase.text) for phrase in phrases()}


@pytest.mark.parametrize("kind", list(SafetyKind))
@pytest.mark.parametrize("language", list(Language))
def test_every_kind_of_danger_has_words_in_both_languages(kind: SafetyKind, language: Language) -> None:
    assert [text for (spoken, text), found in safety_phrases().items() if found is kind and spoken is language]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        (ZH, "就我一个人在家"),  # sounds like 救我
        (ZH, "我没有摔倒"),
        (ZH, "昨天我摔了一个碗"),
        (ZH, "救命恩人的故事"),
        (MN, "сайхан амраарай"),  # rest, one letter from "save"
        (MN, "хоол хийхэд туслаач"),  # help in the kitchen
        (MN, "чи надад юугаар туслах вэ"),
        (MN, "тусламж хэрэггүй"),
    ],
)
def test_traps_that_look_like_safety_words_are_none(language: Language, text: str) -> None:
    assert safety_kind(text, language) is None


@pytest.mark.parametrize(
    ("language", "text", "kind"),
    [
        (MN, "Би уналаа.", SafetyKind.FALL),
        (MN, "би унав", SafetyKind.FALL),
        (ZH, "哎呀，我摔倒了！", SafetyKind.FALL),
        (ZH, "救 命！", SafetyKind.HELP),
        (MN, "намайг авраарай", SafetyKind.HELP),
    ],
)
def test_cries_for_help_survive_punctuation_and_company(language: Language, text: str, kind: SafetyKind) -> None:
    assert safety_kind(text, language) is kind


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        (ZH, "我没事，谢谢你", Answer.FINE),
        (ZH, "我没有摔倒", Answer.FINE),
        (ZH, "我不疼", Answer.FINE),
        (MN, "Би зүгээр ээ, баярлалаа", Answer.FINE),
        (MN, "би унаагүй", Answer.FINE),
        (ZH, "我没事就是腿疼", Answer.HELP),
        (ZH, "我起不来", Answer.HELP),
        (MN, "би зүгээр биш", Answer.HELP),
        (MN, "зүгээр ч хөл минь өвдөж байна", Answer.HELP),
        (ZH, "好", Answer.UNCLEAR),
        (ZH, "是的", Answer.UNCLEAR),
        (ZH, "没事吗", Answer.UNCLEAR),
        (ZH, "我没事才怪", Answer.UNCLEAR),
        (MN, "тийм", Answer.UNCLEAR),
        (MN, "сайн байна уу", Answer.UNCLEAR),
        (MN, "би зүгээргүй", Answer.UNCLEAR),  # the ending denies it
        (MN, "би зүгээр 腿疼", Answer.UNCLEAR),
        (ZH, "", Answer.UNCLEAR),
    ],
)
def test_only_a_clear_positive_answer_is_fine(language: Language, text: str, expected: Answer) -> None:
    assert answer(text, language) is expected


@pytest.mark.parametrize("language", list(Language))
def test_the_answer_lists_mean_what_they_say(language: Language) -> None:
    assert {answer(text, language) for text in words().answers.fine[language]} == {Answer.FINE}
    assert {answer(text, language) for text in words().answers.help[language]} == {Answer.HELP}


@settings(max_examples=500)
@example(fine=(Language.MN, "би зүгээр"), other=Phrase(Language.MN, "тийм ээ"), first=False)
@given(
    fine=st.sampled_from([(language, text) for language in Language for text in words().answers.fine[language]]),
    other=st.sampled_from(phrases()),
    first=st.booleans(),
)
def test_a_fine_word_beside_anything_else_never_cancels_unless_that_is_fine_too(
    fine: tuple[Language, str], other: Phrase, first: bool
) -> None:
    language, text = fine
    alone = answer(other.text, language)
    fillers = sorted((fold(filler) for filler in words().answers.fillers[language]), key=len, reverse=True)
    only_fillers = not without(fold(other.text), tuple(fillers), endings=False)
    joined = f"{text} {other.text}" if first else f"{other.text} {text}"
    if answer(joined, language) is Answer.FINE:
        assert alone is Answer.FINE or only_fillers


@given(st.text())
def test_no_text_from_outside_breaks_the_answers(text: str) -> None:
    for language in Language:
        assert answer(text, language) in Answer
        safety_kind(text, language)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FOLDER, tmp_path / "words"))


@pytest.mark.parametrize(
    ("file", "old", "new", "named"),
    [
        ("robot.yml", "  review: unreviewed", "  reviewed: yes", "reviewed"),
        ("robot.yml", "  review: unreviewed", "  review: maybe", "review"),
        ("people/ask.yml", "  reply: tell_time", "  reply: no_such_text", "no_such_text"),
        ("people/ask.yml", "  meaning:", "  meening:", "meening"),
        ("people/care.yml", "{person}", "{persons}", "persons"),
        ("people/care.yml", "{person:to}", "{person:onto}", "person:onto"),
        ("people/care.yml", "kind: safety", "kind: grave", "kind"),
        ("classes.yml", '["{clock}"], mn', '["{time}"], mn', "time"),
        ("classes.yml", '["{clock}"], mn', '["{clock"], mn', "brace"),
        ("classes.yml", "clock:", "hour:", "hour"),
        ("people/care.yml", "examples_from: safety", "examples_from: nowhere", "examples_from"),
        ("safety.yml", "fire:", "flood:", "flood"),
        ("answers.yml", "signs:", "sings:", "sings"),
        ("classes.yml", "mn: [хүү]", "en: [son]", "en"),
        ("robot.yml", "check_in_2:", "check_in_1:", "check_in_1"),
    ],
)
def test_a_wrong_key_is_an_error_that_names_file_and_key(
    folder: Path, file: str, old: str, new: str, named: str
) -> None:
    path = folder / file
    path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1 if "check" in old else -1), encoding="utf-8")
    with pytest.raises(BadConfiguration) as caught:
        load(folder)
    assert named in str(caught.value)
    assert file.partition("/")[0].removesuffix(".yml") in str(caught.value) or Path(file).name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_key_or_a_missing_slot_is_an_error_of_one_line() -> None:
    with pytest.raises(BadConfiguration, match="no_such_key"):
        robot_text("no_such_key", ZH)
    with pytest.raises(BadConfiguration, match="time"):
        robot_text("tell_time", ZH)
