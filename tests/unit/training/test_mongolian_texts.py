"""What is spoken for a fold to learn from holds nothing that the fold is measured on."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.speech.training.mongolian_texts import ipa, lines, parted
from robot.messages import Language, Phrase
from robot.speech.evaluation.collection import Clip
from robot.speech.evaluation.holdout import held_out
from robot.speech.ipa import ipa_tokens

pytestmark = pytest.mark.unit

LEFT_OUT, FREE = ("s", "æː", "n"), ("ɑː", "b")


def clip(way: tuple[str, ...], *, out: bool) -> Clip:
    return Clip(Path("x.flac"), Phrase(Language.MN, "".join(way)), way, "mn_A", "somewhere", out)


def test_a_phrase_that_differs_from_one_left_out_by_one_sound_is_left_out_too() -> None:
    more = [("s", "æ", "n"), ("s", "æː", "n", "ə~"), ("b", "ɑ", "g", "ʃ")]
    free, kept = parted([clip(LEFT_OUT, out=True), clip(FREE, out=False)], more)
    assert free == ["bɑgʃ", "ɑːb"]
    assert sorted(kept) == sorted(["sæːn", "sæn", "sæːnə̌"])


def test_no_line_that_a_fold_may_hear_holds_a_phrase_left_out() -> None:
    made = lines(["ɑːb", "bɑgʃ ɑː"], ["sæːn"], 200)
    heard = [line for line in made if not held_out("mn", line.replace(",", ""))]
    assert 100 < len(heard) < 200
    assert not any("sæːn" in line for line in heard)
    assert all("sæːn" in line for line in made if line not in heard)


def test_what_is_written_is_read_back() -> None:
    way = ("x", "ə~", "ŋ", "g", "ʧ", "oː")
    assert ipa_tokens(ipa(way)) == way
