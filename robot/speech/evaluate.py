"""How well are recorded phrases heard, and other speech left alone? Prints tables, then one line of JSON.

    python -m robot.speech.evaluate FOLDER [--all]

FOLDER/speech.tsv has the columns path, lang ("zh" or "mn"), text, speaker, source; Mongolian texts are in the phonetic
spelling of studymongolian.net. The clips become a graph and sets by fixed rules and a fixed seed: all AISHELL-1
commands, two of three Mongolian phrases and some Mandarin words are in the graph; AISHELL-1 sentences and the rest are
not, and must be rejected. Each set is cut to some clips, in noise to fewer; `--all` takes every one.

Phrases that the lexicon says alike count as one: no tone is heard. A clip counts as the product would hear it:
stretches between pauses, believed or not by `FinalResult.accepted`, and joined.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import re
import resource
import sys
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import Enum
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robot import paths
from robot.errors import BadInput, HaniError
from robot.messages import Language, Phrase, Reading
from robot.speech.audio import CHUNK_SAMPLES, SAMPLE_RATE_HZ, Samples, load_clip
from robot.speech.graph_builder import ensure_graph
from robot.speech.lexicon import Lexicon, Pronunciation
from robot.speech.recognizer import Recognizer, VoskRecognizer
from robot.speech.turns import Stretch, joined

TRAINED_ON = ("studymongolian.net", "AISHELL-1", "audio-cmn", "DSPSpeech-20")  # of models/speech/README.md
COLUMNS = ("path", "lang", "text", "speaker", "source")
CLIPS_A_SET = 40
CLIPS_A_SET_IN_NOISE = 8
SNRS_DB = (20, 10, 5)
HOUSE_CORNER_HZ = 400.0  # design: most of a room's noise (fridge, fan, street) lies below
LONG_TOKENS = 8
WORDS_IN_GRAPH = 30  # for each source and number of syllables
TAIL_S = 1.0  # the pause after a clip, as in `hani recognize`
_SEED = 1
_COMMAND = re.compile("嗯?(打开|想听歌曲|来一首歌曲|设定|调高|变温)")
_LIST_OR_STEM = re.compile(r"[-,/<(…]|\s{2}")  # "ɑːs, əːs", "ʊnt-", two sentences: not one spoken phrase
_LEAST_SENTENCE = 6  # characters


class Outcome(str, Enum):
    """What became of a clip whose phrase is in the graph."""

    RIGHT = "right"
    WRONG = "wrong"
    WRONG_LANGUAGE = "wrong_language"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Clip:
    """A recording of `phrase`; `way` is how the lexicon says it."""

    path: Path
    phrase: Phrase
    way: Pronunciation
    speaker: str
    source: str


@dataclass(frozen=True, slots=True)
class ClipSet:
    """Clips of one kind; `known` when their phrases are in the graph."""

    name: str
    known: bool
    clips: tuple[Clip, ...]


@dataclass(frozen=True, slots=True)
class Noise:
    """Noise at a level below the clip's own mean level; `snr_db` None is the recording as it is."""

    kind: str
    snr_db: int | None = None


@dataclass(frozen=True, slots=True)
class Hearing:
    """What was heard in a clip: the best believed reading or None; seconds of speech, of all sound, of CPU."""

    heard: Reading | None
    speech_s: float
    sound_s: float
    cpu_s: float


@dataclass(frozen=True, slots=True)
class Known:
    """Counts over clips whose phrase is in the graph."""

    clips: int
    right: int
    wrong: int
    wrong_language: int
    rejected: int


@dataclass(frozen=True, slots=True)
class Foreign:
    """Counts over clips whose phrase is not in the graph."""

    clips: int
    false_accepts: int
    speech_s: float
    false_accepts_per_hour: float


Heard = dict[ClipSet, list[tuple[Clip, Hearing]]]
QUIET = Noise("none")
NOISES = tuple(Noise(kind, snr_db) for kind in ("white", "house") for snr_db in SNRS_DB)


