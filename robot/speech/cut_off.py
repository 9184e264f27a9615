"""Whether a sound file was cut off, as by a download that broke: told from its bytes, without decoding them. Pure.

What a format promises is compared with what is there: the size of WAV's `data`, the end-of-stream mark of Ogg's last
page, the size in the first frame of an MP3. It cannot be told where nothing is promised: a WAV out of a pipe or in
RF64, an MP3 without a Xing or Info tag or that lacks less than a hundredth, and a file cut before its sound begins.
FLAC needs no telling: a decoder refuses what is cut off.
"""

from __future__ import annotations

import struct

_UNKNOWN_BYTES = 0x7FFF_0000  # from here on a size stands for "as much as comes": each writer has its own
_OGG_HEADER_BYTES = 27
_OGG_END = 4  # the flag of the page that ends a stream
_ID3_BYTES = 10
_XING_WITHIN_BYTES = 54  # of the first frame: its header, check sum and longest side information, then the tag
_XING_COUNTS_FRAMES, _XING_COUNTS_BYTES = 1, 2
_MP3_MARGIN = 0.01  # encoders do not agree on whether the tag's own frame and others' tags count


def is_cut_off(content: bytes) -> bool:
    """Whether the whole content of a wav, ogg or mp3 file is less than it says itself."""
    if content.startswith(b"RIFF"):
        return _is_wav_cut_off(content)
    if content.startswith(b"OggS"):
        return _is_ogg_cut_off(content)
    return _is_mp3_cut_off(content)


def _is_wav_cut_off(content: bytes) -> bool:
    at = 12
    while at + 8 <= len(content):
        name, size = struct.unpack_from("<4sI", content, at)
        at += 8
        if name == b"data":
            return bool(len(content) - at < size < _UNKNOWN_BYTES)
        at += size + size % 2
    return False


def _is_ogg_cut_off(content: bytes) -> bool:
    page = content[content.rfind(b"OggS") :]
    if len(page) < _OGG_HEADER_BYTES:
        return True
    flags, segments = page[5], page[26]
    body_at = _OGG_HEADER_BYTES + segments
    return not flags & _OGG_END or len(page) < body_at + sum(page[_OGG_HEADER_BYTES:body_at])


def _is_mp3_cut_off(content: bytes) -> bool:
    frame_at = 0
    if content.startswith(b"ID3") and len(content) > _ID3_BYTES:
        frame_at = _ID3_BYTES + sum((content[6 + n] & 0x7F) << (21 - 7 * n) for n in range(4))
    first = content[frame_at : frame_at + _XING_WITHIN_BYTES]
    tag_at = max(first.find(b"Xing"), first.find(b"Info"))
    if not first.startswith(b"\xff") or tag_at < 0 or tag_at + 16 > len(first):
        return False
    flags, frames_or_bytes, size = struct.unpack_from(">III", first, tag_at + 4)
    if not flags & _XING_COUNTS_BYTES:
        return False
    if not flags & _XING_COUNTS_FRAMES:
        size = frames_or_bytes
    return bool(len(content) - frame_at < size * (1 - _MP3_MARGIN))
