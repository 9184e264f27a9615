"""What turns a model's scores into confidences: numbers fitted on recordings, kept beside the model.

`python -m robot.speech.calibrate` writes `calibration.json` into a model's folder; whoever loads the model reads it
from there. The numbers belong to one acoustic model: a file that was fitted on another one is not used.
"""

from __future__ import annotations

import hashlib
import logging
import math
from enum import Enum
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from robot.errors import BadConfiguration

CALIBRATION_FILE = "calibration.json"
_LOG = logging.getLogger(__name__)

Probability = Annotated[float, Field(ge=0.0, le=1.0)]


class CalibrationState(str, Enum):
    """Whether a model has a calibration of its own, has none, or has one that cannot be read."""

    OWN = "own"
    NONE = "none"
    BROKEN = "broken"


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Bar(_Strict):
    """Phrases of `from_tokens` and more (up to the next bar) are believed from `least_known` on."""

    from_tokens: int = Field(ge=0)
    least_known: Probability


class Provenance(_Strict):
    """Where the numbers come from. `counts` are finals by what they were; `model_sha256` is of am/final.mdl."""

    date: str
    data: str
    model_sha256: str
    counts: dict[str, int]
    point: str = Field(description="the operating point that was chosen, and what it gave, in words")


class Calibration(_Strict):
    """A logistic model of P(a known phrase was said), the bars that it must pass, and the bars of a safety word.

    The weights are per nat that the phrase lies before the filler (`margin`), per token beyond five (`length`) and per
    e-fold of implausible pace (`pace`); evidence never counts against itself, so `margin` and `pace` are not negative.
    `temperature` flattens the likelihood ratios between phrases. As many clips inside as outside the grammar are
    assumed.
    """

    version: Literal[1] = 1
    bias: float
    margin: float = Field(ge=0.0)
    length: float = Field(ge=0.0)
    pace: float = Field(ge=0.0)
    temperature: float = Field(gt=0.0, le=20.0)
    bars: tuple[Bar, ...]
    safety_lower: Probability = Field(description="from here on a safety word is a candidate: it is asked about")
    safety_upper: Probability = Field(description="from here on it needs no second witness")
    provenance: Provenance | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Calibration:
        starts = [bar.from_tokens for bar in self.bars]
        if not starts or starts[0] != 0 or any(one >= next_ for one, next_ in pairwise(starts)):
            raise ValueError("bars must begin at 0 tokens and ascend")
        if self.safety_lower > self.safety_upper:
            raise ValueError("safety_lower must not be above safety_upper")
        return self

    def least_known(self, tokens: int) -> float:
        """The bar for a phrase of so many tokens."""
        return next(bar.least_known for bar in reversed(self.bars) if bar.from_tokens <= tokens)

    @classmethod
    def of_model(cls, model_dir: Path) -> Calibration:
        """The calibration of a model's folder; `UNFITTED` when it has none of its own.

        A file that cannot be read is an error (`BadConfiguration`): somebody meant it to be used. The robot itself
        takes `in_use`, which goes on without.
        """
        file = model_dir / CALIBRATION_FILE
        if not file.is_file():
            _LOG.warning("the speech model %s is not calibrated; run robot.speech.calibrate", model_dir.name)
            return UNFITTED
        try:
            calibration = cls.model_validate_json(file.read_bytes())
        except (OSError, ValidationError) as error:
            raise BadConfiguration(f"{file} cannot be used; run python -m robot.speech.calibrate again.") from error
        if calibration.provenance is not None and calibration.provenance.model_sha256 != model_sha256(model_dir):
            _LOG.warning("the calibration of %s is of another model; run robot.speech.calibrate", model_dir.name)
            return UNFITTED
        return calibration


def in_use(model_dir: Path) -> tuple[Calibration, CalibrationState]:
    """As `Calibration.of_model`, for the robot: one that hears less surely is better than a deaf one. Never raises."""
    try:
        calibration = Calibration.of_model(model_dir)
    except BadConfiguration:
        _LOG.error("the calibration of the speech model is broken; run robot.speech.calibrate again")
        return UNFITTED, CalibrationState.BROKEN
    return calibration, CalibrationState.NONE if calibration is UNFITTED else CalibrationState.OWN


def model_sha256(model_dir: Path) -> str:
    """Of the acoustic model; empty when there is none, which no provenance names."""
    try:
        return hashlib.sha256((model_dir / "am" / "final.mdl").read_bytes()).hexdigest()
    except OSError:
        return ""


def logistic(log_odds: float) -> float:
    """Never overflows; 0.5 at 0."""
    if log_odds >= 0:
        return 1.0 / (1.0 + math.exp(-log_odds))
    odds = math.exp(log_odds)
    return odds / (1.0 + odds)


UNFITTED = Calibration(
    bias=0.0,
    margin=0.5,
    length=0.4,
    pace=0.0,
    temperature=2.0,
    bars=(Bar(from_tokens=0, least_known=0.5),),
    safety_lower=0.5,
    safety_upper=0.9,
)
"""For a model that nobody has calibrated: frames are not independent, so ratios count half, and a phrase may lie 0.8
nats behind the filler for each token beyond five (chosen by hand on bilingual-v1)."""
