"""Builds the recogniser's graph: a grammar of both languages and a filler, as a Vosk model folder in a cache.

kaldifst and vosk crash when they meet in one process, so `ensure_graph` runs this module as a child:
`python -m robot.speech.graph_builder PLAN`, where PLAN is a JSON file: model folder, folder to write, grammar. The
plan may hold names; it lies in the cache folder, readable by its owner only, and is deleted when the graph is built.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from robot.errors import BadInput, HaniError, MissingPart
from robot.messages import Grammar, Language, Phrase, PhraseKind
from robot.speech.calibration import CALIBRATION_FILE
from robot.speech.grammar import Compiler, Rows
from robot.speech.lexicon import Lexicon
from robot.speech.phrase_book import PHRASES_FILE

UNKNOWN_WORD = "[unk]"
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
SOURCES = (
    *("graph_builder.py", "ctc_graph.py", "grammar.py", "phrase_book.py", "lexicon.py", "ways.py", "normalise.py"),
    *("ipa.py", "mandarin_*.py", "mongolian_*.py", "traditional_*.py", "*_words.py", "*.tsv"),
)
"""What shapes a graph: a change of any of these files makes all graphs anew."""
_BUILD_TIMEOUT_S = 300.0  # 200 phrases take about half a second; this only ends a hung child
_EXIT_BAD_INPUT = 3
_KEPT_UNUSED_S = 90 * 86_400.0
_GRAVEST_FIRST = (PhraseKind.SAFETY, PhraseKind.ANSWER, PhraseKind.COMMAND, PhraseKind.FREE)


def ensure_graph(phrases: Iterable[Phrase] | Grammar, model_dir: Path, cache_dir: Path) -> Path:
    """The Vosk model folder that hears exactly `phrases`; built at most once for the same grammar, model and builder.

    Raises `BadInput` naming the phrase that cannot be pronounced, `MissingPart` when the model or kaldifst is missing,
    `HaniError` when the build does not end.
    """
    grammar = phrases if isinstance(phrases, Grammar) else Grammar(tuple(phrases), {})
    graph = cache_dir / graph_key(grammar, model_dir)
    if (graph / PHRASES_FILE).is_file():
        with contextlib.suppress(OSError):  # a cache that cannot be written is still read
            os.utime(graph)
        return graph
    cache_dir.mkdir(parents=True, exist_ok=True)
    _forget_old(cache_dir)
    with tempfile.TemporaryDirectory(prefix=".building-", dir=cache_dir) as scratch:
        built = Path(scratch) / "graph"
        plan = Path(scratch) / "plan.json"
        plan.write_text(json.dumps([str(model_dir.resolve()), str(built), _packed(grammar)]), encoding="utf-8")
        _build_in_child(plan)
        _settle(built)
        try:
            built.rename(graph)
        except OSError:  # another process was first; both built the same
            if not (graph / PHRASES_FILE).is_file():
                raise
    return graph


def _settle(built: Path) -> None:
    """Bring a built folder to disk before it gets its name: after a power cut it is there whole, or not at all."""
    for path in (*built.rglob("*"), built):
        if path.exists():  # a link may point at what is not there yet
            handle = os.open(path, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)


def _forget_old(cache_dir: Path) -> None:
    """Delete graphs, and scratch of builds that were cut off, that nobody used for long: they may hold names."""
    for folder in cache_dir.iterdir():
        with contextlib.suppress(OSError):
            if time.time() - folder.stat().st_mtime > _KEPT_UNUSED_S:
                shutil.rmtree(folder, ignore_errors=True)


def _packed(grammar: Grammar) -> list[Any]:
    classes = [[*key, _packed_phrases(forms)] for key, forms in sorted(grammar.classes.items())]
    return [_packed_phrases(grammar.phrases), classes, sorted(grammar.names)]


def _packed_phrases(phrases: Iterable[Phrase]) -> list[list[Any]]:
    """In an order of their own: the same phrases are the same grammar, and of homophones the graver comes first."""
    ordered = sorted(phrases, key=lambda p: (_GRAVEST_FIRST.index(p.kind), p.language, p.text, p.pronunciation or ""))
    return [[p.language.value, p.text, p.pronunciation or "", p.weight, p.kind.value] for p in ordered]


def _unpacked(packed: Sequence[Any]) -> Grammar:
    phrases, classes, names = packed
    return Grammar(
        _unpacked_phrases(phrases),
        {(Language(language), slot): _unpacked_phrases(forms) for language, slot, forms in classes},
        tuple(names),
    )


def _unpacked_phrases(rows: Sequence[Any]) -> tuple[Phrase, ...]:
    return tuple(
        Phrase(Language(language), text, said or None, weight, PhraseKind(kind))
        for language, text, said, weight, kind in rows
    )


def graph_key(grammar: Grammar, model_dir: Path) -> str:
    """The name of a graph's folder: a digest of the grammar, the model and the builder. Raises `MissingPart`."""
    digest = hashlib.sha256()
    here = Path(__file__).parent
    sources = sorted(file for pattern in SOURCES for file in here.glob(pattern))
    for file in [*sources, *(model_dir / part for part in ("am/final.mdl", "tokens.txt"))]:
        try:
            digest.update(hashlib.sha256(file.read_bytes()).digest())
        except OSError as error:
            raise MissingPart(f"{file} is missing or unreadable; restore the speech model in models/speech.") from error
    digest.update(json.dumps(_packed(grammar)).encode())
    return digest.hexdigest()[:20]


