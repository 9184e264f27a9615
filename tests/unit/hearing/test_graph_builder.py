from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dialogue.grammar import resident_grammar
from dialogue.words import words
from robot.errors import BadInput, HaniError, MissingPart
from robot.messages import Grammar, Language, OwnName, Phrase, PhraseKind
from robot.speech import graph_builder
from robot.speech.audio import CHUNK_SAMPLES, Samples, load_clip
from robot.speech.graph_builder import ensure_derived, ensure_graph, graph_key, keep_only
from robot.speech.graph_format import PHRASES_FILE
from robot.speech.phrase_book import PhraseBook
from robot.speech.recognizer import VoskRecognizer
from tests.unit.hearing.conftest import DATA, MODEL, ROOT

pytestmark = pytest.mark.unit

OPEN = Phrase(Language.ZH, "打开电视")
THANKS = Phrase(Language.MN, "баярлалаа")
SLOTTED = Grammar(
    (
        Phrase(Language.ZH, "打开{song}"),
        Phrase(Language.ZH, "想听歌曲{song}"),
        Phrase(Language.ZH, "打开{song}{wish}"),
        Phrase(Language.MN, "сайн {wish} уу"),
        Phrase(Language.ZH, "救命", kind=PhraseKind.SAFETY),
    ),
    {
        (Language.ZH, "song"): tuple(
            Phrase(Language.ZH, title) for title in ("父亲", "海阔天空", "兄弟抱一下", "荷塘月色", "青藏高原", "小苹果")
        ),
        (Language.ZH, "wish"): (
            Phrase(Language.ZH, "谢谢"),
            Phrase(Language.MN, "баярлалаа", "bɑjə̌rllɑː"),
            Phrase(Language.MN, "баяртай", "bɑjə̌rtæː"),
        ),
        (Language.MN, "wish"): (Phrase(Language.MN, "байна", "bæːn"), Phrase(Language.MN, "амар")),
    },
)


def test_the_same_phrases_are_built_once_whatever_their_order(cache_dir: Path) -> None:
    graph = ensure_graph([OPEN, THANKS], MODEL, cache_dir)
    written = (graph / "graph" / "HCLG.fst").stat().st_mtime_ns
    assert ensure_graph([THANKS, OPEN], MODEL, cache_dir) == graph
    assert (graph / "graph" / "HCLG.fst").stat().st_mtime_ns == written


def test_every_difference_in_a_phrase_gives_another_graph() -> None:
    variants = [[OPEN], [THANKS], [replace(OPEN, weight=2.0)], [replace(THANKS, pronunciation="bɑjə̌rllɑː")]]
    assert len({graph_key(Grammar(tuple(phrases), {}), MODEL) for phrases in variants}) == len(variants)


def test_every_difference_in_a_class_gives_another_graph() -> None:
    key = (Language.ZH, "song")
    songs = SLOTTED.classes[key]
    variants = [
        SLOTTED,
        replace(SLOTTED, names=("单明",)),
        replace(SLOTTED, classes={**SLOTTED.classes, key: songs[:-1]}),
        replace(SLOTTED, classes={**SLOTTED.classes, key: (*songs[:-1], replace(songs[-1], weight=2.0))}),
    ]
    assert len({graph_key(grammar, MODEL) for grammar in variants}) == len(variants)
    turned = replace(SLOTTED, phrases=SLOTTED.phrases[::-1], classes={**SLOTTED.classes, key: songs[::-1]})
    assert graph_key(turned, MODEL) == graph_key(SLOTTED, MODEL)


def test_a_graph_folder_is_whole_and_no_scratch_is_left(cache_dir: Path) -> None:
    graph = ensure_graph(SLOTTED, MODEL, cache_dir)
    book = json.loads((graph / PHRASES_FILE).read_text(encoding="utf-8"))
    words = {line.split()[0] for line in (graph / "graph" / "words.txt").read_text(encoding="utf-8").splitlines()}
    rows = {f"p{row}" for row in range(len(book["phrases"]))} | {f"c{row}" for row in range(len(book["forms"]))}
    assert words == rows | {"<eps>", "[unk]"}
    assert (len(book["phrases"]), len(book["forms"])) == (5, 11)
    assert (graph / "am" / "final.mdl").stat().st_size == (MODEL / "am" / "final.mdl").stat().st_size
    assert not list(cache_dir.glob(".building-*"))


def test_of_homophones_the_graver_comes_first(cache_dir: Path) -> None:
    graph = ensure_graph(SLOTTED, MODEL, cache_dir)
    first = PhraseBook.of_graph(graph).read("p0")
    assert first is not None
    assert (first.text, first.kind, first.tokens) == ("救命", PhraseKind.SAFETY, 4)


