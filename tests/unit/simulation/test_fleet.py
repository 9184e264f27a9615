"""The fleet for load: its packets, its open loop, and robots that keep what was not acknowledged."""

from __future__ import annotations

import random
from itertools import islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robot.reporting.contract import (
    Ack,
    AlarmCommand,
    AlarmReport,
    CommandAck,
    EventReport,
    StateReport,
    TelemetryReport,
    decode,
    digest_of,
)
from robot.simulation.fleet import __main__ as command
from robot.simulation.fleet import wire
from robot.simulation.fleet.arrivals import Kind, Step, arrivals
from robot.simulation.fleet.figures import figures, spread
from robot.simulation.fleet.load import Done, Tally
from robot.simulation.fleet.member import RETRY_S, Member

pytestmark = pytest.mark.unit

NOW_S = 1_700_000_000.0
payloads = st.binary(max_size=300)


def member() -> Member:
    return Member("load-000001", random.Random(1))


# --- packets ------------------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(payloads, st.none() | st.integers(1, 65_535)), max_size=8), st.data())
def test_packets_come_back_whole_however_the_stream_is_cut(
    messages: list[tuple[bytes, int | None]], data: st.DataObject
):
    stream = b"".join(wire.publish("hani/v1/a/ack", payload, number) for payload, number in messages)
    rest, found = b"", []
    while stream:
        cut = data.draw(st.integers(1, len(stream)))
        packets, rest = wire.split(rest + stream[:cut])
        found += packets
        stream = stream[cut:]
    assert rest == b""
    assert [wire.read_publish(packet)[1:] for packet in found] == messages
    assert {wire.read_publish(packet).topic for packet in found} <= {"hani/v1/a/ack"}


@given(payloads, st.integers(1, 65_535), st.booleans())
def test_a_packet_is_written_again_as_it_came(payload: bytes, number: int, retain: bool):
    stream = wire.publish("hani/v1/a/state", payload, number, retain=retain)
    (packet,), _ = wire.split(stream)
    assert wire.whole(packet) == stream


def test_a_length_that_mqtt_does_not_know_is_refused():
    with pytest.raises(ValueError, match="four bytes"):
        wire.split(b"\x30\xff\xff\xff\xff\x01")


def test_properties_of_a_publish_are_passed_over():
    name, expiry = b"\x00\x01t", b"\x05\x02\x00\x00\x00\x1e"
    (packet,), _ = wire.split(bytes((0x30, len(name + expiry) + 2)) + name + expiry + b"{}")
    assert wire.read_publish(packet) == ("t", b"{}", None)


# --- arrivals -----------------------------------------------------------------------------------------------------


def test_arrivals_come_in_order_and_do_not_ask_how_the_platform_does():
    plan = list(arrivals(Step(rate=200, seconds=20), robots=50, seed=1))
    assert all(before.at_s <= after.at_s for before, after in pairwise(plan))
    assert plan == list(arrivals(Step(rate=200, seconds=20), robots=50, seed=1))
    assert plan != list(arrivals(Step(rate=200, seconds=20), robots=50, seed=2))
    ordinary = [arrival for arrival in plan if arrival.kind is not Kind.ALARM]
    assert 3600 < len(ordinary) < 4400
    assert {arrival.robot for arrival in ordinary} == set(range(50))


def test_alarms_come_in_bursts_too():
    plan = arrivals(Step(rate=0, seconds=20, alarm_rate=0, burst=30, burst_every_s=10), robots=9, seed=1)
    assert [arrival.at_s for arrival in plan] == [5.0] * 30 + [15.0] * 30


def test_a_step_without_load_is_silent():
    assert list(islice(arrivals(Step(0, 10, 0, 0), robots=1, seed=1), 1)) == []


# --- robots -------------------------------------------------------------------------------------------------------


def test_what_robots_say_fits_the_contract_and_is_chained():
    robot = member()
    reports = [robot.bed(NOW_S, NOW_S), robot.event(NOW_S + 1, NOW_S), robot.alarm(NOW_S + 2, NOW_S)]
    read = [decode(message.leaf, message.payload) for message in reports]
    assert [type(report) for report in read] == [TelemetryReport, EventReport, AlarmReport]
    assert [getattr(report, "seq", None) for report in read] == [1, 2, 3]
    links = [getattr(report, "prev", None) for report in read]
    assert links == [None, digest_of(reports[0].payload), digest_of(reports[1].payload)]
    assert isinstance(decode("state", robot.state(NOW_S).payload), StateReport)


