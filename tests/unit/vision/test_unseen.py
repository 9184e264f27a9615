"""Who left the bed, stood in the middle of the picture and vanished is missed; who went out, or back to bed, is not."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from robot.messages import FallEvent, FallReason
from robot.vision.detector import FallDetector, FrameInfo
from robot.vision.pose import Person

from .skeletons import FRAME_PX, STAND, person

pytestmark = pytest.mark.unit

LAG_S = 10.0  # of the mattress
VANISHES_S = 20.0


def night(
    *,
    last_x_px: float = 320.0,
    bed: Sequence[tuple[float, bool | None]] = ((0.0, True), (LAG_S, False)),
    back_s: float | None = None,
    dark_from_s: float | None = None,
    light: float = 60.0,
    hurry: float = 1.0,
    until_s: float = 90.0,
) -> list[FallEvent]:
    """Walks to `last_x_px`, vanishes there after 20 s, and is seen again at `back_s`."""
    detector, events = FallDetector(), []
    for n in range(round(until_s * 10)):
        t_s = n / 10
        occupied = [says for at_s, says in bed if at_s <= t_s][-1]
        x_px = 160 + (last_x_px - 160) * min(1.0, t_s / VANISHES_S) ** hurry
        seen = t_s < VANISHES_S or (back_s is not None and t_s >= back_s)
        people: list[Person] = [person(STAND, x_px=x_px)] if seen else []
        level = 10.0 if dark_from_s is not None and t_s >= dark_from_s else light
        events += detector.step(people, FrameInfo(t_s, 1000 + t_s, *FRAME_PX, level), occupied)
    return events


def test_who_left_the_bed_and_vanishes_on_their_feet_is_missed_once() -> None:
    (event,) = night()
    assert event.reason is FallReason.LOST_WHILE_FALLING
    assert event.onset_at_s == pytest.approx(1000 + VANISHES_S, abs=0.2)
    assert 34 < event.suspected_at_s - event.onset_at_s < 36


@pytest.mark.parametrize(
    "differs",
    [
        {"last_x_px": 630.0},
        {"back_s": 50.0},
        {"bed": ((0.0, True), (LAG_S, False), (50.0, True))},
        {"bed": ((0.0, True), (LAG_S, False), (50.0, None))},
        {"bed": ((0.0, False),)},
        {"bed": ((0.0, None),)},
        {"dark_from_s": 30.0},
        {"light": 130.0},
        {"hurry": 25.0},
    ],
    ids=[
        "went out",
        "came back",
        "back in bed",
        "mattress silent",
        "was not in bed",
        "no mattress",
        "lamp off",
        "by day",
        "walking",
    ],
)
def test_who_went_out_or_back_to_bed_is_not_missed(differs: dict[str, object]) -> None:
    assert night(**differs) == []  # type: ignore[arg-type]  # the table's values fit their names


def test_who_was_up_for_long_is_not_missed() -> None:
    detector = FallDetector()
    events = []
    for n in range(7000):
        occupied = n < 10
        people = [person(STAND, x_px=160 + min(n, 6500) * 160 / 6500)] if n < 6500 else []
        events += detector.step(people, FrameInfo(n / 10, 1000 + n / 10, *FRAME_PX, 60.0), occupied)
    assert events == []
