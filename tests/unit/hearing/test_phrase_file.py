from __future__ import annotations

from pathlib import Path

import pytest

from robot.errors import BadInput
from robot.messages import Language, Phrase
from robot.speech.lexicon import Lexicon
from robot.speech.phrase_file import LONGEST_PHRASE, PhraseFile, read_phrases
from tests.unit.hearing.conftest import MODEL

pytestmark = pytest.mark.unit

BYE = Phrase(Language.MN, "баяртай")


def read(tmp_path: Path, content: bytes) -> PhraseFile:
    path = tmp_path / "phrases.tsv"
    path.write_bytes(content)
    return read_phrases(path, Lexicon.of_model(MODEL))


def test_phrases_with_and_without_pronunciation_are_read(tmp_path: Path) -> None:
    content = "\ufeff# mine\n\nzh\t你好\nmn\tбаярлалаа\tbɑjə̌rllɑː\nmn\tбаяртай\t\n"
    assert read(tmp_path, content.encode()) == PhraseFile(
        (Phrase(Language.ZH, "你好"), Phrase(Language.MN, "баярлалаа", "bɑjə̌rllɑː"), BYE), ()
    )


@pytest.mark.parametrize("header", ["language\ttext\tpronunciation", "lang\ttext", "\ufefflanguage\ttext"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_header_and_either_line_end_are_fine(tmp_path: Path, header: str, end: str) -> None:
    assert read(tmp_path, f"{header}{end}MN\tбаяртай{end}".encode()) == PhraseFile((BYE,), ())


def test_mongolian_written_in_ipa_is_its_own_pronunciation(tmp_path: Path) -> None:
    assert read(tmp_path, "mn\tsæːn ʊː".encode()).phrases == (Phrase(Language.MN, "sæːn ʊː", "sæːn ʊː"),)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("你好", "expected zh or mn"),
        ("en\thello", "expected zh or mn"),
        ("zh\t", "expected zh or mn"),
        ("zh\ta\tb\tc", "expected zh or mn"),
        ("language\ttext", "expected zh or mn"),
        ("zh\t" + "好" * (LONGEST_PHRASE + 1), "at most"),
        ("mn\tбаяртай {person}", "slots"),
        ("mn\tбаяртай\tωω", "no sound of the model"),
        ("zh\t。", "nothing that can be spoken"),
    ],
)
def test_a_line_that_cannot_be_used_is_told_by_its_number_and_the_rest_is_kept(
    tmp_path: Path, line: str, words: str
) -> None:
    found = read(tmp_path, f"mn\tбаяртай\n{line}\n".encode())
    assert found.phrases == (BYE,)
    (problem,) = found.problems
    assert "line 2" in problem
    assert words in problem
    assert "\n" not in problem


def test_a_file_of_rubbish_is_not_told_line_by_line(tmp_path: Path) -> None:
    found = read(tmp_path, ("mn\tбаяртай\n" + "rubbish\n" * 500).encode())
    assert len(found.problems) < 20
    assert "more lines" in found.problems[-1]


@pytest.mark.parametrize("content", [b"", b"\n# only a comment\n", "language\ttext\n".encode("utf-16"), b"rubbish\n"])
def test_a_file_without_a_usable_phrase_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(BadInput, match=r"phrases\.tsv"):
        read(tmp_path, content)


def test_a_missing_file_or_a_folder_is_refused_by_name(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere.tsv"):
        with pytest.raises(BadInput, match=path.name):
            read_phrases(path, Lexicon.of_model(MODEL))


def test_digits_han_and_mixed_text_in_a_mongolian_row_are_read_by_the_lexicon(tmp_path: Path) -> None:
    texts = ("8", "2026", "你好", "打开 сайн", "CT")
    found = read(tmp_path, "".join(f"mn\t{text}\n" for text in texts).encode())
    assert found == PhraseFile(tuple(Phrase(Language.MN, text) for text in texts), ())


def test_a_mandarin_row_is_never_lost_to_its_ipa(tmp_path: Path) -> None:
    found = read(tmp_path, "zh\t设定\tʂɤ̂tîŋ\nzh\t你好\tθω\n".encode())
    assert ([phrase.text for phrase in found.phrases], found.problems) == (["设定", "你好"], ())


def test_pinyin_in_the_column_of_ipa_is_told_and_the_phrase_is_kept(tmp_path: Path) -> None:
    found = read(tmp_path, "zh\t救命\tjiù mìng\nzh\t那里\tnali\nmn\tбаяртай\n".encode())
    assert found.phrases == (Phrase(Language.ZH, "救命"), Phrase(Language.ZH, "那里", "nali"), BYE)
    (problem,) = found.problems
    assert "line 1: 'jiù mìng' looks like pinyin" in problem
