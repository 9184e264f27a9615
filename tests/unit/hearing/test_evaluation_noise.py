from __future__ import annotations

import numpy as np
import pytest

from robot.speech.audio import SAMPLE_RATE_HZ, Samples
from robot.speech.evaluation.noise import (
    HOUSEHOLD,
    active_rms,
    in_room,
    television,
    through_channel,
    with_noise,
)

pytestmark = pytest.mark.unit

SECOND = SAMPLE_RATE_HZ
TONE: Samples = (3000 * np.sin(np.arange(SECOND) / 7)).astype(np.int16)
CLIP: Samples = np.concatenate([np.zeros(SECOND, np.int16), TONE, np.zeros(SECOND, np.int16)])


def draw() -> np.random.Generator:
    return np.random.default_rng(1)


@pytest.mark.parametrize("kind", [*HOUSEHOLD, "television"])
def test_every_noise_is_the_same_again_has_the_length_and_is_never_silent(kind: str) -> None:
    def made() -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        make = HOUSEHOLD.get(kind)
        return make(2 * SECOND, draw()) if make else television(2 * SECOND, draw(), [TONE])

    noise = made()
    assert len(noise) == 2 * SECOND
    assert np.isfinite(noise).all()
    assert (noise == made()).all()
    assert np.std(noise) > 0.1


def test_the_noises_differ_in_where_their_power_lies() -> None:
    def centre_hz(kind: str) -> float:
        power = np.abs(np.fft.rfft(HOUSEHOLD[kind](4 * SECOND, draw()))) ** 2
        return float(np.average(np.fft.rfftfreq(4 * SECOND, 1 / SAMPLE_RATE_HZ), weights=power))

    assert centre_hz("wind") < centre_hz("fridge") + 200 < 700 < centre_hz("tap")
    assert centre_hz("dishes") > 1000


@pytest.mark.parametrize("snr_db", [20, 10, 5])
def test_the_level_is_counted_from_the_speech_not_from_its_pauses(snr_db: int) -> None:
    noise = HOUSEHOLD["tap"](len(CLIP), draw())
    added = with_noise(CLIP, noise, snr_db).astype(float) - CLIP
    ratio_db = 20 * np.log10(active_rms(TONE) / np.sqrt(np.mean(added**2)))
    assert ratio_db == pytest.approx(snr_db, abs=0.5)


def test_a_room_rings_on_and_keeps_length_and_level() -> None:
    wet = in_room(CLIP, 0.5, draw())
    assert len(wet) == len(CLIP)
    assert np.std(wet) == pytest.approx(np.std(CLIP), rel=0.1)
    after = wet[2 * SECOND :].astype(float)
    early, late = np.std(after[: SECOND // 10]), np.std(after[SECOND // 2 : SECOND])
    assert early > 50 > late


def test_a_longer_room_rings_longer() -> None:
    def tail(t60_s: float) -> float:
        return float(np.std(in_room(CLIP, t60_s, draw())[2 * SECOND + 3200 :]))

    assert tail(0.8) > 2 * tail(0.3)


def test_a_channel_changes_level_and_colour_and_nothing_clips() -> None:
    heard = [through_channel(CLIP, np.random.default_rng(seed)) for seed in range(5)]
    assert len({int(np.abs(one).max()) for one in heard}) == 5
    assert all(np.abs(one).max() < 32_000 for one in heard)
    assert through_channel(np.zeros(SECOND, np.int16), draw()).any() == np.False_