def test_an_alarm_is_repeated_until_it_is_acknowledged():
    robot = member()
    alarm = robot.alarm(NOW_S, NOW_S)
    assert robot.again(NOW_S + RETRY_S - 0.1) == []
    assert robot.again(NOW_S + RETRY_S) == [alarm]
    assert robot.again(NOW_S + 9 * RETRY_S) == [alarm]
    done, answer = robot.hear("ack", Ack(ids=(str(alarm.id), "somebody-elses")).encode())
    assert [kept.message for kept in done] == [alarm]
    assert answer is None
    assert robot.kept == {}
    assert robot.again(NOW_S + 99 * RETRY_S) == []


def test_the_resident_takes_back_the_same_alarm():
    robot = member()
    first = decode("e/alarm", robot.alarm(NOW_S, NOW_S).payload)
    assert isinstance(first, AlarmReport)
    second = decode("e/alarm", robot.alarm(NOW_S, NOW_S, first.body.alarm_id).payload)
    assert isinstance(second, AlarmReport)
    assert (second.body.alarm_id, second.body.revision, second.body.phase) == (first.body.alarm_id, 2, "cancelled")


def test_a_command_is_confirmed():
    command = AlarmCommand(id="command-1", alarm_id="alarm-0001", status="received", ts=NOW_S)
    done, answer = member().hear("cmd/alarm", command.encode())
    assert done == []
    assert answer is not None
    assert decode("cmd/ack", answer.payload) == CommandAck(id="command-1", dev="load-000001")


# --- figures ------------------------------------------------------------------------------------------------------


def test_times_are_counted_from_the_intended_moment():
    tally = Tally(
        done=[Done("e/alarm", "alarm-0001", True, NOW_S, NOW_S + 0.25), Done("t/bed", None, False, NOW_S, NOW_S)]
    )
    found = figures(Step(1, 1), tally)
    assert found["alarm_ms"] == {"n": 1, "p50": 250.0, "p99": 250.0, "max": 250.0}
    assert found["bed_ms"]["n"] == 1
    assert found["event_ms"] == {"n": 0}


def test_the_longest_of_a_hundred_is_not_its_p99():
    assert spread([0.001] * 99 + [1.0]) == {"n": 100, "p50": 1.0, "p99": 1.0, "max": 1000.0}
    assert spread([0.001] * 98 + [1.0] * 2)["p99"] == 1000.0


# --- a row of steps -----------------------------------------------------------------------------------------------


class SlowPlatform:
    """Stands beside the real fleet: every alarm takes as long as the next entry says."""

    def __init__(self, alarms_take_s: list[float]) -> None:
        self._alarms_take_s = iter(alarms_take_s)

    def connect(self) -> float:
        return 0.0

    def run(self, _plan: Step, _seed: int, _keep: object) -> Tally:
        return Tally(done=[Done("e/alarm", "a", True, 0.0, next(self._alarms_take_s))])

    def close(self) -> None: ...


@pytest.mark.parametrize(
    ("alarms_take_s", "played"),
    [
        pytest.param([0.1, 0.1, 0.1], 3, id="all in time"),
        pytest.param([1.5, 0.1, 0.1], 3, id="slow at first, while all are new"),
        pytest.param([0.1, 1.5, 0.1], 2, id="slow later"),
    ],
)
def test_a_row_of_steps_ends_with_the_first_that_was_too_much(
    alarms_take_s: list[float], played: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(command, "Fleet", lambda *_, **__: SlowPlatform(alarms_take_s))
    monkeypatch.setattr(command, "die_with_parent", lambda *_: None)
    steps = [word for _ in alarms_take_s for word in ("--step", "1:1")]
    assert command.main([*steps, "--until-p99-s", "1"]) == 0
    assert capsys.readouterr().out.count('"what": "step"') == played
