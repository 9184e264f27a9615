"""Models that were trained without some speakers and texts: what they may honestly be measured on."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from robot.errors import BadInput
from robot.speech.calibration import UNFITTED, Calibration
from robot.speech.evaluation.collection import Clip

FOLD_FILE = "fold.json"
LOOKED_AT = frozenset({"a"})
"""Folds whose figures were read while the recipe was chosen: they flatter it."""


@dataclass(frozen=True, slots=True)
class Fold:
    """A model folder and the speakers that it never heard; `seen` when it heard all (the model that is shipped)."""

    name: str
    model_dir: Path
    speakers: frozenset[str]
    seen: bool = False

    @property
    def label(self) -> str:
        """The name with what a reader must know. Raises `BadConfiguration` when its calibration is broken."""
        told = [] if self.seen else ["looked at" if self.name in LOOKED_AT else "not looked at"]
        if _unfitted(self.model_dir):
            told.append("unfitted")
        return f"{self.name} ({', '.join(told)})" if told else self.name

    def measures(self, clips: Iterable[Clip]) -> list[Clip]:
        """The clips whose speakers the model never heard; of a model that heard all, every one."""
        return [clip for clip in clips if self.seen or clip.speaker in self.speakers]


@lru_cache
def _unfitted(model_dir: Path) -> bool:
    return Calibration.of_model(model_dir) is UNFITTED


def held_out_speakers(model_dir: Path) -> frozenset[str]:
    """Speakers that a model's fold.json holds out; none of a model that is no fold. Raises `BadInput`."""
    if not (model_dir / FOLD_FILE).exists():
        return frozenset()
    return frozenset(_told(model_dir))


def read_folds(folder: Path) -> list[Fold]:
    """The folds `fold-*/` of a folder, by name. Raises `BadInput` naming what is missing."""
    found = [_read(place) for place in sorted(folder.glob("fold-*")) if place.is_dir()]
    if not found:
        raise BadInput(f"{folder} holds no fold-<name>/ with a model and {FOLD_FILE}; train the folds first.")
    return found


def shipped(model_dir: Path) -> Fold:
    """The model that the robot uses: it has learnt from every speaker and text, and every figure says so."""
    return Fold("shipped", model_dir, frozenset(), seen=True)


def _read(place: Path) -> Fold:
    speakers = frozenset(_told(place))
    for part in ("am/final.mdl", "tokens.txt"):
        if not (place / part).is_file():
            raise BadInput(f"{place} has no {part}; copy the trained model into it.")
    return Fold(place.name.removeprefix("fold-"), place, speakers)


def _told(place: Path) -> list[str]:
    try:
        told = json.loads((place / FOLD_FILE).read_text(encoding="utf-8"))
        return [str(name) for name in told["held_out_speakers"]]
    except (OSError, ValueError, KeyError, TypeError):
        raise BadInput(f'{place / FOLD_FILE} must be JSON with a list "held_out_speakers".') from None
