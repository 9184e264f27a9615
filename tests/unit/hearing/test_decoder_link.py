"""The recogniser's process wedges, dies or cannot start: no word is lost, and none comes twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from robot import paths
from robot.errors import MissingPart
from robot.messages import Language, SafetyKind
from robot.speech import decoder_link, decoder_process
from robot.speech.audio import CHUNK_S, CHUNK_SAMPLES, AudioChunk, FileSource
from robot.speech.decoder_link import Decoded, DecoderLink, replay_from, wedged
from robot.speech.decoder_process import DecoderProcess, processor_s
from robot.speech.graph_builder import ensure_graph
from robot.speech.lexicon import Lexicon
from robot.speech.safety_decoder import decoder_phrases
from tests.unit.hearing.conftest import DATA, MODEL

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoder_link, "WEDGED_AFTER_S", 0.4)


class Stream:
    """Feeds a link of the fake with values and collects what comes back."""

    def __init__(self, tmp_path: Path, plan: str) -> None:
        self.link = DecoderLink(
            [sys.executable, "-m", "tests.unit.hearing.fake_decoder", "{fd}", plan, str(tmp_path / "starts")]
        )
        self.number = 0
        self.answers: list[Decoded] = []

    def feed(self, *values: int) -> None:
        for value in values:
            chunk = AudioChunk(np.full(CHUNK_SAMPLES, value, np.int16), self.number * CHUNK_S)
            self.answers += self.link.feed(chunk, voiced=value != 0)
            self.number += 1

    def catch_up(self, within_s: float = 20.0) -> None:
        end_s = time.monotonic() + within_s
        while self.link.behind_s() > 0.0 and time.monotonic() < end_s:
            self.answers += self.link.poll(0.1)
        assert self.link.behind_s() == 0.0

    def texts(self) -> list[str]:
        return [answer.final.readings[0].text for answer in self.answers if answer.final]

    def safety_texts(self) -> list[str]:
        return [answer.safety.readings[0].text for answer in self.answers if answer.safety]


@pytest.fixture
def streams(tmp_path: Path) -> Iterator[dict[str, Stream]]:
    made: dict[str, Stream] = {}
    yield made
    for stream in made.values():
        stream.link.close()


def begun(streams: dict[str, Stream], tmp_path: Path, plan: str) -> Stream:
    streams[plan] = Stream(tmp_path, plan)
    return streams[plan]


SILENCE = (0,) * 20


def test_every_chunk_is_answered_once_in_order(streams: dict[str, Stream], tmp_path: Path) -> None:
    stream = begun(streams, tmp_path, "well")
    stream.link.start()
    stream.feed(*SILENCE, 1, 2, 0, 3, 0)
    stream.catch_up()
    assert stream.texts() == ["1 2", "3"]
    assert [answer.chunk.began_at_s for answer in stream.answers] == pytest.approx([n * CHUNK_S for n in range(25)])
    assert stream.link.restarts == 0


@pytest.mark.parametrize("plan", ["hang 4", "die 4"])
def test_a_word_that_was_being_said_when_it_wedged_is_decoded_whole(
    streams: dict[str, Stream], tmp_path: Path, plan: str
) -> None:
    """The beginning of the word had been answered already: it has to be played again too."""
    stream = begun(streams, tmp_path, plan)
    stream.feed(*SILENCE, 1, 2, 0, *SILENCE, 3, 4, 5, 0, 6, 0)
    stream.catch_up()
    assert stream.texts() == ["1 2", "3 4 5", "6"]
    assert stream.link.restarts == 1
    assert [answer.chunk.began_at_s for answer in stream.answers if not answer.again] == pytest.approx(
        [n * CHUNK_S for n in range(stream.number)]
    )


@pytest.mark.parametrize("plan", ["hang 9", "die 9"])
def test_both_recognisers_hear_once_what_one_of_them_had_finished_before_the_wedge(
    streams: dict[str, Stream], tmp_path: Path, plan: str
) -> None:
    """The safety decoder was still listening to what the other had ended: it is played to both, and counts once."""
    stream = begun(streams, tmp_path, plan)
    stream.feed(*SILENCE, 1, 2, 0, 0, 0, 0, 9, *SILENCE, 5, *SILENCE)
    stream.catch_up()
    assert stream.texts() == ["1 2", "9", "5"]
    assert stream.safety_texts() == ["1 2 9", "5"]
    assert stream.link.restarts == 1
    assert stream.link.has_safety


@given(st.integers(0, 120), st.integers(0, 120), st.sets(st.integers(0, 120)))
def test_what_is_played_again_begins_before_the_speech_and_not_long_before(
    stuck: int, first: int, voiced: set[int]
) -> None:
    """Not with all that the ring holds, to catch up within 3 s; never in the middle of an utterance."""
    first = min(first, stuck)
    begin = replay_from(stuck, first, voiced.__contains__)
    assert first <= begin <= stuck
    if begin > first:
        assert not any(number in voiced for number in range(max(begin - 11, first), begin + 3))
        spoken = [number for number in voiced if begin <= number < stuck]
        gaps = zip(sorted({begin, *spoken}), sorted({*spoken, stuck}), strict=False)
        assert all(after - before <= 16 for before, after in gaps)


@pytest.mark.parametrize("plan", ["poison 4", "crash 4"])
def test_sound_on_which_it_always_fails_is_left_out_the_second_time(
    streams: dict[str, Stream], tmp_path: Path, plan: str
) -> None:
    """As silence: what was said just before it and after it is decoded."""
    stream = begun(streams, tmp_path, plan)
    stream.feed(*SILENCE, 1, 2, 4, 5, 0, *SILENCE, 6, *SILENCE)
    stream.catch_up()
    assert stream.texts() == ["1 2", "5", "6"]
    assert stream.safety_texts() == ["1 2 5", "6"]
    assert stream.link.restarts == 2
    assert stream.link.left_out == 1
    assert stream.link.lost_s == pytest.approx(CHUNK_S)


def test_a_stretch_that_crashes_it_with_the_bad_chunk_silenced_too_is_given_up(
    streams: dict[str, Stream], tmp_path: Path
) -> None:
    stream = begun(streams, tmp_path, "spoilt 4")
    stream.feed(*SILENCE, 1, 2, 0, *SILENCE, 4, 5, 6, 0, *SILENCE, 7, 0, *SILENCE)
    stream.catch_up()
    assert stream.texts() == ["1 2", "7"]
    assert stream.safety_texts() == ["1 2", "7"]
    assert stream.link.restarts <= 4
    assert stream.link.left_out == 2


def test_a_new_decoder_is_loaded_when_the_process_that_had_it_loaded_is_gone(
    streams: dict[str, Stream], tmp_path: Path
) -> None:
    stream = begun(streams, tmp_path, "well")
    stream.link.start()
    stream.feed(0, 1)
    stream.catch_up()
    assert stream.link.pid is not None
    loader = psutil.Process(stream.link.pid).parent()
    assert loader is not None
    loader.kill()
    os.kill(stream.link.pid, signal.SIGKILL)
    stream.feed(2, 0)
    stream.catch_up()
    assert stream.texts() == ["1 2"]


def test_one_that_works_is_waited_for_and_not_for_ever(
    streams: dict[str, Stream], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Restarting what is slow makes it slower, and in the end costs the utterance."""
    monkeypatch.setattr(decoder_link, "WEDGED_AFTER_S", 0.1)
    monkeypatch.setattr(decoder_link, "_STARVED_S", 60.0)  # others may want the processor, too
    slow = begun(streams, tmp_path, "slow 4")
    slow.feed(*SILENCE, 3, 4, 5, 0)
    slow.catch_up()
    assert (slow.texts(), slow.link.restarts) == (["3 4 5"], 0)
    monkeypatch.setattr(decoder_link, "_WORK_S", 0.2)
    (tmp_path / "starts").unlink()
    spinning = begun(streams, tmp_path, "spin 4")
    spinning.feed(*SILENCE, 3, 4, 5, 0)
    spinning.catch_up()
    assert (spinning.texts(), spinning.link.restarts) == (["3 4 5"], 1)


