from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robot.errors import BadInput
from robot.speech.ipa import ipa_tokens
from tests.unit.hearing.conftest import MODEL

pytestmark = pytest.mark.unit

TOKENS = frozenset((MODEL / "tokens.txt").read_text(encoding="utf-8").split()[1:])


@pytest.mark.parametrize(
    ("ipa", "tokens"),
    [
        ("sæːn bæːn ʊː?", "s æː n b æː n ʊː"),
        ("bɑjə̌rllɑː", "b ɑ j ə~ r l l ɑː"),
        ("bɑjə̆rllɑ:", "b ɑ j ə~ r l l ɑː"),
        ("tɑˑ", "t ɑː"),
        ("t͡ʃɑg", "ʧ ɑ g"),
        ("tʃɑg", "ʧ ɑ g"),
        ("d͜ʒʊː", "ʤ ʊː"),
        ("t͡sʰɑg", "Zc ɑ g"),
        ("d͡zʊː", "Zz ʊː"),
        ("yuː", "j uː"),
        ("xyn", "x u n"),
        ("ˈɔ.dɔ̃ː", "ɔ d ɔː"),
        ("tʰɑɮ", "t ɑ l"),
        ("sæːn ʊː<br />tɑː", "s æː n ʊː t ɑː"),
    ],
)
def test_writings_of_one_sound_are_one_token(ipa: str, tokens: str) -> None:
    assert ipa_tokens(ipa) == tuple(tokens.split())


def test_doubled_sounds_stay_two() -> None:
    assert ipa_tokens("ɑmttæː") == ("ɑ", "m", "t", "t", "æː")


@pytest.mark.parametrize(("ipa", "named"), [("θɑ", "'θ'.*03B8"), ("tɑ5", "'5'"), ("日", "'日'"), ("Cɑ", "'C'")])
def test_what_is_no_sound_of_the_model_is_named(ipa: str, named: str) -> None:
    with pytest.raises(BadInput, match=named):
        ipa_tokens(ipa)


@pytest.mark.parametrize("ipa", ["", " .,", "ːː", "\u030c"])
def test_silence_is_refused(ipa: str) -> None:
    with pytest.raises(BadInput, match="no sound"):
        ipa_tokens(ipa)


@given(st.text(alphabet=st.one_of(st.characters(), st.sampled_from("ɑæəiɔʊoueœyːˑ\u030cbdgtszʃʒ\u0361ʰ")), max_size=15))
def test_any_text_gives_tokens_of_the_model_or_one_line(text: str) -> None:
    tokens: tuple[str, ...] = ()
    refusal = ""
    try:
        tokens = ipa_tokens(text)
    except BadInput as error:
        refusal = str(error)
    assert len(refusal.splitlines()) == (0 if tokens else 1)
    assert set(tokens) <= TOKENS
