"""The texts of the pages, from words.yaml, in zh, mn (Cyrillic) and en."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml

LANGUAGES = ("zh", "mn", "en")
NAMES = {"zh": "中文", "mn": "Монгол", "en": "English"}
TAGS = {"zh": "zh-CN", "mn": "mn-Cyrl", "en": "en"}


class Words:
    """All texts in one language."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.tag = TAGS[language]

    def __call__(self, key: str, **fields: object) -> str:
        """The text of a key, its fields filled in. A missing key is a mistake of the programmer: KeyError."""
        text = _texts()[key][self.language]
        return text.format(**fields) if fields else text

    def maybe(self, group: str, value: str) -> str:
        """The text of a value that came from a robot; a newer robot's unknown value is shown as it is."""
        texts = _texts().get(f"{group}.{value}")
        return texts[self.language] if texts else value


@cache
def _texts() -> dict[str, dict[str, str]]:
    content = yaml.safe_load((Path(__file__).parent / "words.yaml").read_text(encoding="utf-8"))
    texts: dict[str, dict[str, str]] = content["texts"]
    return texts