def heard(recognizer: VoskRecognizer, *clips: str) -> list[tuple[Language, str]]:
    """The best reading of each final of some clips, said as one."""
    sound: Samples = np.concatenate([*(_speech(DATA / clip) for clip in clips), np.zeros(16_000, np.int16)])
    recognizer.reset()
    finals = [recognizer.accept(sound[at : at + CHUNK_SAMPLES]) for at in range(0, len(sound), CHUNK_SAMPLES)]
    found = [final for final in (*finals, recognizer.flush()) if final is not None and final.readings]
    return [(final.readings[0].language, final.readings[0].text) for final in found]


def _speech(clip: Path) -> Samples:
    """A clip without the silence around it: a pause within a sentence would end it."""
    sound = load_clip(clip)
    loud = np.flatnonzero(np.abs(sound.astype(np.int32)) > np.abs(sound.astype(np.int32)).max() // 10)
    return sound[max(0, loud[0] - 800) : loud[-1] + 800]


def test_what_fills_a_slot_is_heard_in_both_languages_and_mixed(cache_dir: Path) -> None:
    """The mixed sentence is made of two recordings: 打开海阔天空, and баярлалаа in the slot behind it."""
    recognizer = VoskRecognizer(ensure_graph(SLOTTED, MODEL, cache_dir))
    assert heard(recognizer, "zh/BAC009S0252W0070.ogg") == [(Language.ZH, "打开兄弟抱一下")]
    assert heard(recognizer, "zh/BAC009S0150W0044.ogg") == [(Language.ZH, "想听歌曲父亲")]
    assert heard(recognizer, "mn/key-1_B.flac") == [(Language.MN, "сайн байна уу")]
    mixed = heard(recognizer, "zh/BAC009S0252W0056.ogg", "mn/L2-K2_A.flac")
    assert mixed == [(Language.ZH, "打开海阔天空 баярлалаа")]


def test_the_product_grammar_with_forty_names_stays_small_and_hears(cache_dir: Path) -> None:
    """5 MB is the budget of a small board; names of people, medicines and villages are in use at once."""
    zh, mn = "萨仁巴图娜其木格苏和", ("саран", "баатар", "наран", "цэцэг", "мөнх", "сүх", "хаан", "буян")
    names = [
        OwnName(("person", "medicine", "place")[n % 3], zh[n % 9] + zh[n // 9], f"{mn[n % 8]} {mn[n // 8]}")
        for n in range(40)
    ]
    graph = ensure_graph(resident_grammar(words(), names), MODEL, cache_dir)
    assert (graph / "graph" / "HCLG.fst").stat().st_size < 5_000_000
    recognizer = VoskRecognizer(graph)
    assert heard(recognizer, "zh/BAC009S0252W0070.ogg") == [(Language.ZH, "打开兄弟抱一下")]
    assert heard(recognizer, "mn/L2-K2_B.flac") == [(Language.MN, "баярлалаа")]


def test_a_form_that_cannot_be_said_is_named(cache_dir: Path) -> None:
    classes = {(Language.ZH, "song"): (Phrase(Language.ZH, "父亲"), Phrase(Language.MN, "Baatar"))}
    with pytest.raises(BadInput, match="Baatar"):
        ensure_graph(Grammar((Phrase(Language.ZH, "打开{song}"),), classes), MODEL, cache_dir)


def test_a_build_that_does_not_end_is_a_clear_error_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graph_builder, "_BUILD_TIMEOUT_S", 0.001)
    with pytest.raises(HaniError, match="not built within"):
        ensure_graph([OPEN], MODEL, tmp_path / "cache")
    assert not list((tmp_path / "cache").iterdir())


def test_a_build_that_is_cut_off_is_done_again(tmp_path: Path) -> None:
    """Power fails while the graph is written: half a folder lies there under a name that nobody asks for."""
    torn = tmp_path / ".building-torn" / "graph" / "graph"
    torn.mkdir(parents=True)
    (torn / "HCLG.fst").write_bytes(b"half")
    assert PhraseBook.of_graph(ensure_graph([OPEN], MODEL, tmp_path)).read("p0") is not None


def test_graphs_that_nobody_used_for_long_are_forgotten_because_they_may_hold_names(tmp_path: Path) -> None:
    left, used = ensure_graph([OPEN], MODEL, tmp_path), ensure_graph([THANKS], MODEL, tmp_path)
    for graph in (left, used):
        os.utime(graph, (0, 0))
    assert ensure_graph([THANKS], MODEL, tmp_path) == used
    new = ensure_graph([OPEN, THANKS], MODEL, tmp_path)
    assert {folder.name for folder in tmp_path.iterdir()} == {used.name, new.name}


def test_phrases_that_take_long_to_work_out_are_worked_out_once(tmp_path: Path) -> None:
    worked_out: list[Phrase] = []

    def derived(source: Phrase) -> Path:
        def derive() -> list[Phrase]:
            worked_out.append(source)
            return [source]

        return ensure_derived([source], derive, MODEL, tmp_path)

    graph = derived(OPEN)
    assert derived(OPEN) == graph == ensure_graph([OPEN], MODEL, tmp_path)
    assert worked_out == [OPEN]
    shutil.rmtree(graph)
    assert (derived(OPEN), worked_out) == (graph, [OPEN, OPEN])
    assert derived(THANKS) != graph
    assert worked_out == [OPEN, OPEN, THANKS]


def test_every_module_that_shapes_a_graph_is_part_of_its_key() -> None:
    """A better lexicon must not be answered with graphs of the old one."""
    code = "import sys, robot.speech.graph_builder; print(*(m for m in sys.modules if m.startswith('robot.speech.')))"
    listed = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    shaping = {Path(*name.split(".")).with_suffix(".py").name for name in listed.stdout.split()}
    folder = Path(graph_builder.__file__).parent
    in_key = {file.name for pattern in graph_builder.SOURCES for file in folder.glob(pattern)}
    assert shaping - in_key <= {"calibration.py"}


def test_a_phrase_that_cannot_be_said_is_named(cache_dir: Path) -> None:
    with pytest.raises(BadInput, match="打开Maps"):
        ensure_graph([OPEN, Phrase(Language.ZH, "打开Maps")], MODEL, cache_dir)


def test_nothing_to_listen_for_is_an_error(cache_dir: Path) -> None:
    with pytest.raises(BadInput, match="at least one"):
        ensure_graph([], MODEL, cache_dir)


def test_a_weight_of_nothing_is_an_error(cache_dir: Path) -> None:
    with pytest.raises(BadInput, match="weight"):
        ensure_graph([replace(OPEN, weight=0.0)], MODEL, cache_dir)


def test_a_missing_model_says_what_to_restore(cache_dir: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingPart, match="models/speech"):
        ensure_graph([OPEN], tmp_path, cache_dir)


def test_a_model_that_moved_and_a_graph_that_lost_a_part_are_built_anew(tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    shutil.copytree(MODEL, moved)
    grammar = Grammar((OPEN,), {})
    assert graph_key(grammar, moved) != graph_key(grammar, MODEL)
    cache = tmp_path / "cache"
    graph = ensure_graph(grammar, MODEL, cache)
    (graph / "am" / "final.mdl").unlink()
    (graph / "am" / "final.mdl").symlink_to(tmp_path / "gone")
    assert ensure_graph(grammar, MODEL, cache) == graph
    assert (graph / "am" / "final.mdl").is_file()


def test_graphs_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    graph = ensure_graph([OPEN], MODEL, cache)
    assert cache.stat().st_mode & 0o077 == graph.stat().st_mode & 0o077 == 0
    assert all((graph / part).stat().st_mode & 0o077 == 0 for part in (PHRASES_FILE, "graph/HCLG.fst", "conf"))


def test_names_that_changed_go_from_the_disk_and_those_of_others_stay(tmp_path: Path) -> None:
    one, two, others = (tmp_path / (letter * 20) for letter in "abc")
    for folder in (one, two, others):
        folder.mkdir()
    keep_only([others], "another resident", tmp_path)
    keep_only([one], "resident", tmp_path)
    keep_only([two], "resident", tmp_path)
    assert [one.exists(), two.exists(), others.exists()] == [False, True, True]


def test_a_builder_that_breaks_tells_the_kind_of_error_and_no_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: object, **_more: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess([], 1, "", "Traceback\nKeyError: '其木格'\n")

    monkeypatch.setattr(subprocess, "run", broken)
    with pytest.raises(MissingPart, match="KeyError") as refusal:
        ensure_graph([OPEN], MODEL, tmp_path)
    assert "其木格" not in str(refusal.value)


def test_a_full_disk_is_no_missing_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = subprocess.CompletedProcess([], graph_builder._EXIT_DISK, "", "")
    monkeypatch.setattr(subprocess, "run", lambda *_args, **_more: full)
    with pytest.raises(OSError, match="written"):
        ensure_graph([OPEN], MODEL, tmp_path)