@pytest.mark.parametrize(
    ("silent_s", "spent_s", "expected"),
    [
        (1.6, None, True),  # stopped, or waits for what never comes
        (1.6, 0.2, False),  # starved
        (7.9, 3.9, False),
        (8.1, 0.2, True),
        (4.1, 4.1, True),
    ],
)
def test_what_a_wedge_is(silent_s: float, spent_s: float | None, expected: bool) -> None:
    assert wedged(silent_s, spent_s) is expected


def test_a_stopped_process_is_a_wedge_too(streams: dict[str, Stream], tmp_path: Path) -> None:
    stream = begun(streams, tmp_path, "well")
    stream.link.start()
    stream.feed(0, 1)
    stream.catch_up()
    assert stream.link.pid is not None
    os.kill(stream.link.pid, signal.SIGSTOP)
    stream.feed(2, 3, 0)
    stream.catch_up()
    assert stream.texts() == ["1 2 3"]
    assert stream.link.restarts == 1


def test_a_process_that_was_killed_twice_at_one_place_loses_no_sound(
    streams: dict[str, Stream], tmp_path: Path
) -> None:
    stream = begun(streams, tmp_path, "well")
    stream.link.start()
    stream.feed(0, 1)
    stream.catch_up()
    for value in (2, 3):
        while not stream.link.has_safety:  # the new process has to be loaded
            stream.answers += stream.link.poll(0.1)
        assert stream.link.pid is not None
        os.kill(stream.link.pid, signal.SIGKILL)
        stream.feed(value)
    stream.feed(0)
    stream.catch_up()
    assert stream.texts() == ["1 2 3"]
    assert stream.link.lost_s == 0.0


