"""Fits a speech model's confidences and bars, and writes them beside it.

    python -m robot.speech.calibrate FOLDER [--model models/speech/X] [--heard-by FOLD] [--clips N] [--dry-run]

The default is a small, fixed draw and takes some minutes of one core; --clips 60 is what a model that ships deserves.

FOLDER/speech.tsv is as in `robot.speech.evaluation`. Texts that are held out for evaluation are never read, nor are
speakers that the model's own fold.json holds out: they are for measuring. The others are dealt into two halves by their
hash; each half in turn is the grammar, and the other one is foreign speech, so every clip is heard as both. Pieces cut
out of long clips (nobody's whole phrase, as from a television) and bare noise are foreign too. Each clip is heard as
recorded, faster or slower, or in noise: the model may have been trained on the recordings themselves, and would look
too sure. Safety words are stood in for by phrases of their length.

With --heard-by, a model of the same recipe listens instead, and only to the speakers that its fold.json holds out: how
sure a model may be of strangers can only be learnt from strangers, and a model that ships has learnt everybody.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import os
import random
import sys
import tempfile
import zlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from robot import paths
from robot.errors import BadInput, HaniError
from robot.messages import Phrase, Reading
from robot.speech.audio import SAMPLE_RATE_HZ, Samples, load_clip
from robot.speech.calibration import CALIBRATION_FILE, UNFITTED, Calibration, Provenance, model_sha256
from robot.speech.confidence import known
from robot.speech.edits import edits
from robot.speech.evaluation.collection import Clip, read_clips
from robot.speech.evaluation.folds import held_out_speakers
from robot.speech.fitting import FROM_TOKENS, KEPT, Observed, fit, with_safety_bars
from robot.speech.graph_builder import ensure_graph
from robot.speech.lexicon import Lexicon, Pronunciation
from robot.speech.plain_noise import Noise, noisy
from robot.speech.recognizer import Recognizer, VoskRecognizer
from robot.speech.recording import stretches
from robot.speech.second_look import for_cries

CLIPS_A_KIND = 12
"""Clips of each language and class of length; a kind with fewer gives all it has."""
SAFETY_TOKENS = range(4, 15)
"""The shortest safety word is four tokens long, the longest of everyday use fourteen."""
SAFETY_WORDS = 70
"""Stand-ins in the graph of safety words; the product has about as many."""
Progress = Callable[[str], None]
"""Told a line now and then."""
_CONDITIONS: tuple[tuple[float, Noise], ...] = (
    (1.0, Noise("none")),
    (0.88, Noise("house", 20)),
    (1.12, Noise("house", 12)),
    (1.0, Noise("white", 12)),
)
_PIECE_S = (0.6, 1.5, 3.0)
_NOISES = 40
_SEED = 3
_TOLD_EVERY = 20


@dataclass(frozen=True, slots=True)
class _Sound:
    """Something to listen to; `said` is None for a piece of a clip and for noise."""

    samples: Samples
    said: Phrase | None


def calibration_clips(folder: Path, lexicon: Lexicon, strangers: Collection[str] = ()) -> list[Clip]:
    """The clips whose text no evaluation uses, as written or as a homophone, and that no one of `strangers` says.

    Raises `BadInput` without a table.
    """
    clips = read_clips(folder, lexicon)
    closed = {clip.way for clip in clips if clip.held_out}
    return [clip for clip in clips if clip.way not in closed and clip.speaker not in strangers]


def sample(clips: Iterable[Clip], most: int) -> list[Clip]:
    """At most so many clips of each language and class of length, by a fixed seed."""
    kinds: dict[tuple[str, int], list[Clip]] = {}
    for clip in clips:
        start = next(start for start in reversed(FROM_TOKENS) if start <= len(clip.way))
        kinds.setdefault((clip.phrase.language.value, start), []).append(clip)
    drawn = []
    for kind in sorted(kinds):
        random.Random(_SEED).shuffle(kinds[kind])
        drawn += kinds[kind][:most]
    return drawn


def half(phrase: Phrase) -> int:
    """0 or 1, the same for ever."""
    return hashlib.sha256(f"half {phrase.language.value} {phrase.text}".encode()).digest()[0] % 2


def observe(recognizer: Recognizer, sound: _Sound, in_grammar: bool) -> list[Observed]:
    """What the finals of one sound are evidence of; a part of a phrase that the recogniser cut in two counts not."""
    heard = stretches(sound.samples, recognizer)
    found = [
        Observed(final.evidence, in_grammar, _place(sound.said, final.readings) if in_grammar else None)
        for final in heard
        if final.evidence is not None
    ]
    if in_grammar and len(heard) > 1:
        return [one for one in found if one.right is not None]
    return found


def _place(said: Phrase | None, readings: Sequence[Reading]) -> int | None:
    places = [
        place
        for place, reading in enumerate(readings)
        if said is not None and (reading.language, reading.text) == (said.language, said.text)
    ]
    return places[0] if places else None


def _sounds(clip: Clip) -> Iterator[_Sound]:
    """As recorded, and once changed in a way that the clip's name decides."""
    recorded = load_clip(clip.path)
    number = zlib.crc32(clip.path.name.encode())
    for speed, noise in (_CONDITIONS[0], _CONDITIONS[1 + number % (len(_CONDITIONS) - 1)]):
        yield _Sound(noisy(_at_speed(recorded, speed), noise, number), clip.phrase)


