from __future__ import annotations

import errno
from pathlib import Path

import pytest

from robot.errors import BadConfiguration, BadInput, HaniError
from robot.messages import Grammar, Language, Phrase
from robot.speech import graph_ladder
from robot.speech.graph_ladder import anywhere, first_that_compiles
from tests.unit.hearing.conftest import MODEL

pytestmark = pytest.mark.unit

PLAIN = Grammar((Phrase(Language.ZH, "你好"),), {})
SAFETY = Grammar((Phrase(Language.ZH, "救命"),), {})


def refusing(error: HaniError) -> Grammar:
    raise error


@pytest.fixture
def fake_build(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """A fake of the builder: every grammar compiles, in the folders that are not in the list."""
    full: list[Path] = []

    def ensure(_grammar: Grammar, _model: Path, folder: Path) -> Path:
        if folder in full:
            raise OSError(errno.ENOSPC, "full")
        return folder / "graph"

    monkeypatch.setattr(graph_ladder, "ensure_graph", ensure)
    return full


@pytest.mark.parametrize("refused", [0, 1, 2])
def test_the_first_grammar_that_compiles_is_listened_for(tmp_path: Path, fake_build: list[Path], refused: int) -> None:
    assert fake_build == []
    errors = [BadConfiguration("names"), BadInput("sentences")][:refused]
    rungs = [*(lambda error=error: refusing(error) for error in errors), lambda: PLAIN, lambda: SAFETY]
    compiled = first_that_compiles(rungs, MODEL, tmp_path)
    assert (compiled.grammar, compiled.rung, compiled.refused) == (PLAIN, refused, tuple(errors))
    assert (compiled.graph, compiled.temporary) == (tmp_path / "graph", False)


def test_when_nothing_compiles_the_last_error_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="last"):
        first_that_compiles(
            [lambda: refusing(BadConfiguration("first")), lambda: refusing(BadInput("last"))], MODEL, tmp_path
        )


def test_on_a_full_disk_the_wanted_grammar_lies_in_a_folder_of_its_owner(
    tmp_path: Path, fake_build: list[Path]
) -> None:
    fake_build.append(tmp_path)
    compiled = first_that_compiles([lambda: PLAIN, lambda: SAFETY], MODEL, tmp_path)
    assert (compiled.rung, compiled.temporary) == (0, True)
    assert compiled.graph.parent.stat().st_mode & 0o777 == 0o700


def test_when_nothing_at_all_can_be_written_one_line_says_so(tmp_path: Path) -> None:
    def make(_folder: Path) -> Path:
        raise OSError(errno.EROFS, "read-only")

    with pytest.raises(HaniError, match="free some space"):
        anywhere(make, tmp_path)


def test_a_log_never_holds_what_was_refused(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(BadInput):
        first_that_compiles([lambda: refusing(BadInput("Phrase '其木格' is bad"))], MODEL, tmp_path)
    assert "其木格" not in caplog.text