def test_sending_never_blocks_and_what_the_ring_forgot_is_counted_as_lost(
    streams: dict[str, Stream], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoder_link, "_ANSWER_SOON_S", 0.0)
    monkeypatch.setattr(decoder_link, "WEDGED_AFTER_S", 60.0)
    stream = begun(streams, tmp_path, "well")
    stream.link.start()
    assert stream.link.pid is not None
    os.kill(stream.link.pid, signal.SIGSTOP)
    stream.feed(*(0 for _ in range(300)))
    assert stream.link.behind_s() <= 10.2
    os.kill(stream.link.pid, signal.SIGCONT)
    stream.catch_up()
    assert 15.0 < stream.link.lost_s < 25.0


def test_a_recogniser_that_cannot_be_loaded_is_told_at_the_start(streams: dict[str, Stream], tmp_path: Path) -> None:
    stream = begun(streams, tmp_path, "refuse")
    with pytest.raises(MissingPart, match="told to refuse"):
        stream.link.start()
    stream.feed(0)
    while stream.link.fault == "":
        stream.answers += stream.link.poll(0.1)
    assert "cannot be loaded" in stream.link.fault


def test_what_is_loaded_is_loaded_anew_when_two_decoders_of_it_answer_nothing(
    streams: dict[str, Stream], tmp_path: Path
) -> None:
    stream = begun(streams, tmp_path, "rotten")
    stream.feed(*SILENCE, 1, 2, 0, *SILENCE)
    stream.catch_up()
    assert stream.texts() == ["1 2"]
    assert stream.link.restarts == 2


@pytest.mark.parametrize("stopped", [False, True])
def test_its_processes_end_with_the_link(streams: dict[str, Stream], tmp_path: Path, stopped: bool) -> None:
    stream = begun(streams, tmp_path, "well")
    stream.link.start()
    assert stream.link.pid is not None
    decoder = psutil.Process(stream.link.pid)
    loader = decoder.parent()
    assert loader is not None
    if stopped:
        decoder.suspend()
    stream.link.close()
    assert not decoder.is_running()
    assert not loader.is_running()


