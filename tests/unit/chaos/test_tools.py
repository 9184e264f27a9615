"""What chaos is made of: the plan of faults, the clock, the noise on the wire, the robots' memory."""

from __future__ import annotations

import json
import time
from itertools import islice
from pathlib import Path

import pytest

from robot.simulation.fleet import wire
from tests.chaos import robots, skew
from tests.chaos.faults import faults, round_of
from tests.chaos.proxy import Mixer

pytestmark = pytest.mark.unit

TARGETS = ("robots-0", "robots-1", "broker", "ingest-1", "ingest-2", "duty", "dashboard", "bridge", "database")
LINKS = ("robots-0", "robots-1", "platform")


class Line:
    """A FAKE of the proxy's network: chances as given."""

    def __init__(self, *draws: float) -> None:
        self.noise, self.counts, self._draws, self._old = (
            0.5,
            dict.fromkeys(("doubled", "overtaken", "came again"), 0),
            list(draws),
            b"",
        )

    def chance(self) -> float:
        return self._draws.pop(0)

    def remember(self, packet: bytes) -> None:
        self._old = self._old or packet

    def recall(self) -> bytes:
        return self._old


def test_one_seed_is_one_plan():
    def plan(seed: int) -> list[object]:
        return list(islice(faults(seed, TARGETS, LINKS, 2.0), 100))

    assert plan(1) == plan(1)
    assert plan(1) != plan(2)


def test_the_first_round_meets_every_kind_of_fault_on_every_kind_of_target():
    round_ = list(islice(faults(3, TARGETS, LINKS, 2.0), round_of(TARGETS, LINKS)))
    met = {(fault.kind, fault.target.rstrip("-0123456789")) for fault in round_}
    parts = {"robots", "broker", "ingest", "duty", "dashboard", "bridge", "database"}
    assert {("kill", part) for part in parts} <= met
    assert {("pause", part) for part in parts} <= met
    assert {("network", "robots"), ("network", "platform"), ("disk", "robots"), ("disk", "platform")} <= met
    assert {("clock", "robots"), ("clock", "platform"), ("noise", "robots")} <= met
    clocks = [fault.target for fault in faults_of("clock")]
    assert set(clocks) <= {"robots-0", "robots-1", "platform"}


def faults_of(kind: str) -> list[object]:
    return [fault for fault in islice(faults(5, TARGETS, LINKS, 2.0), 300) if fault.kind == kind]


def test_the_clock_jumps_for_those_who_have_it_open(tmp_path: Path):
    skew.write(tmp_path / "clock", 0.0)
    clock = skew.skewed(tmp_path / "clock")
    assert abs(clock() - time.time()) < 5.0
    skew.write(tmp_path / "clock", -7200.0)
    assert abs(clock() - time.time() + 7200.0) < 5.0


def publications(stream: bytes) -> list[bytes]:
    return [wire.read_publish(packet).payload for packet in wire.split(stream)[0]]


@pytest.mark.parametrize(
    ("draws", "expected"),
    [
        ((0.9, 0.9), [b"1", b"2"]),
        ((0.1, 0.1, 0.9), [b"1", b"1", b"2"]),
        ((0.1, 0.5, 0.9), [b"2", b"1"]),
        ((0.9, 0.1, 0.9), [b"1", b"2", b"1"]),
    ],
)
def test_noise_doubles_swaps_and_repeats_whole_packets(draws: tuple[float, ...], expected: list[bytes]):
    mixer = Mixer(Line(*draws))  # type: ignore[arg-type]  # a fake
    stream = wire.publish("t", b"1", 1) + wire.publish("t", b"2", 2)
    assert publications(b"".join(mixer.mix(stream[at : at + 3]) for at in range(0, len(stream), 3))) == expected


def test_everything_but_reports_passes_the_noise_untouched():
    mixer = Mixer(Line())  # type: ignore[arg-type]  # asks for no chance at all
    stream = wire.subscribe(1, ["a"]) + wire.publish("t", b"telemetry") + wire.puback(7) + wire.PINGREQ
    assert mixer.mix(stream) == stream


def test_a_torn_line_of_the_ledger_is_passed_over(tmp_path: Path):
    ledger = tmp_path / "ledger"
    ledger.write_bytes(json.dumps({"what": "made"}).encode() + b'\n{"what": "ma\n{"what":"event"}\n')
    assert [fact["what"] for fact in robots.facts(ledger)] == ["made", "event"]


def test_alarms_end_in_every_way():
    endings = {robots.path_of(f"alarm-{number:04d}")[-1] for number in range(200)}
    assert endings == {"cancelled", "closed", "raised"}
