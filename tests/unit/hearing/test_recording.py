from __future__ import annotations

import numpy as np
import pytest

from robot.messages import Language, Reading
from robot.speech.audio import SAMPLE_RATE_HZ, Samples, load_clip
from robot.speech.recognizer import FinalResult, VoskRecognizer
from robot.speech.recording import hear_recording
from tests.unit.hearing.conftest import DATA

pytestmark = pytest.mark.unit

TIME = DATA / "mn" / "L8-K1_B.flac"
SONG = DATA / "zh" / "BAC009S0252W0056.ogg"
NEWS = DATA / "zh" / "BAC009S0252W0476.ogg"
YES = FinalResult((Reading("好", Language.ZH, 0.9),), 0.95)
NO = FinalResult((Reading("好", Language.ZH, 0.1),), 0.15)


class Peaks:
    """A fake: keeps the loudest sample that it was given."""

    def __init__(self) -> None:
        self.peak = 0

    def accept(self, samples: Samples) -> FinalResult | None:
        self.peak = max(self.peak, int(np.abs(samples.astype(np.int32)).max()))
        return None

    def flush(self) -> FinalResult | None:
        return None

    def reset(self) -> None:
        pass


@pytest.mark.parametrize(("peak", "heard"), [(0, 0), (20, 2_000), (200, 16_000), (-32_768, 32_768), (20_000, 20_000)])
def test_a_quiet_recording_is_made_louder_and_a_loud_one_left_alone(peak: int, heard: int) -> None:
    recognizer = Peaks()
    hear_recording(np.array([0, peak, 0], np.int16), recognizer)
    assert recognizer.peak == heard


class Scripted:
    """A fake: gives one final for each stream that is at most `hears_up_to_s` long, and none that is believed else."""

    def __init__(self, hears_up_to_s: float) -> None:
        self._most = hears_up_to_s * SAMPLE_RATE_HZ
        self._heard = 0

    def accept(self, samples: Samples) -> FinalResult | None:
        self._heard += len(samples)
        return None

    def flush(self) -> FinalResult | None:
        return YES if self._heard <= self._most else NO

    def reset(self) -> None:
        self._heard = 0


def tight(samples: Samples) -> Samples:
    loud = np.nonzero(np.abs(samples) > 0.05 * np.abs(samples).max())[0]
    return samples[loud[0] : loud[-1]]


def said(samples: Samples, recognizer: VoskRecognizer) -> set[str]:
    return {final.readings[0].text for final in hear_recording(samples, recognizer)[-1].accepted}


def test_a_clip_that_is_one_phrase_is_heard_once() -> None:
    (attempt,) = hear_recording(np.zeros(SAMPLE_RATE_HZ, np.int16), Scripted(10.0))
    assert attempt.accepted == (YES,)


def test_a_phrase_said_twice_without_a_pause_is_found_by_halves() -> None:
    attempts = hear_recording(np.ones(4 * SAMPLE_RATE_HZ, np.int16), Scripted(4.0))
    assert [attempt.accepted for attempt in attempts] == [(), (), (YES, YES)]


def test_sound_that_is_no_phrase_gives_every_attempt_and_none_believed() -> None:
    attempts = hear_recording(np.ones(4 * SAMPLE_RATE_HZ, np.int16), Scripted(0.0))
    assert len(attempts) == 3
    assert not any(attempt.accepted for attempt in attempts)


def test_very_long_sound_is_only_heard_as_a_stream() -> None:
    assert len(hear_recording(np.ones(40 * SAMPLE_RATE_HZ, np.int16), Scripted(0.0))) == 1


@pytest.mark.parametrize("gap_s", [0.0, 0.1, 0.3, 1.5])
@pytest.mark.parametrize("times", [2, 3])
def test_a_phrase_said_again_is_still_that_phrase(recognizer: VoskRecognizer, gap_s: float, times: int) -> None:
    clip = tight(load_clip(TIME))
    gap = np.zeros(round(gap_s * SAMPLE_RATE_HZ), np.int16)
    assert said(np.concatenate([clip, *[gap, clip] * (times - 1)]), recognizer) == {"одоо хэдэн цаг вэ"}


def test_a_tightly_cut_clip_and_one_with_long_silence_are_heard_the_same(recognizer: VoskRecognizer) -> None:
    clip = load_clip(SONG)
    silence = np.zeros(3 * SAMPLE_RATE_HZ, np.int16)
    for sound in (tight(clip), np.concatenate([silence, clip, silence])):
        assert said(sound, recognizer) == {"打开海阔天空"}


def test_other_speech_is_believed_in_no_attempt(recognizer: VoskRecognizer) -> None:
    assert said(load_clip(NEWS), recognizer) == set()


@pytest.mark.parametrize("length", [0, 1, 100])
def test_sound_too_short_for_anything_is_nothing(recognizer: VoskRecognizer, length: int) -> None:
    assert said(np.ones(length, np.int16), recognizer) == set()
