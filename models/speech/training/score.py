"""A quick look at a checkpoint: which of all phrases does the network itself find likeliest? No graph, no Vosk.

    python -m models.speech.training.score --data FOLDER --fold a CHECKPOINT

It guides the recipe. The figures that count come from `make evaluate`, through Vosk.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from models.speech.training.base_model import fetch_base_model
from models.speech.training.collection import FOLDS, Fold, Recording, load, read_collection
from models.speech.training.features import SAMPLE_RATE_HZ, Floats, log_mel, mfcc
from models.speech.training.network import AcousticModel
from models.speech.training.nnet3 import Network
from robot import paths
from robot.errors import HaniError
from robot.speech.lexicon import Lexicon

_WORDS_BESIDE_THE_TWELVE = 288
_PAUSE = np.zeros(int(0.25 * SAMPLE_RATE_HZ), np.float32)
_BLANK_BIASES = (0.0, -1.0, -2.0, -3.0, -4.0)


def read_model(checkpoint: Path, tokens: int) -> AcousticModel:
    """The averaged model of a checkpoint, ready to listen."""
    model = AcousticModel(Network.read(fetch_base_model()), tokens)
    model.load_state_dict(torch.load(checkpoint, weights_only=True)["average"])
    model.eval()
    return model


def frame_scores(model: AcousticModel, sound: Floats) -> Tensor:
    """Log-likelihoods (frames, tokens) of int16-scaled samples with a short pause on both sides."""
    quiet = np.concatenate([_PAUSE, sound, _PAUSE]) + np.float32(1.0)
    with torch.no_grad():
        scores: Tensor = model(torch.from_numpy(mfcc(log_mel(quiet)))[None])[0]
    return scores


def phrase_scores(frames: Tensor, phrases: Sequence[Sequence[int]]) -> Tensor:
    """Log-likelihood of each phrase (tokens) given frames of log-likelihoods."""
    targets = torch.tensor([token for phrase in phrases for token in phrase])
    counts = torch.tensor([len(phrase) for phrase in phrases])
    lengths = torch.full((len(phrases),), len(frames))
    many = frames[:, None].expand(-1, len(phrases), -1)
    return -torch.nn.functional.ctc_loss(many, targets, lengths, counts, reduction="none")


def biased(frames: Tensor, blank_bias: float) -> Tensor:
    """Frames as if the output bias of the blank were lower by `-blank_bias`."""
    shifted = frames.clone()
    shifted[:, 0] += blank_bias
    return torch.log_softmax(shifted, -1)


def _sets(recordings: Sequence[Recording], fold: Fold) -> dict[str, tuple[list[Recording], list[tuple[int, ...]]]]:
    """Set -> (clips of held-out speakers, phrases that compete)."""
    mongolian = [r for r in recordings if r.clip.source.startswith("studymongolian")]
    sentences = [r for r in recordings if r.clip.sentence]
    twelve = [r for r in recordings if r.clip.one_of_twelve]
    words = sorted({r.tokens for r in recordings if r.clip.word} - {r.tokens for r in twelve})
    others = random.Random(1).sample(words, _WORDS_BESIDE_THE_TWELVE)
    all_phrases = sorted({r.tokens for r in mongolian})
    known_voice = [r for r in mongolian if r.clip.speaker not in fold.speakers and r.clip.held_out]
    strange = _said_by(mongolian, fold.speakers)
    new = [r for r in strange if r.clip.held_out]
    return {
        "mn, trained voice, new text": (known_voice, all_phrases),
        "mn, new voice": (strange, all_phrases),
        "mn, new voice, new text": (new, all_phrases),
        "mn, new voice, new text, long": ([r for r in new if r.clip.long], all_phrases),
        "mn, new voice, new text, short": ([r for r in new if not r.clip.long], all_phrases),
        "zh, AISHELL, new voice": (_said_by(sentences, fold.speakers)[::4], sorted({r.tokens for r in sentences})),
        "zh, twelve words, new voices": (
            _said_by(twelve, fold.speakers)[::2],
            sorted({r.tokens for r in twelve} | set(others)),
        ),
    }


def _said_by(recordings: Iterable[Recording], speakers: Collection[str]) -> list[Recording]:
    return [r for r in recordings if r.clip.speaker in speakers]


def report(folders: Iterable[Path], fold: str, checkpoint: Path) -> Iterable[str]:
    """One line a set: share of clips whose phrase is the likeliest, for several blank biases."""
    lexicon = Lexicon.of_model(paths.SPEECH_MODEL)
    model = read_model(checkpoint, len(lexicon.tokens))
    recordings = read_collection(folders, lexicon)
    yield f"{'blank bias':36} clips" + "".join(f"{bias:8.0f}" for bias in _BLANK_BIASES)
    for name, (clips, phrases) in _sets(recordings, FOLDS[fold]).items():
        right: dict[float, int] = defaultdict(int)
        for recording, sound in zip(clips, load(clips), strict=True):
            frames = frame_scores(model, sound)
            for bias in _BLANK_BIASES:
                best = int(phrase_scores(biased(frames, bias), phrases).argmax())
                right[bias] += phrases[best] == recording.tokens
        shares = "".join(f"{right[bias] / max(len(clips), 1):8.3f}" for bias in _BLANK_BIASES)
        yield f"{name:36} {len(clips):5}{shares}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0, or 1 after one line when something is missing."""
    parser = argparse.ArgumentParser(prog="python -m models.speech.training.score", description="A quick look.")
    parser.add_argument(
        "--data", type=Path, nargs="+", required=True, help="folders that hold speech.tsv and its clips"
    )
    parser.add_argument("--fold", choices=sorted(FOLDS), required=True, help="the fold that the checkpoint is of")
    parser.add_argument("checkpoint", type=Path)
    given = parser.parse_args(arguments)
    try:
        for line in report(given.data, given.fold, given.checkpoint):
            sys.stdout.write(line + "\n")
            sys.stdout.flush()
    except HaniError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
