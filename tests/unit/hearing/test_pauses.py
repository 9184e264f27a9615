"""The corpus of pauses (tests/data/speech/pauses.yaml) against the turns, with an ideal recogniser and an ideal ear."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import yaml

from robot.messages import Language, Reading
from robot.speech.patience import FIRST_PATIENCE_S, Question
from robot.speech.turns import Stretch, Turns, joined
from tests.unit.hearing.conftest import DATA

pytestmark = pytest.mark.unit

ENDPOINT_S = 0.5  # of silence, after which the recogniser gives a final
STEP_S = 0.1
CORPUS: list[dict[str, Any]] = yaml.safe_load((DATA / "pauses.yaml").read_text(encoding="utf-8"))


def stretch_of(text: str, began_at_s: float, ended_at_s: float) -> Stretch:
    language = Language.MN if any("а" <= letter <= "ү" for letter in text.lower()) else Language.ZH
    readings = () if text == "~" else (Reading(text, language, 0.9),)
    return Stretch(readings, began_at_s, ended_at_s)


def texts_of(turns: Turns, said: Sequence[tuple[str, float, float]]) -> list[str]:
    """The texts of the turns that come out; speech whose pause is shorter than the endpoint is one final."""
    stretches: list[Stretch] = []
    voices: list[tuple[float, float]] = []
    now_s = 0.0
    for text, speech_s, quiet_s in said:
        voices.append((now_s, now_s + speech_s))
        last = stretches[-1] if stretches else None
        if last is not None and now_s - last.ended_at_s < ENDPOINT_S - 1e-9:
            stretches[-1] = Stretch(last.readings, last.began_at_s, now_s + speech_s)
        else:
            stretches.append(stretch_of(text, now_s, now_s + speech_s))
        now_s += speech_s + quiet_s
    found: list[str] = []
    for step in range(round((now_s + 6.0) / STEP_S)):
        at_s = step * STEP_S
        while stretches and stretches[0].ended_at_s + ENDPOINT_S <= at_s + 1e-9:
            turns.add(stretches.pop(0))
        until_s = max((min(at_s, ended_s) for began_s, ended_s in voices if began_s <= at_s), default=float("-inf"))
        turn = turns.poll(at_s, until_s)
        if turn and joined(turn):
            found.append(joined(turn)[0].text)
    return found


@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case["kind"])
def test_each_pattern_gives_its_turns(case: dict[str, Any]) -> None:
    complete = case.get("complete", [])
    turns = Turns(case.get("patience_s", FIRST_PATIENCE_S), lambda reading: reading.text in complete)
    turns.ask(Question(case.get("question", "none")))
    assert texts_of(turns, case["said"]) == case["turns"]


@pytest.mark.parametrize("pause_s", [1.5, 2.0, 2.5])
def test_a_resident_who_pauses_long_is_cut_off_a_few_times_and_then_no_more(pause_s: float) -> None:
    turns = Turns()
    sentence = [("给女儿", 0.7, pause_s), ("打电话", 0.8, 8.0)]
    counts = [len(texts_of(turns, sentence)) for _ in range(1)]
    patiences_s = [turns.patience_s]
    for _ in range(7):
        fresh = Turns(turns.patience_s)  # the next day
        counts.append(len(texts_of(fresh, sentence)))
        turns = fresh
        patiences_s.append(turns.patience_s)
    assert counts[0] == 2
    assert counts[4:] == [1, 1, 1, 1]
    assert pause_s <= patiences_s[-1] <= pause_s * 1.35


def test_a_quick_speaker_gets_answers_sooner_with_time() -> None:
    turns = Turns()
    assert len(texts_of(turns, [("现在几点", 1.0, 5.0)] * 30)) == 30
    assert 0.9 <= turns.patience_s < 1.0
