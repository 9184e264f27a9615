"""The alarm manager as a process: what it must not lose, it has on disk before anybody hears of it."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uuid6
from hani_msgs.msg import Alarm, FallEvent, Heard, Heartbeat, Say, Spoken

from robot import messages, paths
from robot.nodes import convert, topics
from robot.reporting.outbox import Outbox
from tests.graph.harness import NodeProcess, Probe, soon, until

pytestmark = pytest.mark.graph

CHECK_IN_S = 4.0
LONGEST_S = 120.0
"""A check-in that does not end by itself while somebody answers; halfway through it asks again."""


@pytest.fixture
def manager(probe: Probe, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[NodeProcess]:
    check_in_s = getattr(request, "param", CHECK_IN_S)
    node = NodeProcess("alarm_manager", tmp_path, check_in_s=check_in_s, get_up_s=0.0)
    probe.bring_up("alarm_manager")
    yield node
    node.kill()


def fall(ago_s: float = 0.0) -> Any:
    now_s = time.time() - ago_s
    event = messages.FallEvent(str(uuid6.uuid7()), messages.FallReason.FAST_DROP, 0.9, 1, now_s - 2, now_s)
    return convert.fall_to_ros(event)


def phases(alarms: list[Alarm]) -> list[str]:
    return [alarm.phase for alarm in alarms]


def test_a_fall_without_an_answer_is_raised_and_waits_in_the_outbox(
    probe: Probe, manager: NodeProcess, tmp_path: Path
) -> None:
    alarms = probe.collect(Alarm, topics.ALARM, topics.KEPT)
    said = probe.collect(Say, topics.SAY, topics.EVENTS)
    probe.met("alarm_manager")
    probe.publisher(FallEvent, topics.FALL, topics.KEPT).publish(fall())
    until(lambda: "raised" in phases(alarms) or None, "the alarm to be raised", CHECK_IN_S + 10)
    assert phases(alarms)[:3] == ["suspected", "checking", "raised"]

    def asked() -> list[tuple[str, str]]:
        return [(say.purpose, say.language) for say in said if say.purpose.startswith("check_in")]

    until(lambda: len(asked()) >= 4 or None, "both questions in both languages")
    assert asked() == [("check_in_1", "zh"), ("check_in_1", "mn"), ("check_in_2", "zh"), ("check_in_2", "mn")]
    rows = Outbox(paths.database(tmp_path)).pending(10)
    assert [row.raised_alarm_id for row in rows if row.raised_alarm_id] == [alarms[0].id]


@pytest.mark.parametrize("manager", [LONGEST_S], indirect=True)
def test_a_clear_answer_cancels_and_is_reported_too(probe: Probe, manager: NodeProcess, tmp_path: Path) -> None:
    alarms = probe.collect(Alarm, topics.ALARM, topics.KEPT)
    heard = probe.publisher(Heard, topics.HEARD, topics.EVENTS)
    probe.publisher(FallEvent, topics.FALL, topics.KEPT).publish(fall())
    until(lambda: "checking" in phases(alarms) or None, "the check-in")
    began_s = time.time()
    answer = messages.Heard(
        "h1", (messages.Reading("我没事", messages.Language.ZH, 0.9),), began_s, began_s + 1, began_s + 1
    )
    heard.publish(convert.heard_to_ros(answer))
    until(lambda: "cancelled" in phases(alarms) or None, "the alarm to be cancelled")
    assert any('"cancelled"' in row.body for row in Outbox(paths.database(tmp_path)).pending(10))


def test_killed_while_asking_it_carries_on_and_nothing_is_lost(
    probe: Probe, manager: NodeProcess, tmp_path: Path
) -> None:
    alarms = probe.collect(Alarm, topics.ALARM, topics.KEPT)
    publisher = probe.publisher(FallEvent, topics.FALL, topics.KEPT)
    publisher.publish(fall())
    until(lambda: "checking" in phases(alarms) or None, "the check-in")
    manager.kill_and_restart()
    probe.bring_up("alarm_manager")
    until(lambda: "raised" in phases(alarms) or None, "the alarm to be raised", CHECK_IN_S + 10)
    # the fall event is still there for late joiners, and must not make a second alarm
    assert len({alarm.id for alarm in alarms}) == 1


def test_on_disk_before_anybody_hears_of_it(probe: Probe, manager: NodeProcess, tmp_path: Path) -> None:
    """At the moment when an alarm is published, its journal row and its report are there."""
    found: list[tuple[int, int]] = []

    def look(alarm: Alarm) -> None:
        with sqlite3.connect(paths.database(tmp_path)) as connection:
            journal = connection.execute("select max(revision) from alarms where id = ?", (alarm.id,)).fetchone()[0]
        found.append((alarm.revision, journal or 0))
        connection.close()

    probe.node.create_subscription(Alarm, topics.ALARM, look, topics.KEPT)
    probe.publisher(FallEvent, topics.FALL, topics.KEPT).publish(fall())
    until(lambda: len(found) >= 2 or None, "two revisions")
    assert all(journal >= revision for revision, journal in found)


def test_a_fall_from_long_ago_is_no_news(probe: Probe, manager: NodeProcess) -> None:
    """The watcher keeps its last events for late joiners as long as it runs; the book forgets after a day."""
    alarms = probe.collect(Alarm, topics.ALARM, topics.KEPT)
    publisher = probe.publisher(FallEvent, topics.FALL, topics.KEPT)
    publisher.publish(fall(ago_s=86_500.0))
    publisher.publish(fall())
    until(lambda: "checking" in phases(alarms) or None, "the check-in")
    (alarm_id,) = {alarm.id for alarm in alarms}
    assert convert.seconds(alarms[0].onset) > time.time() - 3600, alarm_id


def test_a_message_that_cannot_be_used_costs_no_alarm(probe: Probe, manager: NodeProcess) -> None:
    """Its publisher keeps it, and would send it to each new process again."""
    alarms = probe.collect(Alarm, topics.ALARM, topics.KEPT)
    publisher = probe.publisher(FallEvent, topics.FALL, topics.KEPT)
    broken = fall()
    broken.reason = "of a newer version"
    publisher.publish(broken)
    publisher.publish(fall())
    until(lambda: "checking" in phases(alarms) or None, "the check-in")
    code, output = manager.stop()
    assert code == 0
    assert "message not used: vision/fall: ValueError" in output
    assert "newer version" not in output, "what came is not repeated in a log"


def test_a_disk_that_refuses_an_answers_mark_stops_no_check_in(
    probe: Probe, manager: NodeProcess, tmp_path: Path
) -> None:
    path = paths.database(tmp_path)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("create trigger full before update on receipts begin select raise(fail, 'disk full'); end")
    outbox = Outbox(path)
    answer = messages.Receipt("r1", "an alarm of the past", messages.ReceiptKind.CLOSED, time.time())
    outbox.record_receipt(answer)
    outbox.close()
    alarms = probe.collect(Alarm, topics.ALARM, topics.KEPT)
    beats = probe.collect(Heartbeat, topics.HEARTBEAT, topics.EVENTS)
    probe.publisher(FallEvent, topics.FALL, topics.KEPT).publish(fall())
    until(lambda: "raised" in phases(alarms) or None, "the alarm to be raised", CHECK_IN_S + 10)
    assert manager.process.poll() is None
    until(lambda: any("answers cannot be read" in beat.detail for beat in beats) or None, "the fault to be shown")


def test_an_orderly_stop_ends_with_zero(probe: Probe, manager: NodeProcess) -> None:
    assert probe.state("alarm_manager") == "active"
    code, output = manager.stop()
    assert code == 0, output
    assert "Traceback" not in output


def test_a_slip_in_the_resident_s_file_leaves_the_alarms_on(probe: Probe, tmp_path: Path) -> None:
    """Shown as a fault, but whoever falls is still asked."""
    (tmp_path / "resident.yaml").write_text("langauges: [zh]\n", encoding="utf-8")
    node = NodeProcess(
        "alarm_manager", tmp_path, check_in_s=CHECK_IN_S, get_up_s=0.0, resident_file=tmp_path / "resident.yaml"
    )
    try:
        beats = probe.collect(Heartbeat, topics.HEARTBEAT, topics.EVENTS)
        probe.bring_up("alarm_manager")
        said = probe.collect(Say, topics.SAY, topics.EVENTS)
        probe.met("alarm_manager")
        probe.publisher(FallEvent, topics.FALL, topics.KEPT).publish(fall())
        until(lambda: {say.language for say in said} == {"zh", "mn"} or None, "the question in both languages")
        until(lambda: any("resident file" in beat.detail for beat in beats) or None, "the fault to be shown")
    finally:
        assert node.stop()[0] == 0


def test_unclear_speech_brings_the_second_question_forward(probe: Probe, tmp_path: Path) -> None:
    """Its own time would be a minute later."""
    node = NodeProcess("alarm_manager", tmp_path, check_in_s=LONGEST_S, get_up_s=0.0)
    try:
        probe.bring_up("alarm_manager")
        alarms = probe.collect(Alarm, topics.ALARM, topics.KEPT)
        said = probe.collect(Say, topics.SAY, topics.EVENTS)
        probe.met("alarm_manager")
        unclear = probe.publisher(Heard, topics.UNCLEAR, topics.EVENTS)
        probe.publisher(FallEvent, topics.FALL, topics.KEPT).publish(fall())
        until(lambda: "checking" in phases(alarms) or None, "the check-in")
        began_s = time.time()
        unclear.publish(convert.unclear_to_ros(messages.Unclear(began_s, began_s + 1)))
        brought_forward = soon(lambda: "check_in_2" in [say.purpose for say in said] or None, LONGEST_S / 2 - 10.0)
        assert brought_forward, "a longer patience would only meet the second question at its own time"
        assert phases(alarms)[-1] == "checking", "it raises and cancels nothing"
    finally:
        assert node.stop()[0] == 0


def test_help_is_promised_again_until_the_voice_has_said_it(probe: Probe, manager: NodeProcess, tmp_path: Path) -> None:
    """The same ids, so that a voice which has taken them already says nothing twice."""
    alarms = probe.collect(Alarm, topics.ALARM, topics.KEPT)
    said = probe.collect(Say, topics.SAY, topics.EVENTS)
    probe.met("alarm_manager")
    voice = probe.publisher(Spoken, topics.SPOKEN, topics.EVENTS)
    probe.publisher(FallEvent, topics.FALL, topics.KEPT).publish(fall())
    until(lambda: "raised" in phases(alarms) or None, "the alarm to be raised", CHECK_IN_S + 10)
    outbox = Outbox(paths.database(tmp_path))
    outbox.record_receipt(messages.Receipt("r1", alarms[0].id, messages.ReceiptKind.ACKNOWLEDGED, time.time()))
    outbox.close()

    def promised() -> list[tuple[str, str]]:
        return [(say.id, say.language) for say in said if say.purpose == "help_coming"]

    until(lambda: len(promised()) >= 4 or None, "the promise to be given again", 25.0)
    (zh, _), (mn, _) = promised()[:2]
    assert promised()[:4] == [(zh, "zh"), (mn, "mn")] * 2
    finished = messages.SpokenState.FINISHED
    voice.publish(
        convert.spoken_to_ros(messages.Spoken(zh, finished, time.time(), 2.0, "help_coming", messages.Language.ZH))
    )
    only_mn = [(mn, "mn")] * 2
    until(lambda: promised()[-2:] == only_mn or None, "the other language alone to be given again", 25.0)
    assert set(promised()) == {(zh, "zh"), (mn, "mn")}