def _build_in_child(plan: Path) -> None:
    root = str(Path(__file__).parents[2])
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-m", "robot.speech.graph_builder", str(plan)]
    try:
        child = subprocess.run(
            command,
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            encoding="utf-8",
            timeout=_BUILD_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise HaniError(
            f"The speech graph was not built within {_BUILD_TIMEOUT_S:.0f} s; free the processor, or use fewer phrases."
        ) from None
    if child.returncode == _EXIT_BAD_INPUT:
        raise BadInput(child.stderr.strip())
    if child.returncode != 0:
        reason = (child.stderr.strip().splitlines() or [f"exit code {child.returncode}"])[-1]
        raise MissingPart(f"The speech graph could not be built ({reason}); reinstall the robot's requirements.")


def build(grammar: Grammar, model_dir: Path, out_dir: Path) -> None:
    """Write the Vosk model folder `out_dir` (must not exist). Only for a process that never imports vosk."""
    rows = Rows(grammar)
    compiled = Compiler(rows, Lexicon.of_model(model_dir, grammar.names))
    compiled.graph.add_filler(UNKNOWN_WORD, _FILLER_COST_PER_TOKEN)
    compiled.graph.write(out_dir / "graph")
    (out_dir / "conf").mkdir()
    (out_dir / "conf" / "model.conf").write_text(_MODEL_CONF, encoding="utf-8")
    shutil.copyfile(model_dir / "conf" / "mfcc.conf", out_dir / "conf" / "mfcc.conf")
    (out_dir / "am").mkdir()
    acoustic = (model_dir / "am" / "final.mdl").resolve()
    try:
        os.link(acoustic, out_dir / "am" / "final.mdl")
    except OSError:  # the cache is on another disk
        (out_dir / "am" / "final.mdl").symlink_to(acoustic)
    # a link, so that a calibration fitted later holds for graphs built before; it dangles while there is none
    (out_dir / CALIBRATION_FILE).symlink_to(model_dir.resolve() / CALIBRATION_FILE)
    book = {
        "phrases": [[row.language.value, row.text, compiled.tokens_of(row), row.kind.value] for row in rows.phrases],
        "forms": [[row.text, compiled.tokens_of(row)] for row in rows.forms],
    }
    (out_dir / PHRASES_FILE).write_text(json.dumps(book, ensure_ascii=False), encoding="utf-8")


def main(arguments: Sequence[str]) -> int:
    """Build by the plan file that `ensure_graph` wrote."""
    model_dir, out_dir, packed = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    try:
        build(_unpacked(packed), Path(model_dir), Path(out_dir))
    except HaniError as error:
        sys.stderr.write(f"{error}\n")
        return _EXIT_BAD_INPUT
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