@pytest.mark.parametrize("stopped", [False, True])
def test_its_processes_end_when_the_parent_is_killed(tmp_path: Path, stopped: bool) -> None:
    """Even a decoder that was stopped, which sees nothing itself."""
    program = (
        "import sys, time\n"
        "from robot.speech.decoder_link import DecoderLink\n"
        "link = DecoderLink([sys.executable, '-m', 'tests.unit.hearing.fake_decoder', '{fd}', 'well', sys.argv[1]])\n"
        "link.start()\n"
        "print(link.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "starts")],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": paths.python_path()},
    )
    assert parent.stdout is not None
    decoder = psutil.Process(int(parent.stdout.readline()))
    loader = decoder.parent()
    assert loader is not None
    if stopped:
        decoder.suspend()
    parent.kill()
    parent.communicate()
    gone, alive = psutil.wait_procs([decoder, loader], 10.0)
    assert alive == [], gone


def test_both_real_recognisers_hear_a_clip_whole_though_they_were_killed_in_the_middle(
    graph_dir: Path, cache_dir: Path
) -> None:
    text = "одоо хэдэн цаг вэ"  # stands in for a safety word: nobody has recorded cries for help
    words = decoder_phrases({(Language.MN, text): SafetyKind.HELP}, [], Lexicon.of_model(MODEL))
    link = DecoderLink.vosk(graph_dir, ensure_graph(words, MODEL, cache_dir))
    link.start()
    answers: list[Decoded] = []
    for number, chunk in enumerate(FileSource(DATA / "mn" / "L8-K1_A.flac", 1000.0, tail_s=2.0).chunks()):
        answers += link.feed(chunk)
        if number == 9:
            while link.behind_s() > 0.0:
                answers += link.poll(0.1)
            assert link.pid is not None
            os.kill(link.pid, signal.SIGKILL)
    end_s = time.monotonic() + 60.0
    while link.behind_s() > 0.0 and time.monotonic() < end_s:
        answers += link.poll(0.1)
    link.close()
    (final,) = [answer.final for answer in answers if answer.final]
    (safety,) = [answer.safety for answer in answers if answer.safety]
    for one in (final, safety):
        assert (one.readings[0].language, one.readings[0].text) == (Language.MN, text)
    assert link.restarts == 1
    assert 0.0 < link.real_time_factor < 1.0


def test_the_processors_time_is_that_of_all_threads_that_ever_were() -> None:
    """Every chunk has a timer's thread: without theirs a process that runs for an hour seems to work ever less."""

    def work() -> None:
        began_s = time.thread_time()
        while time.thread_time() - began_s < 0.2:
            pass

    thread = threading.Thread(target=work)
    before_s = processor_s(os.getpid())
    thread.start()
    thread.join()
    after_s = processor_s(os.getpid())
    assert before_s is not None
    assert after_s is not None
    assert after_s - before_s >= 0.15


def test_a_thread_that_has_just_ended_is_no_wedge(tmp_path: Path) -> None:
    assert decoder_process._state(tmp_path) == b""


def test_an_answer_that_comes_at_the_last_moment_is_no_wedge(
    streams: dict[str, Stream], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes between the last look for answers and the look at what the process does."""
    stream = begun(streams, tmp_path, "well")
    stream.link.start()
    stream.feed(0)
    stream.catch_up()

    def rests(self: DecoderProcess) -> None:
        assert self.poll(10.0)

    monkeypatch.setattr(DecoderProcess, "spent_s", rests)
    monkeypatch.setattr(decoder_link, "WEDGED_AFTER_S", -1.0)
    monkeypatch.setattr(decoder_link, "_ANSWER_SOON_S", 0.0)
    stream.feed(1, 0)
    stream.catch_up()
    assert (stream.texts(), stream.link.restarts) == (["1"], 0)
