from __future__ import annotations

from datetime import datetime

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dialogue.clock import date_words, mn_number, time_words, zh_number
from dialogue.paths import PROJECT_SOURCE
from dialogue.reply import UNKNOWN
from dialogue.rules import EXACT, OFFER_REPLIES, Rules, match
from dialogue.text import fold, language_of, spelling_key
from dialogue.words import phrases, safety_phrases
from robot.messages import Language

pytestmark = pytest.mark.unit

ZH, MN = Language.ZH, Language.MN


@pytest.mark.parametrize(
    ("language", "text", "intent"),
    [
        (ZH, "救命啊", "emergency"),
        (MN, "Би уналаа", "emergency"),
        (ZH, "别说了", "stop"),
        (MN, "зогс", "stop"),
        (ZH, "请你大声一点说", "louder"),
        (MN, "дууг багасгаарай", "quieter"),
        (MN, "удаан ярь", "slower"),
        (MN, "та дахиад нэг хэлээч", "repeat"),
        (MN, "одоо хэдэн цаг бэ", "ask_time"),
        (ZH, "今天星期几呀", "ask_date"),
        (ZH, "帮我给隔壁打个电话", "call_family"),
        (MN, "би эмээ уусан", "med_confirm"),
        (ZH, "你好", "greet"),
        (MN, "Баярлалаа!", "thank"),
        (ZH, "想听歌曲荷塘月色", "play_music"),
        (ZH, "我没事", "i_am_fine"),
    ],
)
def test_what_must_work_without_rasa(language: Language, text: str, intent: str) -> None:
    assert match(text, language)[0] == intent


@pytest.mark.parametrize(
    ("language", "text"),
    [
        (ZH, "就我一个人在家"),
        (ZH, "我没有摔倒"),
        (ZH, "昨天我摔了一个碗"),
        (MN, "амраарай"),
        (MN, "хоол хийхэд туслаач"),
    ],
)
def test_traps_are_no_emergency(language: Language, text: str) -> None:
    assert match(text, language)[0] != "emergency"


def test_gibberish_and_silence_are_not_understood() -> None:
    for text in ("", "…", "qwerty", "ზღვა"):
        verdict = Rules().understand(text, ZH, 0.0)
        assert (verdict.intent, verdict.confidence, verdict.purpose) == (UNKNOWN, 0.0, "default")


def test_every_phrase_of_the_grammar_is_understood_with_certainty() -> None:
    for phrase in phrases():
        intent, confidence = match(phrase.text, phrase.language)
        assert confidence == EXACT
        assert intent == "emergency" or (phrase.language, phrase.text) not in safety_phrases()


def test_yes_answers_only_the_offer_of_the_turn_before() -> None:
    rules = Rules()
    assert rules.understand("好的", ZH, 0.0).purpose == "ok"
    rules.follow("report_pain")
    assert rules.understand("好的", ZH, 0.0).purpose == "call_care"
    assert rules.understand("不用", ZH, 0.0).purpose == "no_call"
    rules.follow("ask_time")
    assert rules.understand("好的", ZH, 0.0).purpose == "ok"
    rules.follow("play_music")
    assert rules.understand("тийм", MN, 0.0).purpose == "tell_story"


def test_rules_and_rasa_agree_on_what_an_offer_means() -> None:
    content = yaml.safe_load((PROJECT_SOURCE / "data" / "rules" / "offers.yml").read_text(encoding="utf-8"))
    in_rasa = {}
    for rule in content["rules"]:
        offer = rule["condition"][0]["slot_was_set"][0]["offer"]
        in_rasa[offer, rule["steps"][0]["intent"]] = rule["steps"][1]["action"].removeprefix("utter_")
    plain = {"affirm": "ok", "deny": "no_need"}
    for (offer, intent), purpose in in_rasa.items():
        assert OFFER_REPLIES.get((offer, intent), plain[intent]) == purpose


@pytest.mark.parametrize(
    ("hour", "minute", "zh", "mn"),
    [
        (15, 20, "下午三点二十分", "үдээс хойш гурван цаг хорин минут"),
        (0, 5, "凌晨十二点零五分", "шөнийн арван хоёр цаг таван минут"),
        (2, 0, "凌晨两点", "шөнийн хоёр цаг"),
        (7, 30, "早上七点半", "өглөөний долоон цаг хагас"),
        (12, 59, "中午十二点五十九分", "үдийн арван хоёр цаг тавин есөн минут"),
        (23, 10, "晚上十一点十分", "шөнийн арван нэг цаг арван минут"),
    ],
)
def test_the_time_is_spoken_in_words(hour: int, minute: int, zh: str, mn: str) -> None:
    local = datetime(2026, 11, 21, hour, minute)
    assert time_words(local, ZH) == zh
    assert time_words(local, MN) == mn


def test_the_date_is_spoken_in_words() -> None:
    local = datetime(2026, 11, 21)
    assert date_words(local, ZH) == "十一月二十一号，星期六"
    assert date_words(local, MN) == "арван нэг сарын хорин нэгний өдөр, гарагийн зургаан"


@given(st.datetimes())
def test_no_moment_is_spoken_with_digits_or_gaps(local: datetime) -> None:
    for language in Language:
        spoken = time_words(local, language) + " " + date_words(local, language)
        assert not any(letter.isascii() and letter.isalnum() for letter in spoken)
        assert "  " not in spoken


def test_numbers_are_distinct() -> None:
    assert len({zh_number(value) for value in range(100)}) == 100
    assert len({mn_number(value) for value in range(1, 60)}) == 59


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("你好", "zh"),
        ("сайн уу", "mn"),
        ("ᠰᠠᠶᠢᠨ", "mn"),
        ("我叫Бат", "zh"),
        ("би 北京 явлаа", "mn"),
        ("ok", None),
        ("", None),
    ],
)
def test_language_is_told_by_script(text: str, language: str | None) -> None:
    assert language_of(text) == language


@given(st.text())
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


def test_spellings_that_sound_alike_have_one_key() -> None:
    assert spelling_key("үгүй") == spelling_key("угуй")
    assert spelling_key("сайнаа") == spelling_key("сайна")
