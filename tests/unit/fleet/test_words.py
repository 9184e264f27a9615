"""The texts: complete in all languages, with the same fields."""

from __future__ import annotations

import string

import pytest

from robot.fleet.words import LANGUAGES, Words, _texts

pytestmark = pytest.mark.unit


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("key", sorted(_texts()))
def test_every_text_exists_in_every_language_with_the_same_fields(key: str) -> None:
    texts = _texts()[key]
    assert set(texts) == set(LANGUAGES)
    assert len({frozenset(fields(text)) for text in texts.values()}) == 1
    assert all(isinstance(text, str) for text in texts.values())
    if key != "unreviewed":
        assert all(texts.values())


def test_a_value_of_a_newer_robot_is_shown_as_it_is() -> None:
    assert Words("zh").maybe("reason", "new_reason") == "new_reason"
    assert Words("zh").maybe("reason", "fast_drop") == "快速下坠"
