"""What goes wrong with ears: a wedged recogniser, an unplugged microphone, a device of another rate; and old habits."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest
import uuid6
from diagnostic_msgs.msg import DiagnosticArray
from hani_msgs.msg import Heard, Heartbeat, RoomSound, SafetyWord

from robot.nodes import convert, topics
from tests.graph.harness import AHEAD_S, NodeProcess, Probe, until

pytestmark = pytest.mark.graph

CLIP = Path(__file__).parents[1] / "data" / "speech" / "mn" / "L8-K1_B.flac"
FAKES = Path(__file__).parent / "fake_devices"


@contextmanager
def ear(probe: Probe, home: Path, command: list[str] | None = None, **parameters: object) -> Iterator[NodeProcess]:
    node = NodeProcess("speech_recognizer", home, command, **parameters)
    try:
        probe.bring_up("speech_recognizer")
        yield node
    finally:
        node.kill()


def values(seen: list[DiagnosticArray]) -> dict[str, str]:
    """The newest of what the ear tells of itself."""
    for array in reversed(seen):
        for status in array.status:
            if status.name == "speech_recognizer: hearing":
                return {value.key: value.value for value in status.values}
    return {}


def decoder_of(node: NodeProcess) -> int:
    """The fork of the process that has the recogniser loaded; others come and go."""

    def found() -> int | None:
        with suppress(psutil.Error, ValueError):
            children = psutil.Process(node.process.pid).children()
            (loader,) = [child for child in children if "decoder_child" in " ".join(child.cmdline())]
            (decoder,) = loader.children()
            return decoder.pid
        return None

    return until(found, "a decoder")


def speak(probe: Probe) -> float:
    """Somebody speaks; returns when they begin, in Unix seconds."""
    room = probe.publisher(RoomSound, topics.ROOM_SOUND, topics.LATCHED)
    at_s = time.time() + AHEAD_S
    room.publish(RoomSound(stamp=convert.stamp(at_s), id=str(uuid6.uuid7()), path=str(CLIP)))
    return at_s


def restarted(seen: list[DiagnosticArray]) -> dict[str, str] | None:
    """What the ear tells once the recogniser was started again (a slow machine may need it twice) and lost nothing."""
    told = values(seen)
    nothing_lost = told.get("lost_s") == "0.0" and told.get("left_out") == "0"
    return told if int(told.get("restarts", 0)) >= 1 and nothing_lost else None


def test_a_safety_word_that_is_said_while_the_recogniser_wedges_is_heard(probe: Probe, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.graph.fake_ear"]
    with ear(probe, tmp_path, command, source="room", simulated=True):
        words = probe.collect(SafetyWord, topics.SAFETY_WORD, topics.KEPT)
        heard = probe.collect(Heard, topics.HEARD, topics.EVENTS)
        seen = probe.collect(DiagnosticArray, topics.DIAGNOSTICS, topics.EVENTS)
        probe.met("speech_recognizer")
        speak(probe)
        word = until(lambda: words or None, "the safety word", 15.0)[0]
        assert (word.kind, word.certain) == ("help", True)
        until(lambda: (restarted(seen) or {}).get("safety_decoder") == "there" or None, "the restart in /diagnostics")
        until(lambda: heard or None, "the end of the turn")
        assert len(words) == len(heard) == 1


def test_the_real_recogniser_stopped_in_the_middle_of_a_sentence_hears_it_whole(probe: Probe, tmp_path: Path) -> None:
    with ear(probe, tmp_path, source="room", simulated=True) as node:
        heard = probe.collect(Heard, topics.HEARD, topics.EVENTS)
        seen = probe.collect(DiagnosticArray, topics.DIAGNOSTICS, topics.EVENTS)
        until(lambda: float(values(seen).get("processed_age_s", "9")) < 1.0 or None, "sound to be processed")
        begins_at_s = speak(probe)
        time.sleep(max(0.0, begins_at_s + 0.7 - time.time()))  # in the middle of the clip
        os.kill(decoder_of(node), signal.SIGSTOP)
        first = until(lambda: heard or None, "the resident to be heard", 20.0)[0]
        assert first.languages[0] == "mn"
        told = until(lambda: restarted(seen), "the restart to be told")
        assert float(told["real_time_factor"]) > 0.0
        assert float(told["level_dbfs"]) < -50.0


def test_a_microphone_of_another_rate_is_unplugged_and_heard_again_without_a_restart(
    probe: Probe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(FAKES), *filter(None, [os.environ.get("PYTHONPATH")])]))
    monkeypatch.setenv("HANI_FAKE_CLIP", str(CLIP))
    with ear(probe, tmp_path, source="microphone") as node:
        pid = node.process.pid
        beats = probe.collect(Heartbeat, topics.HEARTBEAT, topics.EVENTS)
        heard = probe.collect(Heard, topics.HEARD, topics.EVENTS)
        seen = probe.collect(DiagnosticArray, topics.DIAGNOSTICS, topics.EVENTS)
        until(
            lambda: any("does not deliver" in beat.detail for beat in beats) or None, "the fault in the heartbeat", 20.0
        )
        until(lambda: any(one.languages[0] == "mn" for one in heard) or None, "the resident to be heard", 30.0)
        until(lambda: beats[-1].detail == "" or None, "the fault to be gone")
        assert node.process.pid == pid
        assert node.process.poll() is None
        told = until(lambda: values(seen) if values(seen).get("microphone") == "ok" else None, "a well microphone")
        assert int(told["reopened"]) >= 3


def test_a_microphone_that_gives_nothing_but_zeros_is_told_and_is_no_reason_to_restart(
    probe: Probe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Muted by its switch: blocks come in time, and nothing is in them."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(FAKES), *filter(None, [os.environ.get("PYTHONPATH")])]))
    monkeypatch.setenv("HANI_FAKE_MUTED", "1")
    with ear(probe, tmp_path, source="microphone") as node:
        beats = probe.collect(Heartbeat, topics.HEARTBEAT, topics.EVENTS)
        seen = probe.collect(DiagnosticArray, topics.DIAGNOSTICS, topics.EVENTS)
        until(lambda: any("no sound at all" in beat.detail for beat in beats) or None, "the fault to be told", 20.0)
        told = until(lambda: values(seen) if values(seen).get("level_dbfs") == "-96.0" else None, "the level")
        assert told["microphone"] == "the microphone gives no sound at all"
        assert told["restarts"] == "0"
        assert node.process.poll() is None


def test_what_was_learnt_of_a_residents_pauses_outlives_the_process(probe: Probe, tmp_path: Path) -> None:
    (tmp_path / "patience.json").write_text(json.dumps({"resident": 2.5}))
    with ear(probe, tmp_path, source="room", simulated=True):
        seen = probe.collect(DiagnosticArray, topics.DIAGNOSTICS, topics.EVENTS)
        assert until(lambda: values(seen).get("patience_s"), "the patience in /diagnostics") == "2.50"
