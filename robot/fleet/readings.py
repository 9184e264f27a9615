"""What robots say of themselves and their beds: only the newest counts, and beds leave a history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from robot.fleet import bulk
from robot.fleet.database import note_change
from robot.fleet.tables import Base, Bed, BedMinute, Device, DeviceState
from robot.reporting.contract import StateReport, TelemetryReport

RESET_S = 300.0  # an older time counts after all when it lies so far behind: a clock was ahead and has been set back


def see(session: Session, heard_at_s: Mapping[str, float], willed_at_s: Mapping[str, float]) -> None:
    """Robots were heard at these times, or had been when they wrote their last wills."""
    older = "devices.last_seen_at_s IS NULL OR devices.last_seen_at_s < excluded.last_seen_at_s"
    if heard_at_s and willed_at_s:  # two statements would take the rows in two orders
        those, values = bulk.among(session, heard_at_s.keys() | willed_at_s.keys())
        held = select(Device.device).where(Device.device.in_(those)).order_by(Device.device).with_for_update()
        session.execute(held, {"among": values})
    ahead = f"devices.last_seen_at_s > excluded.last_seen_at_s + {RESET_S}"
    for seen_at_s, counts in ((heard_at_s, f"{older} OR {ahead}"), (willed_at_s, older)):
        rows = [{"device": device, "last_seen_at_s": at_s} for device, at_s in sorted(seen_at_s.items())]
        for (device,) in bulk.add_new(session, Device, rows):
            note_change(session, device, seen_at_s[device])
        bulk.put(session, Device, rows, counts)


def take_states(session: Session, reports: Iterable[tuple[float, StateReport]]) -> None:
    """In order of arrival: a last will was written when the robot connected, so its own time would never be newest."""
    newest: dict[str, dict[str, Any]] = {}
    for at_s, report in reports:
        row: dict[str, Any] = {
            "device": report.dev,
            "online": report.online,
            "reported_at_s": report.ts,
            "received_at_s": at_s,
        }
        if report.online:
            row |= {
                "outbox": report.outbox,
                "software": report.software,
                "nodes": report.nodes,
                "reasons": report.reasons,
                "thinned": report.thinned,
                "test_ok_at_s": report.test_ok_ts,
            }
        newest[report.dev] = {**newest.get(report.dev, {}), **row}
    standing = {row.device: row for row in session.execute(_of(session, DeviceState, newest))}
    whole: list[dict[str, Any]] = []
    wills: list[dict[str, Any]] = []
    for device, row in sorted(newest.items()):
        old = standing.get(device)
        shown = ("online", "nodes", "reasons")
        if old is None or any(name in row and getattr(old, name) != row[name] for name in shown):
            note_change(session, device, row["received_at_s"])
        if old is None and "nodes" not in row:
            row |= {"outbox": 0, "software": "", "nodes": {}, "reasons": {}, "thinned": None, "test_ok_at_s": None}
        (whole if "nodes" in row else wills).append(row)
    later = (
        "excluded.received_at_s >= device_states.received_at_s "
        f"OR device_states.received_at_s > excluded.received_at_s + {RESET_S}"
    )
    bulk.put(session, DeviceState, whole, later)
    # a last will knows nothing of the nodes and the outbox: what stands there stays
    silent = ("outbox", "software", "nodes", "reasons", "thinned", "test_ok_at_s")
    kept = [{**row, **{name: getattr(standing[row["device"]], name) for name in silent}} for row in wills]
    bulk.put(session, DeviceState, kept, later)


def came_back(session: Session, reports: Iterable[tuple[float, StateReport]]) -> set[str]:
    """Those of these robots that are online and were not."""
    online = {report.dev for _, report in reports if report.online}
    was_online = {row.device for row in session.execute(_of(session, DeviceState, online)) if row.online}
    return online - was_online


def take_beds(session: Session, reports: Sequence[tuple[float, TelemetryReport]]) -> set[tuple[str, float]]:
    """Write the history and the newest of each bed. Returns the keys (device, measured_at_s) that were new."""
    rows = {(report.dev, report.ts): _bed(at_s, report) for at_s, report in reports}
    new = bulk.add_new(session, BedMinute, [rows[key] for key in sorted(rows)])
    newest: dict[str, dict[str, Any]] = {}
    for at_s, report in reports:
        standing = newest.get(report.dev)
        if standing is None or report.ts >= standing["measured_at_s"]:
            newest[report.dev] = _bed(at_s, report)
    for old in session.execute(_of(session, Bed, newest)):
        row = newest[old.device]
        changed = any(getattr(old, name) != row[name] for name in ("in_bed", "fresh", "wet"))
        if row["measured_at_s"] >= old.measured_at_s and changed:
            note_change(session, old.device, row["received_at_s"])
    bulk.put(
        session,
        Bed,
        [newest[device] for device in sorted(newest)],
        f"excluded.measured_at_s >= beds.measured_at_s OR excluded.received_at_s > beds.received_at_s + {RESET_S}",
    )
    return {(str(device), float(at_s)) for device, at_s in new}


def _bed(at_s: float, report: TelemetryReport) -> dict[str, Any]:
    return {
        "device": report.dev,
        "measured_at_s": report.ts,
        "received_at_s": at_s,
        "in_bed": report.body.in_bed,
        "fresh": report.body.fresh,
        "heart_rate_bpm": report.body.heart_rate_bpm,
        "breath_rate_bpm": report.body.breath_rate_bpm,
        "wet": report.body.wet,
    }


def _of(session: Session, table: type[Base], devices: Iterable[str]) -> Any:
    """The standing rows of these devices, as plain rows."""
    those, values = bulk.among(session, devices)
    columns = table.__table__.c
    return select(*columns).where(columns.device.in_(those)).params(among=values)
