"""Stick figures: none without consent, no pixel ever, and nothing stays when consent is withdrawn."""

from __future__ import annotations

import json

import pytest

from robot.messages import FallEvent, FallReason
from robot.vision import evidence
from robot.vision.evidence import BEFORE_S, MAX_FILES, StickFigures

from .skeletons import LIE, STAND, person

pytestmark = pytest.mark.unit

EVENT = FallEvent("e1", FallReason.FAST_DROP, 0.9, 1, 10.0, 12.0)


def figures(consent, frames=200):
    figures = StickFigures(consent)
    for n in range(frames):
        figures.see([person(STAND if n < 100 else LIE)], n / 10, 640, 480)
    return figures


def test_without_consent_nothing_is_kept_not_even_in_memory():
    without = figures(0)
    assert without.of(EVENT) is None
    assert not without._frames


def test_with_consent_it_is_the_last_seconds_as_points_and_names_the_consent():
    kept = json.loads(figures(3).of(EVENT))
    assert set(kept) == {"v", "event", "reason", "consent", "frames"}
    assert (kept["event"], kept["reason"], kept["consent"]) == ("e1", "fast_drop", 3)
    times = [frame["at_s"] for frame in kept["frames"]]
    assert times[-1] - times[0] <= BEFORE_S
    assert all(len(figure) == 17 and len(joint) == 3 for frame in kept["frames"] for figure in frame["people"]
               for joint in figure)  # fmt: skip


def test_a_recovery_is_no_reason_to_keep_anything():
    assert figures(3).of(FallEvent("e1", FallReason.FAST_DROP, 0.9, 1, 10.0, 12.0, recovered=True)) is None


def test_files_are_for_their_owner_the_oldest_go_and_all_go_when_consent_ends(tmp_path):
    for n in range(MAX_FILES + 5):
        event = FallEvent(f"{n:04}", FallReason.FAST_DROP, 0.9, 1, 10.0, 12.0)
        evidence.keep(tmp_path, event, "{}")
    files = sorted((tmp_path / "evidence").iterdir())
    assert [file.name for file in (files[0], files[-1])] == ["0005.json", f"{MAX_FILES + 4:04}.json"]
    assert files[0].stat().st_mode & 0o077 == 0
    evidence.forget(tmp_path)
    assert list((tmp_path / "evidence").iterdir()) == []
