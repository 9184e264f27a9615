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
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from robot import paths
from robot.errors import BadInput, HaniError, MissingPart
from robot.messages import Grammar, Language, Phrase, PhraseKind
from robot.speech.calibration import CALIBRATION_FILE
from robot.speech.grammar import Compiler, Rows
from robot.speech.graph_format import LATTICE_BEAM, PHRASES_FILE, UNKNOWN_WORD
from robot.speech.lexicon import Lexicon

_FILLER_COST_PER_TOKEN = 3.0  # nats; see models/speech/README.md for what 2, 4 and 5 gave
# phone-determinize: left on, the filler's lattice of unknown speech in noise explodes (20 s, 430 MB for a 5 s clip)
# max-active, beam: in a quiet room the filler keeps everything alive; with 4000 and 20 it took twice the time and heard
# 230 recordings no better
_MODEL_CONF = f"""\
--min-active=200
--max-active=2000
--beam=16.0
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
    *("graph_builder.py", "graph_format.py", "ctc_graph.py", "grammar.py", "lexicon.py", "ways.py", "normalise.py"),
    *("safety_decoder.py", "ipa.py", "mandarin_*.py", "mongolian_*.py", "traditional_*.py", "*_words.py", "*.tsv"),
)
"""What shapes a graph: a change of any of these files makes all graphs anew."""
_BUILD_TIMEOUT_S = 300.0  # 200 phrases take about half a second; this only ends a hung child
_EXIT_BAD_INPUT = 3
_EXIT_DISK = 4
_KEPT_UNUSED_S = 90 * 86_400.0
_PARTS = (PHRASES_FILE, "graph/HCLG.fst", "am/final.mdl")
_ERROR_TYPE = re.compile(r"[A-Za-z_][\w.]*(?=:|$)")
_GRAVEST_FIRST = (PhraseKind.SAFETY, PhraseKind.ANSWER, PhraseKind.COMMAND, PhraseKind.FREE)


def ensure_graph(phrases: Iterable[Phrase] | Grammar, model_dir: Path, cache_dir: Path) -> Path:
    """The Vosk model folder that hears exactly `phrases`; built at most once for the same grammar, model and builder.

    Raises `BadInput` naming the phrase that cannot be pronounced, `MissingPart` when the model or kaldifst is missing,
    `HaniError` when the build does not end, `OSError` when the cache cannot be written.
    """
    grammar = phrases if isinstance(phrases, Grammar) else Grammar(tuple(phrases), {})
    graph = cache_dir / graph_key(grammar, model_dir)
    if _is_whole(graph):
        with contextlib.suppress(OSError):  # a cache that cannot be written is still read
            os.utime(graph)
        return graph
    cache_dir.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(OSError):  # somebody else's folder
        cache_dir.chmod(0o700)
    if graph.exists():
        shutil.rmtree(graph)
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
            if not _is_whole(graph):
                raise
    return graph


def ensure_derived(
    sources: Iterable[Phrase], derive: Callable[[], Iterable[Phrase]], model_dir: Path, cache_dir: Path
) -> Path:
    """The graph of the phrases that `derive` works out of `sources`: worked out once, since that takes seconds.

    A link beside the graph remembers it by the sources. `derive` must be a function of one of `SOURCES`. Raises as
    `ensure_graph`.
    """
    link = cache_dir / f"{graph_key(Grammar(tuple(sources), {}), model_dir)}-derived"
    if _is_whole(link):
        with contextlib.suppress(OSError):
            os.utime(link)
        return link.resolve()
    graph = ensure_graph(derive(), model_dir, cache_dir)
    with contextlib.suppress(OSError):  # without the link it is worked out again
        link.unlink(missing_ok=True)
        link.symlink_to(graph.name)
    return graph


def _is_whole(graph: Path) -> bool:
    """Whether a graph can be loaded; its links lead nowhere once the model has been moved or deleted."""
    return all((graph / part).is_file() for part in _PARTS)


def keep_only(graphs: Sequence[Path], owner: str, cache_dir: Path) -> None:
    """Delete the graphs with names that `owner` had before `graphs`: names go from the disk when they change.

    `owner` is one robot's one resident: graphs of others in the same cache are left alone. Never raises.
    """
    notes = cache_dir / f"{hashlib.sha256(owner.encode()).hexdigest()[:20]}-names"
    kept = [graph.name for graph in graphs]
    with contextlib.suppress(OSError, UnicodeDecodeError):
        before = notes.read_text(encoding="ascii").split() if notes.is_file() else []
        for name in before:
            if re.fullmatch("[0-9a-f]{20}", name) and name not in kept:
                shutil.rmtree(cache_dir / name, ignore_errors=True)
        notes.write_text("".join(f"{name}\n" for name in kept), encoding="ascii")


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
            if folder.is_symlink() and not folder.exists():
                folder.unlink()
            elif folder.is_file():
                continue  # the notes of `keep_only`
            elif time.time() - folder.stat().st_mtime > _KEPT_UNUSED_S:
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
    digest.update(f"{model_dir.resolve()}\n".encode())  # the graph holds links to it
    digest.update(json.dumps(_packed(grammar)).encode())
    return digest.hexdigest()[:20]


def _build_in_child(plan: Path) -> None:
    command = [sys.executable, "-m", "robot.speech.graph_builder", str(plan)]
    try:
        child = subprocess.run(
            command,
            env={**os.environ, "PYTHONPATH": paths.python_path()},
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
    if child.returncode == _EXIT_DISK:
        raise OSError("the speech graph could not be written")
    if child.returncode != 0:
        found = _ERROR_TYPE.match((child.stderr.strip().splitlines() or [""])[-1])  # what follows it may hold a name
        reason = found[0] if found else f"exit code {child.returncode}"
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
    """Build by the plan file that `ensure_graph` wrote; readable by the owner only, since phrases may hold names."""
    os.umask(0o077)
    model_dir, out_dir, packed = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    try:
        build(_unpacked(packed), Path(model_dir), Path(out_dir))
    except HaniError as error:
        sys.stderr.write(f"{error}\n")
        return _EXIT_BAD_INPUT
    except FileNotFoundError:  # a part of the model
        raise
    except OSError:
        return _EXIT_DISK
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
