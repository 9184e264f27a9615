from __future__ import annotations

import io
import struct
from functools import cache

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from robot.speech.cut_off import is_cut_off

pytestmark = pytest.mark.unit

RATE_HZ = 16_000
KINDS = [("WAV", "PCM_16"), ("WAV", "IMA_ADPCM"), ("WAVEX", "FLOAT"), ("OGG", "VORBIS"), ("OGG", "OPUS")]
MP3 = ("MP3", "MPEG_LAYER_III")
ID3 = b"ID3\x04\x00\x00\x00\x00\x02\x00" + bytes(256)


@cache
def whole(kind: tuple[str, str], channels: int = 1, length_s: float = 2.0) -> bytes:
    noise = 0.1 * np.random.default_rng(7).standard_normal((round(length_s * RATE_HZ), channels))
    file = io.BytesIO()
    soundfile.write(file, noise, RATE_HZ, format=kind[0], subtype=kind[1])
    return file.getvalue()


def wav(size: int, sound: bytes) -> bytes:
    form = struct.pack("<HHIIHH", 1, 1, RATE_HZ, 2 * RATE_HZ, 2, 16)
    return b"RIFF\0\0\0\0WAVEfmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", size) + sound


@pytest.mark.parametrize("kind", [*KINDS, MP3, ("FLAC", "PCM_16"), ("RF64", "PCM_16"), ("AIFF", "PCM_16")])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("length_s", [0.01, 0.3, 2.0])
def test_a_whole_file_is_not_cut_off(kind: tuple[str, str], channels: int, length_s: float) -> None:
    content = whole(kind, channels, length_s)
    assert not is_cut_off(content)
    assert not is_cut_off(content + bytes(128)), "others' tags behind the sound are no fault"


@given(st.sampled_from(KINDS), st.integers(1, 2), st.floats(0.1, 1.0))
def test_a_file_cut_anywhere_in_its_last_nine_tenths_is(kind: tuple[str, str], channels: int, share: float) -> None:
    content = whole(kind, channels)
    assert is_cut_off(content[: min(int(share * len(content)), len(content) - 1)])


@given(st.integers(1, 2), st.floats(0.1, 0.98), st.sampled_from([b"", ID3]))
def test_an_mp3_is_if_it_lacks_more_than_a_hundredth(channels: int, share: float, tag: bytes) -> None:
    content = whole(MP3, channels)
    assert not is_cut_off(tag + content)
    assert is_cut_off(tag + content[: int(share * len(content))])


@pytest.mark.parametrize("size", [0, 0x7FFF_F000, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF])
def test_a_wav_out_of_a_pipe_promises_nothing(size: int) -> None:
    assert not is_cut_off(wav(size, bytes(100)))


def test_a_missing_pad_byte_is_no_sound() -> None:
    assert not is_cut_off(wav(99, bytes(99)))
    assert is_cut_off(wav(99, bytes(98)))


@pytest.mark.parametrize("flags", [0, 1, 2, 3])
def test_an_mp3_without_its_size_promises_nothing(flags: int) -> None:
    counts = [number for flag, number in ((1, 2**30), (2, 5000)) if flags & flag]
    frame = b"\xff\xfb\x90\xc0" + bytes(17) + b"Info" + struct.pack(f">I{len(counts)}I", flags, *counts)
    assert is_cut_off(frame.ljust(2000, b"\0")) is bool(flags & 2)
    assert not is_cut_off(frame.ljust(5000, b"\0"))


@given(st.sampled_from([b"", b"RIFF....WAVE", b"OggS", b"ID3", b"\xff\xfbXing", b"fLaC"]), st.binary(max_size=80))
def test_any_bytes_have_an_answer(start: bytes, rest: bytes) -> None:
    assert is_cut_off(start + rest) in (True, False)