def read_clips(folder: Path, lexicon: Lexicon) -> list[Clip]:
    """The clips of FOLDER/speech.tsv that are one phrase which the lexicon can say; homophones get the first's text.

    Raises `BadInput` when there is no such table.
    """
    table = folder / "speech.tsv"
    try:
        with table.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    except (OSError, UnicodeDecodeError):
        raise BadInput(f"{table} cannot be read; give the folder that holds speech.tsv.") from None
    if not rows or not set(COLUMNS) <= set(rows[0]):
        raise BadInput(f"{table} needs the tab-separated columns {', '.join(COLUMNS)}.")
    first: dict[Pronunciation, Phrase] = {}
    clips = []
    for number, row in enumerate(rows, 2):
        if not all(row[column] for column in COLUMNS):
            raise BadInput(f"{table} line {number}: {', '.join(COLUMNS)} are all needed.")
        spoken = _spoken(row["lang"], row["text"].strip("\ufeff "))
        if spoken is None:
            continue
        try:
            way = lexicon.pronounce(spoken)[0]
        except BadInput:  # Latin letters, or a sound that the model does not know
            continue
        clips.append(Clip(folder / row["path"], first.setdefault(way, spoken), way, row["speaker"], row["source"]))
    if not clips:
        raise BadInput(f"{table} names no clip in Mandarin (zh) or Mongolian (mn) that the lexicon can say.")
    return clips


def _spoken(language: str, text: str) -> Phrase | None:
    if _LIST_OR_STEM.search(text):
        return None
    if language == Language.MN.value:
        return Phrase(Language.MN, text, text)
    return Phrase(Language.ZH, text) if language == Language.ZH.value else None


def plan(clips: Sequence[Clip]) -> list[ClipSet]:
    """Deal clips into sets, known ones first; the same clips give the same sets. A phrase is in the graph or not."""
    draw = random.Random(_SEED)
    members: dict[tuple[bool, str], list[Clip]] = {}
    for kind, group in _kinds(clips).items():
        texts = sorted({clip.phrase.text for clip in group})
        draw.shuffle(texts)
        listed = set(texts[: _share_in_graph(kind, len(texts))])
        for clip in group:
            members.setdefault((clip.phrase.text in listed, _name(kind, clip)), []).append(clip)
    return [
        ClipSet(name, known, tuple(members[known, name])) for known, name in sorted(members, key=lambda k: not k[0])
    ]


def _kinds(clips: Iterable[Clip]) -> dict[tuple[str, ...], list[Clip]]:
    """Clips by what is drawn together; a phrase belongs to the kind of its first clip, so it is drawn once."""
    kind_of: dict[Pronunciation, tuple[str, ...]] = {}
    kinds: dict[tuple[str, ...], list[Clip]] = {}
    for clip in clips:
        kind = kind_of.setdefault(clip.way, _kind(clip))
        if kind[0] != "other":
            kinds.setdefault(kind, []).append(clip)
    return kinds


def _kind(clip: Clip) -> tuple[str, ...]:
    text = clip.phrase.text
    if clip.phrase.language is Language.MN:
        return ("Mongolian",)
    if clip.source.startswith("AISHELL-1"):
        if _COMMAND.match(text):
            return ("AISHELL-1 commands",)
        return ("AISHELL-1 sentences",) if len(text) >= _LEAST_SENTENCE else ("other",)
    if len(text) <= 2:
        return ("Mandarin words", str(len(text)), clip.source)
    return ("other",)


