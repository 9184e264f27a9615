"""Hearing as a process: a real recording in the simulated room, and a voice that dies in the middle of a text."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uuid6
from hani_msgs.msg import Heard, Heartbeat, RoomSound, Spoken

from robot import messages
from robot.messages import Language, SpokenState
from robot.nodes import convert, topics
from robot.nodes.half_duplex import _END_OVERDUE_S
from robot.speech.free_talk import LATE_S
from robot.speech.graph_builder import ensure_graph
from robot.speech.lexicon import Lexicon
from robot.speech.phrase_file import read_phrases
from tests.graph.harness import AHEAD_S, NodeProcess, Probe, soon, until, until_again
from tests.unit.hearing.conftest import MODEL, written_out

pytestmark = pytest.mark.graph

DATA = Path(__file__).parents[1] / "data" / "speech"
CLIP = DATA / "mn" / "L8-K1_B.flac"
NEWS = DATA / "zh" / "BAC009S0252W0476.ogg"
WARMER = DATA / "zh" / "BAC009S0150W0005.ogg"
TEXT_S = 3.0
SAID_AT_MOST = 6
"""Dictation is loaded beside, last in the processor's queue, and drops a text that is late."""


@pytest.fixture
def ear(probe: Probe, tmp_path: Path) -> Iterator[NodeProcess]:
    node = NodeProcess("speech_recognizer", tmp_path, source="room", simulated=True)
    probe.bring_up("speech_recognizer")
    yield node
    node.kill()


def play(room: Any, clip: Path, at_s: float = 0.0) -> None:
    """Somebody says a clip at `at_s` (Unix time), or in a moment."""
    at_s = max(at_s, time.time() + AHEAD_S)
    room.publish(RoomSound(stamp=convert.stamp(at_s), id=str(uuid6.uuid7()), path=str(clip)))


def is_heard(room: Any, heard: list[Heard], at_s: float = 0.0) -> None:
    """The resident says the Mongolian clip, again if need be, and is heard."""
    until_again(
        lambda: play(room, CLIP, at_s),
        lambda: any(one.languages[0] == "mn" for one in heard) or None,
        "the resident to be heard",
    )


def test_speech_that_is_no_known_phrase_is_told_as_unclear_and_no_text_leaves(probe: Probe, ear: NodeProcess) -> None:
    heard = probe.collect(Heard, topics.HEARD, topics.EVENTS)
    unclear = probe.collect(Heard, topics.UNCLEAR, topics.EVENTS)
    probe.met("speech_recognizer")
    room = probe.publisher(RoomSound, topics.ROOM_SOUND, topics.LATCHED)
    began_s = time.time()
    told = until_again(lambda: play(room, NEWS), lambda: unclear or None, "unclear speech to be told")[0]
    assert (heard, list(told.texts), list(told.languages)) == ([], [], [])
    assert began_s < convert.unclear(told).speech_began_at_s < convert.unclear(told).speech_ended_at_s


def test_deaf_while_hani_speaks_but_not_after_its_voice_has_died(probe: Probe, ear: NodeProcess) -> None:
    heard = probe.collect(Heard, topics.HEARD, topics.EVENTS)
    room = probe.publisher(RoomSound, topics.ROOM_SOUND, topics.LATCHED)
    voice = probe.publisher(Spoken, topics.SPOKEN, topics.EVENTS)
    probe.met("speech_recognizer")

    now_s = time.time()
    over_at_s = now_s + TEXT_S + _END_OVERDUE_S  # by then it must be, though nobody says so
    started = messages.Spoken("s1", SpokenState.STARTED, now_s, TEXT_S, "greet", Language.ZH)
    dropped = messages.Spoken("s2", SpokenState.INTERRUPTED, now_s, None, "greet", Language.ZH)
    voice.publish(convert.spoken_to_ros(started))
    voice.publish(convert.spoken_to_ros(dropped))
    play(room, CLIP)
    time.sleep(max(0.0, over_at_s - time.time()))  # a clip takes the place of one that is only announced
    is_heard(room, heard, over_at_s + AHEAD_S)
    assert all(convert.heard(one).speech_began_at_s > over_at_s for one in heard), "what was said meanwhile is not"


def test_free_talk_is_dictated_where_a_model_is_there(probe: Probe, tmp_path: Path) -> None:
    """The model is a stand-in for the vendor's: a graph of the tests, whose words are written out."""
    graph = ensure_graph(
        read_phrases(DATA / "phrases.tsv", Lexicon.of_model(MODEL)).phrases, MODEL, tmp_path / "graphs"
    )
    model = written_out(graph, tmp_path / "model")
    node = NodeProcess("speech_recognizer", tmp_path, source="room", simulated=True, dictation_model=str(model))
    try:
        probe.bring_up("speech_recognizer")
        heard = probe.collect(Heard, topics.HEARD, topics.EVENTS)
        unclear = probe.collect(Heard, topics.UNCLEAR, topics.EVENTS)
        dictated = probe.collect(Heard, topics.DICTATED, topics.EVENTS)
        probe.met("speech_recognizer")
        room = probe.publisher(RoomSound, topics.ROOM_SOUND, topics.LATCHED)
        for _ in range(SAID_AT_MOST):
            told = len(unclear)
            until_again(
                lambda: play(room, WARMER),
                lambda told=told: len(unclear) > told or None,
                "unclear speech to be told",
            )
            if soon(lambda: dictated or None, LATE_S + 2.0):
                break
        assert {(*told.texts, *told.languages) for told in dictated} == {("调高温度", "zh")}
        assert heard == []
    finally:
        node.kill()


def test_a_missing_dictation_model_costs_free_talk_and_nothing_else(probe: Probe, tmp_path: Path) -> None:
    missing = str(tmp_path / "missing")
    node = NodeProcess("speech_recognizer", tmp_path, source="room", simulated=True, dictation_model=missing)
    try:
        probe.bring_up("speech_recognizer")
        heard = probe.collect(Heard, topics.HEARD, topics.EVENTS)
        beats = probe.collect(Heartbeat, topics.HEARTBEAT, topics.EVENTS)
        until(lambda: any("free talk" in beat.detail for beat in beats) or None, "the fault in the heartbeat", 20.0)
        is_heard(probe.publisher(RoomSound, topics.ROOM_SOUND, topics.LATCHED), heard)
    finally:
        node.kill()
