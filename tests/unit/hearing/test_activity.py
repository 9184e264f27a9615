"""Voice against the noises of a home: what rises in many bands and does not stay level."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from robot.speech.activity import SpeechActivity
from robot.speech.audio import CHUNK_S, CHUNK_SAMPLES, SAMPLE_RATE_HZ, load_clip
from tests.unit.hearing.conftest import DATA, Clip, clips

pytestmark = pytest.mark.unit

Sound = NDArray[np.float64]


def noise(length_s: float, level: float, seed: int = 0) -> Sound:
    return np.random.default_rng(seed).normal(0.0, level, round(length_s * SAMPLE_RATE_HZ))


def voice(length_s: float, level: float) -> Sound:
    """A stand-in: noise in syllables of a quarter of a second."""
    time_s = np.arange(round(length_s * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    return noise(length_s, level, 7) * (0.15 + 0.85 * np.sin(2 * np.pi * 2.0 * time_s) ** 2)


def hum(length_s: float, level: float, base_hz: float = 50.0) -> Sound:
    """Mains: the base and its harmonics up to 600 Hz."""
    time_s = np.arange(round(length_s * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    return sum(level / n * np.sin(2 * np.pi * base_hz * n * time_s) for n in range(1, 13))  # type: ignore[return-value] # of arrays


def heard(sound: Sound) -> tuple[list[bool], SpeechActivity]:
    activity = SpeechActivity()
    samples = np.clip(sound, -32_768, 32_767).astype(np.int16)
    speaking = []
    for first in range(0, len(samples) // CHUNK_SAMPLES * CHUNK_SAMPLES, CHUNK_SAMPLES):
        activity.feed(samples[first : first + CHUNK_SAMPLES], first / SAMPLE_RATE_HZ)
        speaking.append(activity.speaking)
    return speaking, activity


@pytest.mark.parametrize("room", [5.0, 50.0, 200.0, 800.0])
def test_a_voice_is_found_over_whatever_noise_the_room_has(room: float) -> None:
    """Relative to the room: 20 dB above it is a voice in a library and in a kitchen."""
    sound = noise(6.0, room)
    sound[2 * SAMPLE_RATE_HZ : 4 * SAMPLE_RATE_HZ] += voice(2.0, max(room * 10.0, 300.0))
    speaking, activity = heard(sound)
    assert not any(speaking[:20])
    assert all(speaking[23:38])
    assert not any(speaking[44:])
    assert activity.take() == pytest.approx((2.0, 4.0), abs=0.2)
    assert activity.take() is None


@pytest.mark.parametrize("level", [300.0, 3000.0])
def test_a_fridge_and_the_hum_of_a_television_are_no_voice(level: float) -> None:
    sound = noise(8.0, 10.0)
    sound[2 * SAMPLE_RATE_HZ :] += hum(6.0, level)
    speaking, _ = heard(sound)
    assert sum(speaking) * CHUNK_S <= 1.0  # the moment when it is switched on
    assert not any(speaking[35:])


def test_a_washing_machine_is_no_voice_for_longer_than_its_first_second() -> None:
    sound = noise(10.0, 50.0)
    sound[2 * SAMPLE_RATE_HZ :] += noise(8.0, 1000.0, 3)
    speaking, _ = heard(sound)
    assert not any(speaking[35:])


def test_somebody_who_speaks_over_a_fridge_is_heard_soon_after_it_began() -> None:
    sound = noise(8.0, 10.0)
    sound[2 * SAMPLE_RATE_HZ :] += hum(6.0, 1000.0)
    sound[5 * SAMPLE_RATE_HZ : 6 * SAMPLE_RATE_HZ] += voice(1.0, 1500.0)
    speaking, _ = heard(sound)
    assert all(speaking[53:58])


def test_a_beep_is_no_voice() -> None:
    sound = noise(4.0, 10.0)
    beep = slice(2 * SAMPLE_RATE_HZ, round(2.4 * SAMPLE_RATE_HZ))
    sound[beep] += 4000.0 * np.sin(2 * np.pi * 1000.0 * np.arange(round(0.4 * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ)
    speaking, _ = heard(sound)
    assert sum(speaking) <= 3  # its two clicks


def test_a_clatter_that_was_never_told_is_no_beginning_of_what_is_said_later() -> None:
    """The recogniser makes no final of it, so that nobody takes its time."""
    sound = noise(12.0, 20.0)
    sound[2 * SAMPLE_RATE_HZ : round(2.3 * SAMPLE_RATE_HZ)] += noise(0.3, 3_000.0, 3)
    sound[10 * SAMPLE_RATE_HZ : 11 * SAMPLE_RATE_HZ] += voice(1.0, 3_000.0)
    _, activity = heard(sound)
    assert activity.take() == pytest.approx((10.0, 11.0), abs=0.15)


def test_what_began_after_the_stretch_is_kept_for_the_next_one() -> None:
    """The recogniser tells a stretch about a second after its end: by then the next one may have begun."""
    sound = noise(8.0, 20.0)
    for began_s, ended_s in ((2, 3), (4, 5)):
        sound[began_s * SAMPLE_RATE_HZ : ended_s * SAMPLE_RATE_HZ] += voice(1.0, 3_000.0)
    _, activity = heard(sound)
    assert activity.take(4.05) == pytest.approx((2.0, 3.0), abs=0.15)
    assert activity.take() == pytest.approx((4.0, 5.0), abs=0.15)


def test_silence_is_silence() -> None:
    speaking, activity = heard(np.zeros(3 * SAMPLE_RATE_HZ))
    assert not any(speaking)
    assert activity.take() is None


@pytest.mark.parametrize("clip", clips(), ids=lambda clip: clip.path.stem)
@pytest.mark.parametrize("snr_db", [30, 12])
def test_every_recorded_voice_is_found(clip: Clip, snr_db: int) -> None:
    speech = load_clip(clip.path).astype(np.float64)
    level = float(np.sqrt(np.mean(speech**2)))
    sound = noise(2.0 + len(speech) / SAMPLE_RATE_HZ + 1.0, level * 10 ** (-snr_db / 20))
    sound[2 * SAMPLE_RATE_HZ : 2 * SAMPLE_RATE_HZ + len(speech)] += speech
    speaking, activity = heard(sound)
    assert not any(speaking[:20])
    stretch = activity.take()
    assert stretch is not None
    assert 2.0 <= stretch[0] < stretch[1] <= 2.0 + len(speech) / SAMPLE_RATE_HZ + 0.1
    assert sum(speaking) * CHUNK_S >= 0.4


def test_the_corpus_of_clips_is_there() -> None:
    assert len(clips()) >= 19
    assert DATA.is_dir()
