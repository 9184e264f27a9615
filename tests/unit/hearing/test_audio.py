from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from robot.errors import BadInput
from robot.speech import audio
from robot.speech.audio import (
    CHUNK_S,
    SAMPLE_RATE_HZ,
    FileSource,
    load_clip,
)

pytestmark = pytest.mark.unit


def tone(path: Path, rate_hz: int = SAMPLE_RATE_HZ, length_s: float = 1.0, channels: int = 1) -> Path:
    wave = 0.5 * np.sin(2 * np.pi * 440.0 * np.arange(round(rate_hz * length_s)) / rate_hz)
    soundfile.write(path, np.repeat(wave[:, None], channels, axis=1), rate_hz)
    return path


@pytest.mark.parametrize(
    ("name", "rate_hz", "channels"),
    [("a.wav", 16_000, 1), ("a.flac", 44_100, 2), ("a.ogg", 48_000, 1), ("a.mp3", 22_050, 1), ("b.wav", 8_000, 2)],
)
def test_any_common_file_becomes_mono_at_16_khz(tmp_path: Path, name: str, rate_hz: int, channels: int) -> None:
    clip = load_clip(tone(tmp_path / name, rate_hz, channels=channels))
    assert clip.dtype == np.int16
    assert len(clip) == pytest.approx(SAMPLE_RATE_HZ, rel=0.1)  # mp3 pads its ends
    spectrum = np.abs(np.fft.rfft(clip[2000:12000].astype(float)))
    assert np.argmax(spectrum) * SAMPLE_RATE_HZ / 10_000 == pytest.approx(440.0, abs=2.0)


@pytest.mark.parametrize("other", [-1.0, -0.9, 0.0], ids=["opposite phase", "nearly opposite", "an open plug"])
def test_channels_that_disagree_do_not_cancel_each_other(tmp_path: Path, other: float) -> None:
    wave = 0.5 * np.sin(2 * np.pi * 440.0 * np.arange(SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ)
    soundfile.write(tmp_path / "a.wav", np.column_stack([other * wave, wave]), SAMPLE_RATE_HZ)
    assert np.abs(load_clip(tmp_path / "a.wav")) == pytest.approx(np.abs(wave) * 32_767, abs=2.0)


@pytest.mark.parametrize("content", [None, b"", b"RIFF....WAVEfmt rubbish", b"not sound at all" * 50])
def test_a_missing_or_broken_file_is_named_in_one_line(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "voice.wav"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadInput, match=r"voice\.wav") as refusal:
        load_clip(path)
    assert "\n" not in str(refusal.value)


def test_a_file_is_heard_whole_in_order_with_its_silence(tmp_path: Path) -> None:
    path = tone(tmp_path / "a.wav", length_s=0.55)
    chunks = list(FileSource(path, start_at_s=50.0, tail_s=0.5).chunks())
    assert np.array_equal(np.concatenate([c.samples for c in chunks])[:8800], load_clip(path))
    assert [round(c.began_at_s, 6) for c in chunks] == [round(50.0 + n * CHUNK_S, 6) for n in range(11)]
    assert not chunks[-1].samples.any()


def test_a_closed_file_ends_at_once(tmp_path: Path) -> None:
    source = FileSource(tone(tmp_path / "a.wav"))
    stream = source.chunks()
    next(stream)
    source.close()
    assert list(stream) == []


def test_a_file_without_a_header_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "x.raw").write_bytes(bytes(3200))
    with pytest.raises(BadInput, match=r"x\.raw"):
        load_clip(tmp_path / "x.raw")


def test_samples_that_are_no_numbers_are_silence_or_the_end_of_the_scale(tmp_path: Path) -> None:
    sound = np.zeros(4_410, np.float32)
    sound[1_000:1_100], sound[2_000:2_100] = np.nan, np.inf
    soundfile.write(tmp_path / "a.wav", sound, 44_100, subtype="FLOAT")
    clip = load_clip(tmp_path / "a.wav")
    assert clip[300:400].max() < 1_000 < clip.max()


def test_an_hour_is_refused_before_it_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audio, "LONGEST_FILE_S", 0.5)
    with pytest.raises(BadInput, match=r"a\.wav .*cut it"):
        load_clip(tone(tmp_path / "a.wav"))
