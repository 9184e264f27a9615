from __future__ import annotations

from pathlib import Path

import pytest

from robot.errors import MissingPart
from robot.messages import Language, Reading
from robot.speech.audio import load_clip
from robot.speech.dictation import FakeDictation, VoskDictation, dictated
from tests.unit.hearing.conftest import DATA

pytestmark = pytest.mark.unit

SONG = DATA / "zh" / "BAC009S0252W0056.ogg"


def test_free_speech_is_written_down_as_mandarin(dictation_model: Path) -> None:
    reading = VoskDictation(dictation_model).write(load_clip(SONG))
    assert reading is not None
    assert (reading.text, reading.language) == ("打开海阔天空", Language.ZH)


def test_nothing_is_written_of_silence(dictation_model: Path) -> None:
    assert VoskDictation(dictation_model).write(load_clip(SONG)[:0]) is None


@pytest.mark.parametrize(
    ("result", "text"),
    [
        ({"result": [{"word": "今天", "conf": 0.9}, {"word": "冷", "conf": 0.8}], "text": "今天 冷"}, "今天冷"),
        ({"result": [{"word": "[unk]", "conf": 1.0}, {"word": "冷", "conf": 0.8}], "text": "[unk] 冷"}, "冷"),
        ({"result": [{"word": "[unk]", "conf": 1.0}]}, None),
        ({"result": [{"word": "今天", "conf": 0.4}]}, None),
        ({"text": ""}, None),
    ],
)
def test_only_sure_words_are_believed(result: dict[str, object], text: str | None) -> None:
    reading = dictated(result)
    assert (reading and reading.text) == text


def test_without_a_model_it_says_how_to_bring_one(tmp_path: Path) -> None:
    with pytest.raises(MissingPart, match="fetch_dictation"):
        VoskDictation(tmp_path)


def test_the_fake_says_what_it_was_given() -> None:
    reading = Reading("冷", Language.ZH, 0.9)
    fake = FakeDictation(reading)
    assert fake.write(load_clip(SONG)) == reading
    assert fake.asked == 1
