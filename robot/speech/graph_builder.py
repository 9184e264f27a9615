"""Builds the recogniser's graph: phrases of both languages and a filler, as a Vosk model folder in a cache.

kaldifst and vosk crash when they meet in one process, so `ensure_graph` runs this module as a child:
`python -m robot.speech.graph_builder PLAN`, where PLAN is a JSON file: model folder, folder to write,
phrases.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from robot.errors import BadInput, HaniError, MissingPart
from robot.messages import Language, Phrase
from robot.speech.lexicon import Lexicon, Pronunciation

UNKNOWN_WORD = "[unk]"
PHRASES_FILE = "phrases.json"  # word `p7` of the graph is row 7: [language, text, length in tokens]
LATTICE_BEAM = 6.0  # nats below the best path at which alternatives are dropped
_FILLER_COST_PER_TOKEN = 2.0  # nats; see models/speech/README.md for what 1, 2 and 3 gave
# phone-determinize: left on, the filler's lattice of unknown speech in noise explodes (20 s, 430 MB for a 5 s clip)
_MODEL_CONF = f"""\
--min-active=200
--max-active=4000
--beam=20.0
--lattice-beam={LATTICE_BEAM}
--acoustic-scale=1.0
--phone-determinize=false
--frame-subsampling-factor=3
--endpoint.silence-phones=1
--endpoint.rule2.min-trailing-silence=0.5
--endpoint.rule3.min-trailing-silence=1.0
--endpoint.rule4.min-trailing-silence=2.0
"""
_SOURCES = ("graph_builder.py", "lexicon.py", "mandarin_g2p.py", "mongolian_g2p.py", "ipa.py")
_BUILD_TIMEOUT_S = 300.0  # 200 phrases take about half a second; this only ends a hung child
_EXIT_BAD_INPUT = 3


def ensure_graph(phrases: Sequence[Phrase], model_dir: Path, cache_dir: Path) -> Path:
    """The Vosk model folder that hears exactly `phrases`; built at most once for the same phrases, model and builder.

    Raises `BadInput` naming the phrase that cannot be pronounced, `MissingPart` when the model or kaldifst is missing.
    """
    graph = cache_dir / _key(phrases, model_dir)
    if (graph / PHRASES_FILE).is_file():
        return graph
    cache_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".building-", dir=cache_dir) as scratch:
        built = Path(scratch) / "graph"
        plan = Path(scratch) / "plan.json"
        rows = [[p.language.value, p.text, p.pronunciation, p.weight] for p in phrases]
        plan.write_text(json.dumps([str(model_dir.resolve()), str(built), rows]), encoding="utf-8")
        _build_in_child(plan)
        try:
            built.rename(graph)
        except OSError:  # another process was first; both built the same
            if not (graph / PHRASES_FILE).is_file():
                raise
    return graph


def _key(phrases: Sequence[Phrase], model_dir: Path) -> str:
    digest = hashlib.sha256()
    here = Path(__file__).parent
    files = [*(here / name for name in _SOURCES), *(model_dir / part for part in ("am/final.mdl", "tokens.txt"))]
    for file in files:
        try:
            digest.update(hashlib.sha256(file.read_bytes()).digest())
        except OSError as error:
            raise MissingPart(f"{file} is missing or unreadable; restore the speech model in models/speech.") from error
    rows = sorted([p.language.value, p.text, p.pronunciation or "", p.weight] for p in phrases)
    digest.update(json.dumps(rows).encode())
    return digest.hexdigest()[:20]


def _build_in_child(plan: Path) -> None:
    root = str(Path(__file__).parents[2])
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-m", "robot.speech.graph_builder", str(plan)]
    child = subprocess.run(
        command,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        encoding="utf-8",
        timeout=_BUILD_TIMEOUT_S,
        check=False,
    )
    if child.returncode == _EXIT_BAD_INPUT:
        raise BadInput(child.stderr.strip())
    if child.returncode != 0:
        reason = (child.stderr.strip().splitlines() or [f"exit code {child.returncode}"])[-1]
        raise MissingPart(f"The speech graph could not be built ({reason}); reinstall the robot's requirements.")


def build(phrases: Iterable[Phrase], model_dir: Path, out_dir: Path) -> None:
    """Write the Vosk model folder `out_dir` (must not exist). Only for a process that never imports vosk."""
    lexicon = Lexicon.of_model(model_dir)
    ways: dict[tuple[Language, str], list[Pronunciation]] = {}
    costs: dict[tuple[Language, str], float] = {}
    for phrase in phrases:
        if not phrase.weight > 0:
            raise BadInput(f"Phrase {phrase.text!r} has weight {phrase.weight}; it must be above 0.")
        key = (phrase.language, phrase.text)
        ways.setdefault(key, []).extend(lexicon.pronounce(phrase))
        costs[key] = min(costs.get(key, math.inf), -math.log(phrase.weight))
    if not ways:
        raise BadInput("There is no phrase to listen for; give at least one.")
    graph = CtcGraph(lexicon.tokens)
    for number, (key, pronunciations) in enumerate(ways.items()):
        graph.add_phrase(f"p{number}", dict.fromkeys(pronunciations), costs[key])
    graph.add_filler(_FILLER_COST_PER_TOKEN)
    graph.write(out_dir / "graph")
    (out_dir / "conf").mkdir()
    (out_dir / "conf" / "model.conf").write_text(_MODEL_CONF, encoding="utf-8")
    shutil.copyfile(model_dir / "conf" / "mfcc.conf", out_dir / "conf" / "mfcc.conf")
    (out_dir / "am").mkdir()
    acoustic = (model_dir / "am" / "final.mdl").resolve()
    try:
        os.link(acoustic, out_dir / "am" / "final.mdl")
    except OSError:  # the cache is on another disk
        (out_dir / "am" / "final.mdl").symlink_to(acoustic)
    rows = [[language.value, text, min(map(len, ways[language, text]))] for language, text in ways]
    (out_dir / PHRASES_FILE).write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")


class CtcGraph:
    """A decoding graph over CTC tokens. Token k of the model has pdf k, transition 2k+1 to stay and 2k+2 to enter."""

    def __init__(self, tokens: Sequence[str]) -> None:
        import kaldifst

        self._kaldifst = kaldifst
        self._fst = kaldifst.StdVectorFst()
        self._number = {token: k for k, token in enumerate(tokens)}
        self.words = {"<eps>": 0}
        start = self._state()
        self._fst.start = start
        self._open = self._state()
        lead = self._blank(start)
        self._arc(start, 0, self._open)
        self._arc(lead, 0, self._open)
        self._fst.set_final(lead, 0.0)  # silence alone is an empty result, not the shortest phrase
        self._end = self._state()
        self._fst.set_final(self._end, 0.0)
        self._fst.set_final(self._blank(self._end), 0.0)
        self._nodes: dict[Pronunciation, tuple[int, int]] = {}

    def add_phrase(self, word: str, ways: Iterable[Pronunciation], cost: float) -> None:
        """Add a phrase as one output word; phrases with the same beginning share its states."""
        label = self._label(word)
        for way in ways:
            for state in self._node(way):
                self._arc(state, 0, self._end, word=label, cost=cost)

    def add_filler(self, cost_per_token: float) -> None:
        """Add a loop over all tokens as `[unk]`, for speech that is no phrase."""
        label = self._label(UNKNOWN_WORD)
        hub = self._state()
        self._arc(self._open, 0, hub)
        pause = self._state()
        self._arc(pause, 1, pause)
        loud = {k: self._state() for k in range(1, len(self._number))}
        for k, state in loud.items():
            self._arc(state, 2 * k + 1, state)
            self._arc(state, 2, pause)
            self._arc(state, 0, self._end, word=label)
            for before in (hub, pause, *(other for j, other in loud.items() if j != k)):
                self._arc(before, 2 * k + 2, state, cost=cost_per_token)
        self._arc(pause, 0, self._end, word=label)

    def write(self, graph_dir: Path) -> None:
        """Write HCLG.fst and words.txt."""
        graph_dir.mkdir(parents=True)
        self._kaldifst.connect(self._fst)
        self._kaldifst.arcsort(self._fst, "ilabel")
        self._fst.write(str(graph_dir / "HCLG.fst"))
        lines = [f"{word} {number}\n" for word, number in self.words.items()]
        (graph_dir / "words.txt").write_text("".join(lines), encoding="utf-8")

    def _label(self, word: str) -> int:
        return self.words.setdefault(word, len(self.words))

    def _state(self) -> int:
        return int(self._fst.add_state())

    def _arc(self, source: int, transition: int, target: int, *, word: int = 0, cost: float = 0.0) -> None:
        arc = self._kaldifst.StdArc(ilabel=transition, olabel=word, weight=cost, nextstate=target)
        self._fst.add_arc(source, arc)

    def _blank(self, source: int) -> int:
        blank = self._state()
        self._arc(source, 2, blank)
        self._arc(blank, 1, blank)
        return blank

    def _node(self, way: Pronunciation) -> tuple[int, int]:
        """The two states after `way`: in its last token, and in a blank behind it."""
        for length in range(1, len(way) + 1):
            prefix = way[:length]
            if prefix not in self._nodes:
                self._nodes[prefix] = self._extend(prefix)
        return self._nodes[way]

    def _extend(self, way: Pronunciation) -> tuple[int, int]:
        k = self._number[way[-1]]
        state = self._state()
        self._arc(state, 2 * k + 1, state)
        spoken_and_blank = self._nodes[way[:-1]] if len(way) > 1 else (self._open,)
        repeated = len(way) > 1 and way[-1] == way[-2]  # CTC parts equal neighbours by a blank
        for source in spoken_and_blank[1:] if repeated else spoken_and_blank:
            self._arc(source, 2 * k + 2, state)
        return state, self._blank(state)


def main(arguments: Sequence[str]) -> int:
    """Build by the plan file that `ensure_graph` wrote."""
    model_dir, out_dir, rows = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    phrases = [Phrase(Language(language), text, said, weight) for language, text, said, weight in rows]
    try:
        build(phrases, Path(model_dir), Path(out_dir))
    except HaniError as error:
        sys.stderr.write(f"{error}\n")
        return _EXIT_BAD_INPUT
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
