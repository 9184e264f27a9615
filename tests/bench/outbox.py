"""What a day of one resident weighs: in the outbox's file, and on the wire.

    python -m tests.bench.outbox

Ordinary life: a summary of the bed a minute and 30 changes, 20 events, 10 alarms of 6 revisions. On the wire stand the
MQTT packets both ways (topic, payload, PUBACK, the platform's Ack), without TCP and TLS.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from robot.database import open_database, transaction
from robot.reporting import thinning
from robot.reporting.contract import Ack, AlarmBody, BedBody, EventBody, StateReport, topic
from robot.reporting.outbox import MOST_BYTES, Body, Outbox

NOW_S = 1_790_000_000.25
DEVICE = "hani-0001"
DAY: dict[str, tuple[int, Body]] = {
    "telemetry": (1470, BedBody(in_bed=True, heart_rate_bpm=61.5, breath_rate_bpm=13.5, fresh=True)),
    "event": (20, EventBody(name="node_restarted", detail={"node": "fall_detector", "times": 2})),
    "alarm": (
        60,
        AlarmBody(
            alarm_id="0199a1b2-0000-7000-8000-000000000001",
            type="fall",
            phase="raised",
            revision=3,
            severity="high",
            confidence=0.91,
            onset_ts=NOW_S,
            reasons=("fast_drop", "long_on_floor", "no_answer"),
        ),
    ),
}
STATES = 2880
NODES = dict.fromkeys(
    ("alarm_manager", "dialogue_manager", "fall_detector", "health_monitor", "lifecycle_manager", "machine",
     "mattress_bridge", "platform_reporter", "speech_recognizer", "speech_synthesizer"), 0,
)  # fmt: skip
PUBLISH_BYTES = 2 + 2 + 2 + 1 + 5  # fixed header, topic's length, packet id, properties' length, message expiry
PUBACK_BYTES = 4


def measured(folder: Path, kind: str, body: Body, rows: int = 4000) -> tuple[float, int]:
    """(bytes a row in the file, bytes a message on the wire with its answers)."""
    connection = open_database(folder / f"{kind}.db")
    outbox = Outbox(connection)
    before = thinning.used_bytes(connection)
    with transaction(connection):
        for number in range(rows):
            message_id = outbox.append(body, NOW_S + number)
    in_file = (thinning.used_bytes(connection) - before) / rows
    [row] = outbox.rows([message_id])
    up = PUBLISH_BYTES + len(topic(DEVICE, row.leaf)) + len(row.encode(DEVICE)) + PUBACK_BYTES
    down = PUBLISH_BYTES + len(topic(DEVICE, "ack")) + len(Ack(ids=(message_id,)).encode()) + PUBACK_BYTES
    connection.close()
    return in_file, up + down


def main() -> int:
    out = sys.stdout.write
    out(f"{'kind':<10}{'a day':>7}{'file B':>9}{'wire B':>9}{'file KB/day':>13}{'wire KB/day':>13}\n")
    file_day = wire_day = 0.0
    with tempfile.TemporaryDirectory() as folder:
        for kind, (times, body) in DAY.items():
            in_file, on_wire = measured(Path(folder), kind, body)
            file_day, wire_day = file_day + times * in_file, wire_day + times * on_wire
            out(f"{kind:<10}{times:>7}{in_file:>9.0f}{on_wire:>9}")
            out(f"{times * in_file / 1000:>13.0f}{times * on_wire / 1000:>13.0f}\n")
    state = StateReport(dev=DEVICE, online=True, ts=NOW_S, nodes=NODES, software="0.1.0", boot="5f0c1234",
                        ts_mono=86412.25, thinned=0, test_ok_ts=NOW_S)  # fmt: skip
    one = PUBLISH_BYTES + len(topic(DEVICE, "state")) + len(state.encode()) + PUBACK_BYTES
    wire_day += STATES * one
    out(f"{'state':<10}{STATES:>7}{'-':>9}{one:>9}{'-':>13}{STATES * one / 1000:>13.0f}\n")
    out(f"{'all':<10}{'':>7}{'':>9}{'':>9}{file_day / 1000:>13.0f}{wire_day / 1000:>13.0f}\n")
    out(f"72 h offline: {3 * file_day / 1e6:.1f} MB; ")
    out(f"the bound of {MOST_BYTES / 1e6:.0f} MB lasts {MOST_BYTES / file_day:.0f} days\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