def _share_in_graph(kind: tuple[str, ...], texts: int) -> int:
    if kind[0] == "AISHELL-1 commands":
        return texts
    if kind[0] == "Mongolian":
        return texts - texts // 3
    return min(WORDS_IN_GRAPH, texts // 2) if kind[0] == "Mandarin words" else 0


def _name(kind: tuple[str, ...], clip: Clip) -> str:
    if kind[0] == "Mongolian":
        return f"Mongolian, {'from' if len(clip.way) >= LONG_TOKENS else 'below'} {LONG_TOKENS} tokens"
    if kind[0] == "Mandarin words":
        return f"Mandarin words, {'one syllable' if kind[1] == '1' else 'two syllables'}"
    return kind[0]


def some(clips: Sequence[Clip], most: int | None) -> list[Clip]:
    """At most so many clips, drawn by the fixed seed, fewer always out of more; None is all of them."""
    drawn = list(clips)
    random.Random(_SEED).shuffle(drawn)
    return drawn[:most]


def outcome(phrase: Phrase, heard: Reading | None) -> Outcome:
    """Judge what was heard where `phrase` was said."""
    if heard is None:
        return Outcome.REJECTED
    if heard.language is not phrase.language:
        return Outcome.WRONG_LANGUAGE
    return Outcome.RIGHT if heard.text == phrase.text else Outcome.WRONG


def score_known(pairs: Sequence[tuple[Clip, Hearing]]) -> Known:
    counts = Counter(outcome(clip.phrase, hearing.heard).value for clip, hearing in pairs)
    return Known(len(pairs), **{one.value: counts[one.value] for one in Outcome})


def score_foreign(hearings: Sequence[Hearing]) -> Foreign:
    speech_s = sum(hearing.speech_s for hearing in hearings)
    accepted = sum(hearing.heard is not None for hearing in hearings)
    per_hour = accepted / speech_s * 3600 if speech_s else 0.0
    return Foreign(len(hearings), accepted, round(speech_s, 1), round(per_hour, 1))


def noisy(clip: Samples, noise: Noise, seed: int) -> Samples:
    """The clip and its tail of silence as int16, both in noise of `snr_db` below the clip's root mean square."""
    sound = np.concatenate([clip, np.zeros(round(TAIL_S * SAMPLE_RATE_HZ), np.int16)])
    if noise.snr_db is None:
        return sound
    level = np.sqrt(np.mean(clip.astype(np.float64) ** 2)) * 10 ** (-noise.snr_db / 20)
    hiss = np.random.default_rng(seed).standard_normal(len(sound))
    if noise.kind == "house":
        hiss = _low_passed(hiss)
    mixed: Samples = np.clip(sound + level * hiss / np.sqrt(np.mean(hiss**2)), -32_768, 32_767).astype(np.int16)
    return mixed


def _low_passed(sound: NDArray[np.float64]) -> NDArray[np.float64]:
    """One pole at the corner: 6 dB an octave above it."""
    hz = np.fft.rfftfreq(len(sound), 1 / SAMPLE_RATE_HZ)
    low: NDArray[np.float64] = np.fft.irfft(np.fft.rfft(sound) / np.hypot(1, hz / HOUSE_CORNER_HZ), len(sound))
    return low


def hear(recognizer: Recognizer, clip: Clip, noise: Noise) -> Hearing:
    """One clip as a stream of its own. Raises `BadInput` when it cannot be read."""
    speech = load_clip(clip.path)
    sound = noisy(speech, noise, zlib.crc32(f"{clip.path.name} {noise.kind} {noise.snr_db}".encode()))
    began_s = time.process_time()
    recognizer.reset()
    finals = [recognizer.accept(sound[at : at + CHUNK_SAMPLES]) for at in range(0, len(sound), CHUNK_SAMPLES)]
    finals.append(recognizer.flush())
    cpu_s = time.process_time() - began_s
    readings = joined([Stretch(final.readings if final.accepted else (), 0.0, 0.0) for final in finals if final])
    heard = readings[0] if readings else None
    return Hearing(heard, len(speech) / SAMPLE_RATE_HZ, len(sound) / SAMPLE_RATE_HZ, cpu_s)


def evaluate(folder: Path, *, everything: bool, model_dir: Path = paths.SPEECH_MODEL) -> dict[str, Any]:
    """All figures, ready for JSON. Raises `HaniError` when something is missing or unreadable."""
    clips = read_clips(folder, Lexicon.of_model(model_dir))
    sets = plan(clips)
    phrases = list({clip.phrase: None for one in sets if one.known for clip in one.clips})
    most, most_in_noise = (None, None) if everything else (CLIPS_A_SET, CLIPS_A_SET_IN_NOISE)
    with tempfile.TemporaryDirectory() as scratch:
        began_s = time.monotonic()
        graph = ensure_graph(phrases, model_dir, Path(scratch))
        built_s = time.monotonic()
        recognizer = VoskRecognizer(graph)
        loaded_s = time.monotonic()
    quiet = _heard(recognizer, sets, QUIET, most)
    in_noise = [(noise, _heard(recognizer, sets, noise, most_in_noise)) for noise in NOISES]
    same_clips = {one: pairs[:most_in_noise] for one, pairs in quiet.items()}
    everything_heard = [
        hearing for heard in (quiet, *(h for _, h in in_noise)) for p in heard.values() for _, hearing in p
    ]
    return {
        "sources": _sources(clips),
        "seed": _SEED,
        "everything": everything,
        "phrases_in_graph": len(phrases),
        "as_recorded": _scores(quiet),
        "in_noise": [{**asdict(noise), **_scores(heard)} for noise, heard in [(QUIET, same_clips), *in_noise]],
        "cost": {
            "build_graph_s": round(built_s - began_s, 2),
            "load_s": round(loaded_s - built_s, 2),
            **_cost(everything_heard),
        },
    }


def _sources(clips: Iterable[Clip]) -> dict[str, dict[str, Any]]:
    speakers: dict[str, set[str]] = {}
    for clip in clips:
        speakers.setdefault(clip.source, set()).add(clip.speaker)
    return {
        source: {"speakers": len(names), "in_the_training_data": source.startswith(TRAINED_ON)}
        for source, names in speakers.items()
    }


def _heard(recognizer: Recognizer, sets: Iterable[ClipSet], noise: Noise, most: int | None) -> Heard:
    return {one: [(clip, hear(recognizer, clip, noise)) for clip in some(one.clips, most)] for one in sets}


def _scores(heard: Heard) -> dict[str, dict[str, Any]]:
    known = {one.name: pairs for one, pairs in heard.items() if one.known}
    foreign = {one.name: pairs for one, pairs in heard.items() if not one.known}
    return {
        "in_graph": {name: asdict(score_known(pairs)) for name, pairs in _with_sum(known).items()},
        "not_in_graph": {name: asdict(score_foreign([h for _, h in p])) for name, p in _with_sum(foreign).items()},
    }


def _with_sum(sets: dict[str, list[tuple[Clip, Hearing]]]) -> dict[str, list[tuple[Clip, Hearing]]]:
    return {**sets, "all": [pair for pairs in sets.values() for pair in pairs]}


def _cost(hearings: Sequence[Hearing]) -> dict[str, float]:
    sound_s, cpu_s = sum(h.sound_s for h in hearings), sum(h.cpu_s for h in hearings)
    return {
        "sound_s": round(sound_s),
        "cpu_s_per_s_of_sound": round(cpu_s / sound_s, 3),
        "slowest_clip_cpu_s": round(max(h.cpu_s for h in hearings), 2),
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def tables(figures: Mapping[str, Any]) -> Iterator[str]:
    """The figures as lines to read."""
    for source, s in figures["sources"].items():
        trained = "speakers and texts were in the training data" if s["in_the_training_data"] else "never trained on"
        yield f"{source}, speakers: {s['speakers']}: {trained}"
    yield "What was trained on shows lexicon, graph and rejection, not how strangers fare."
    title = f"in the graph of {figures['phrases_in_graph']} phrases"
    yield f"\n{title:36} clips  right  wrong  wrong language  rejected"
    for name, s in figures["as_recorded"]["in_graph"].items():
        counts = f"{s['clips']:5}  {s['right']:5}  {s['wrong']:5}  {s['wrong_language']:14}  {s['rejected']:8}"
        yield f"{name:36} {counts}"
    yield f"\n{'not in the graph':36} clips  false accepts  minutes of speech  false accepts an hour"
    for name, s in figures["as_recorded"]["not_in_graph"].items():
        minutes, rate = s["speech_s"] / 60, s["false_accepts_per_hour"]
        yield f"{name:36} {s['clips']:5}  {s['false_accepts']:13}  {minutes:17.1f}  {rate:21.0f}"
    yield ""
    yield from _noise_table(figures["in_noise"])
    cost = figures["cost"]
    yield f"\ngraph built in {cost['build_graph_s']} s, loaded in {cost['load_s']} s"
    yield (
        f"{cost['cpu_s_per_s_of_sound']} s of one core for a second of sound, over {cost['sound_s']} s; "
        f"at most {cost['slowest_clip_cpu_s']} s for a clip; at most {cost['peak_memory_mb']} MB"
    )


def _noise_table(conditions: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    def line(name: str, part: str, of: str, count: str) -> str:
        cells = "".join(f"  {condition[part][of][count]:11g}" for condition in conditions)
        return f"{name:36} {conditions[0][part][of]['clips']:5}{cells}"

    labels = [f"{c['kind']} {c['snr_db']} dB" if c["snr_db"] else "as recorded" for c in conditions]
    header = "".join(f"  {label:>11}" for label in labels)
    yield f"{'in noise, in the graph: right':36} clips{header}"
    for name in conditions[0]["in_graph"]:
        yield line(name, "in_graph", name, "right")
    for count in ("wrong", "wrong_language", "rejected"):
        yield line(f"all: {count.replace('_', ' ')}", "in_graph", "all", count)
    yield f"\n{'in noise, not in it: false accepts':36} clips{header}"
    for name in conditions[0]["not_in_graph"]:
        yield line(name, "not_in_graph", name, "false_accepts")
    yield line("all: an hour", "not_in_graph", "all", "false_accepts_per_hour")


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0, or 1 after one line when something is missing."""
    parser = argparse.ArgumentParser(prog="python -m robot.speech.evaluate", description="Hearing on recorded clips.")
    parser.add_argument("folder", type=Path, help="holds speech.tsv and its clips")
    parser.add_argument("--all", action="store_true", help="every clip, in every noise (hours)")
    given = parser.parse_args(arguments)
    try:
        figures = evaluate(given.folder, everything=given.all)
    except HaniError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    for line in chain(tables(figures), [json.dumps(figures, ensure_ascii=False)]):
        sys.stdout.write(line + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
