from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robot.errors import BadInput
from robot.messages import Language, Phrase
from robot.speech.lexicon import Lexicon
from robot.speech.mandarin_ipa import mandarin_ipa_tokens
from tests.unit.hearing.conftest import MODEL

pytestmark = pytest.mark.unit

LEXICON = Lexicon.of_model(MODEL)


@pytest.mark.parametrize(
    ("han", "ipa"),
    [
        ("设定", "ʂɤ̂tîŋ"),
        ("你好", "ni˨˩˦ xɑʊ̯˨˩˦"),
        ("救命", "tɕjôʊmîŋ"),
        ("打开", "tǎkʰái"),
        ("电视", "tjɛ̂nʂɻ̩̂"),
        ("老师", "lɑ̌ʊ̯ʂʅ"),
        ("四月", "sɿ⁵¹ɥɛ⁵¹"),
        ("喝水", "xɤ˥ ʂweɪ̯˨˩"),
        ("工作", "kʊ́ŋtswɔ̂"),
        ("波浪", "pwɔ́lɑ̂ŋ"),
        ("雄伟", "ɕjʊ̌ŋweɪ"),
        ("那里", "nali"),
        ("日本", "ʐ̩pən"),
        ("三次", "sän˥ t͡sʰz̩˥˩"),
    ],
)
def test_ipa_of_a_dictionary_is_what_the_rules_say(han: str, ipa: str) -> None:
    assert mandarin_ipa_tokens(ipa) == LEXICON.pronounce(Phrase(Language.ZH, han))[0]


@given(st.text(alphabet=st.one_of(st.characters(), st.sampled_from("ptkʰʂʐɕtsaəɤiuyɑnŋjwɥ˥ˈ\u030c ")), max_size=15))
def test_any_text_gives_tokens_of_the_model_or_a_refusal(text: str) -> None:
    try:
        tokens = mandarin_ipa_tokens(text)
    except BadInput:
        return
    assert tokens
    assert set(tokens) <= set(LEXICON.tokens[1:])


def test_of_han_the_rules_stay_and_readable_ipa_comes_first() -> None:
    rules = LEXICON.pronounce(Phrase(Language.ZH, "单明"))
    with_ipa = LEXICON.pronounce(Phrase(Language.ZH, "单明", "ʂân mǐŋ"))
    assert with_ipa[0] == ("Sh", "Zan", "m", "Zing")
    assert set(rules) <= set(with_ipa)
    assert LEXICON.pronounce(Phrase(Language.ZH, "单明", "θɑ5?")) == rules


def test_a_caron_on_a_mandarin_vowel_is_a_tone_and_on_a_mongolian_one_makes_it_short() -> None:
    assert LEXICON.pronounce(Phrase(Language.ZH, "bǎ", "bɑ̌t")) == (("b", "ɑ", "t"),)
    assert LEXICON.pronounce(Phrase(Language.MN, "bɑ̌", "bɑ̌")) == (("b", "ə~"),)