def _at_speed(samples: Samples, speed: float) -> Samples:
    if speed == 1.0:
        return samples
    at = np.arange(0, len(samples) - 1, speed)
    changed: Samples = np.interp(at, np.arange(len(samples)), samples).astype(np.int16)
    return changed


def _pieces(clips: Iterable[Clip]) -> Iterator[_Sound]:
    """Parts of long clips that begin and end in the middle of something."""
    for clip in clips:
        recorded = load_clip(clip.path)
        draw = np.random.default_rng(zlib.crc32(clip.path.name.encode()))
        length = round(float(draw.choice(_PIECE_S)) * SAMPLE_RATE_HZ)
        if len(recorded) > 1.5 * length:
            begin = int(draw.integers(0, len(recorded) - length))
            yield _Sound(noisy(recorded[begin : begin + length], Noise("none"), 0), None)


def _noises(count: int) -> Iterator[_Sound]:
    """Hiss, hum, chords and knocks at the level of speech, four seconds each, with quiet around."""
    draw = np.random.default_rng(_SEED)
    at_s = np.arange(4 * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    for number in range(count):
        if number % 4 == 0:
            sound = draw.normal(0.0, 1.0, len(at_s))
        elif number % 4 == 1:
            sound = np.cumsum(draw.normal(0.0, 1.0, len(at_s)))
            sound -= np.convolve(sound, np.ones(800) / 800, "same")
        elif number % 4 == 2:
            hz = 440.0 * 2 ** (draw.integers(-20, 15, size=(8, 3)) / 12)
            note = np.minimum((at_s * 2).astype(int), 7)
            sound = np.sin(2 * np.pi * hz[note] * at_s[:, None]).sum(axis=1)
        else:
            sound = np.zeros(len(at_s))
            for begin in draw.integers(0, len(at_s) - 3200, size=5):
                sound[begin : begin + 3200] += draw.normal(0.0, 1.0, 3200) * np.exp(-np.arange(3200) / 500)
        sound *= draw.uniform(300, 3000) / np.sqrt(np.mean(sound**2))
        room = draw.normal(0.0, 15.0, len(sound) + 2 * SAMPLE_RATE_HZ)
        room[SAMPLE_RATE_HZ : SAMPLE_RATE_HZ + len(sound)] += sound
        yield _Sound(np.clip(room, -32_768, 32_767).astype(np.int16), None)


def _recognizer(phrases: Iterable[Phrase], model_dir: Path, scratch: Path) -> VoskRecognizer:
    return VoskRecognizer(ensure_graph(list(dict.fromkeys(phrases)), model_dir, scratch), UNFITTED)


def _untold(_line: str) -> None:
    pass


def collect(
    clips: Sequence[Clip], drawn: Sequence[Clip], model_dir: Path, scratch: Path, tell: Progress = _untold
) -> list[Observed]:
    """Every drawn clip heard in the grammar of its own half and in that of the other."""
    observed: list[Observed] = []
    for side in (0, 1):
        recognizer = _recognizer((clip.phrase for clip in clips if half(clip.phrase) == side), model_dir, scratch)
        for number, clip in enumerate(drawn, 1):
            for sound in _sounds(clip):
                observed += observe(recognizer, sound, half(clip.phrase) == side)
            if number % _TOLD_EVERY == 0 or number == len(drawn):
                tell(f"half {side + 1} of 2: {number} of {len(drawn)} clips heard")
        for sound in (*_pieces(clip for clip in drawn if half(clip.phrase) != side), *_noises(_NOISES // 2)):
            observed += observe(recognizer, sound, False)
    return observed


def collect_safety(
    drawn: Sequence[Clip], model_dir: Path, scratch: Path, by: Calibration, tell: Progress = _untold
) -> tuple[list[float], list[float]]:
    """Stand-ins for safety words heard right in a graph of their own, and everything else that is taken for one: how
    sure the safety decoder is of each by this calibration.
    """
    fitting = sorted({clip.phrase for clip in drawn if len(clip.way) in SAFETY_TOKENS}, key=lambda p: p.text)
    random.Random(_SEED).shuffle(fitting)
    listed = set(fitting[:SAFETY_WORDS])
    if not listed:
        return [], []
    recognizer = for_cries(ensure_graph(sorted(listed, key=lambda phrase: phrase.text), model_dir, scratch), by)
    words: list[float] = []
    foreign: list[float] = []
    ways = {clip.way for clip in drawn if clip.phrase in listed}
    others = [clip for clip in drawn if clip.phrase not in listed and not _half_said(clip, ways)]
    for clip in drawn:
        if clip.phrase in listed:
            for sound in _sounds(clip):
                readings = [reading for final in stretches(sound.samples, recognizer) for reading in final.readings[:1]]
                said = (clip.phrase.language, clip.phrase.text)
                words += [one.confidence for one in readings if (one.language, one.text) == said]
    tell(f"safety words: {len(listed)} stand-ins heard, now what is foreign to them")
    for sound in (*(s for clip in others for s in _sounds(clip)), *_pieces(others), *_noises(_NOISES)):
        finals = stretches(sound.samples, recognizer)
        foreign += [reading.confidence for final in finals if final.voiced for reading in final.readings[:1]]
    return words, foreign


def _half_said(clip: Clip, ways: Iterable[Pronunciation]) -> bool:
    """A safety word begun, or nearly said, is neither the word nor foreign to it."""
    return any(edits(clip.way, way) <= len(way) / 2 for way in ways)


def calibrate(
    folder: Path,
    model_dir: Path,
    *,
    heard_by: Path | None = None,
    clips_a_kind: int = CLIPS_A_KIND,
    kept: float = KEPT,
    tell: Progress = _untold,
) -> Calibration:
    """Hear, fit, choose. Raises `HaniError` when something is missing."""
    strangers = held_out_speakers(heard_by or model_dir)
    clips = calibration_clips(folder, Lexicon.of_model(model_dir), () if heard_by else strangers)
    if heard_by:
        clips = [clip for clip in clips if clip.speaker in strangers]
    drawn = sample(clips, clips_a_kind)
    tell(f"{len(drawn)} of {len(clips)} clips drawn; {len(strangers)} speakers {'alone' if heard_by else 'left out'}")
    ears_dir = heard_by or model_dir
    with tempfile.TemporaryDirectory() as scratch:
        observed = collect(clips, drawn, ears_dir, Path(scratch), tell)
        try:
            fitted = fit(observed, kept)
        except ValueError as error:
            raise BadInput(f"{folder} cannot calibrate a model: {error}.") from error
        words, foreign = collect_safety(drawn, ears_dir, Path(scratch), fitted, tell)
    fitted = with_safety_bars(fitted, words, foreign)
    counts = Counter(_kind(one) for one in observed)
    counts.update({"safety words": len(words), "foreign to safety words": len(foreign)})
    provenance = Provenance(
        date=datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
        data=", ".join(sorted({clip.source for clip in drawn}))
        + (f"; strangers to {heard_by.name}" if heard_by else ""),
        model_sha256=model_sha256(model_dir),
        counts=dict(sorted(counts.items())),
        point=f"{kept:.0%} of phrases heard right are believed; {report(observed, fitted)}",
    )
    return fitted.model_copy(update={"provenance": provenance})


def _kind(one: Observed) -> str:
    if not one.in_grammar:
        return "foreign"
    return "right" if one.first else "wrong"


def report(observed: Sequence[Observed], by: Calibration) -> str:
    """How many pass, of those heard right and of those foreign, by length."""

    def passed(of_class: Sequence[Observed]) -> str:
        yes = sum(known(one.evidence, by) >= by.least_known(one.evidence.tokens) for one in of_class)
        return f"{yes} of {len(of_class)}"

    parts = []
    for start, end in zip(FROM_TOKENS, (*FROM_TOKENS[1:], 1000), strict=True):
        of_class = [one for one in observed if start <= one.evidence.tokens < end]
        right = passed([one for one in of_class if one.first])
        foreign = passed([one for one in of_class if not one.in_grammar])
        parts.append(f"from {start} tokens {right} right, {foreign} foreign finals that resemble a phrase")
    return "; ".join(parts)


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0, or 1 after one line when something is missing."""
    parser = argparse.ArgumentParser(prog="python -m robot.speech.calibrate", description="Fit a model's confidences.")
    parser.add_argument("folder", type=Path, help="holds speech.tsv and its clips")
    parser.add_argument("--model", type=Path, default=paths.SPEECH_MODEL, help="the speech model's folder")
    parser.add_argument("--heard-by", type=Path, help="a fold's model, which hears its held-out speakers instead")
    parser.add_argument("--clips", type=int, default=CLIPS_A_KIND, help="of each language and length")
    parser.add_argument("--kept", type=float, default=KEPT, help="share of phrases heard right that shall be believed")
    parser.add_argument("--dry-run", action="store_true", help="print, and write nothing")
    given = parser.parse_args(arguments)
    try:
        if not 0.5 <= given.kept < 1.0 or given.clips < 1:
            raise BadInput("Give --kept from 0.5 to below 1 and --clips of at least 1.")
        calibration = calibrate(
            given.folder,
            given.model,
            heard_by=given.heard_by,
            clips_a_kind=given.clips,
            kept=given.kept,
            tell=_say,
        )
    except HaniError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    written = calibration.model_dump_json(indent=1) + "\n"
    sys.stdout.write(written)
    if not given.dry_run:
        _put(given.model / CALIBRATION_FILE, written)
    return 0


def _put(file: Path, content: str) -> None:
    """Whole or not at all: a robot that starts meanwhile reads the old one."""
    new = file.with_name(f"{file.name}.new")
    with new.open("w", encoding="utf-8") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    os.replace(new, file)


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
