"""`hani simulate life`: hours of ordinary life in a simulated room, watched by the real fall detector."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TextIO

from robot.errors import BadInput
from robot.messages import AlarmType
from robot.simulation.life.evaluate import failures, summary
from robot.simulation.life.household import Mattress
from robot.simulation.life.life import Life, live
from robot.simulation.life.score import Score, Trial

MOST_HOURS = 168.0


def run(
    hours: float,
    seed: int,
    out: TextIO,
    *,
    start_h: float | None = None,
    falls_per_h: float | None = None,
    mattress: str = Mattress.TRUE.value,
    zones: bool = True,
    as_json: bool = False,
    explain: bool = False,
) -> int:
    """Print one life and how the watcher fared. Raises BadInput for impossible numbers.

    `as_json`: one line each for the room, every label, every fall and the score. `explain`: everything that happened,
    in order of time, for people.
    """
    if not 0 < hours <= MOST_HOURS:
        raise BadInput(f"--hours must lie above 0 and up to {MOST_HOURS:g}")
    if (
        seed < 0
        or (falls_per_h is not None and not 0 <= falls_per_h <= 20)
        or (start_h is not None and not 0 <= start_h < 24)
    ):
        raise BadInput("--seed must not be negative, --from lie in 0..24, --falls-per-hour in 0..20")
    if mattress not in [manner.value for manner in Mattress]:
        raise BadInput(f"--mattress must be one of {', '.join(manner.value for manner in Mattress)}")
    life = live(seed, hours, start_h, falls_per_h)
    notes: list[tuple[float, str, str]] = []
    score = Trial(
        life, Mattress(mattress), zones=zones, note=lambda at_s, kind, words: notes.append((at_s, kind, words))
    ).run()
    score.falls_per_h = falls_per_h
    if as_json:
        _json(life, score, out)
        return 0
    if explain:
        _story(life, score, notes, out)
    for name, value in summary([score]).items():
        print(f"{name:34} {value}", file=out)
    for line in failures([score]):
        print(line, file=out)
    return 0


def _json(life: Life, score: Score, out: TextIO) -> None:
    camera, who = life.room.camera, life.resident.who
    first = {"kind": "life", "seed": life.seed, "start_h": life.start_h, "duration_s": life.duration_s}
    lines: list[dict[str, object]] = [
        {**first, "camera": asdict(camera), "resident": asdict(who), "zones": life.room.zones}
    ]
    lines += [
        {"kind": "doing", "what": i.kind, "who": i.who, "begins_s": i.begins_s, "ends_s": i.ends_s} for i in life.labels
    ]
    for result in score.falls:
        truth = {"fall" if key == "kind" else key: value for key, value in asdict(result.fall).items()}
        lines.append(
            {"kind": "fall", **truth, "reason": result.reason, "delay_s": result.delay_s, "in_sight": result.in_sight}
        )
    for alarm in score.false_alarms:
        lines.append({"kind": "false_alarm", **asdict(alarm), "type": alarm.type.value})
    lines.append({"kind": "score", **summary([score])})
    for line in lines:
        print(json.dumps(_rounded(line), ensure_ascii=False), file=out)


def _rounded(value: object) -> object:
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, list | tuple) else value


def _story(life: Life, score: Score, notes: list[tuple[float, str, str]], out: TextIO) -> None:
    who, camera = life.resident.who, life.room.camera
    print(
        f"seed {life.seed}: {who.height_m:.2f} m, {who.speed_m_s:.2f} m/s, {who.aid or 'no aid'}, "
        f"stoop {who.stoop_deg:.0f} deg; "
        f"camera {camera.z_m:.1f} m high, {camera.field_deg:.0f} deg wide",
        file=out,
    )
    events = [(i.begins_s, "begins", f"{i.who}: {i.kind} ({i.ends_s - i.begins_s:.0f} s)") for i in life.labels]
    events += [
        (fall.onset_s, "FALL", f"{fall.kind}, up after {fall.up_s - fall.onset_s:.0f} s, {fall.ending}")
        for fall in life.falls
    ]
    events += notes
    for alarm in score.false_alarms:
        kind = "bed exit" if alarm.type is AlarmType.BED_EXIT else "false"
        events.append((alarm.at_s, "asked" if alarm.reached == "check_in" else "raised", f"{kind}: {alarm.reason}"))
    for at_s, kind, words in sorted(events):
        if at_s <= life.duration_s:
            print(f"{life.clock(at_s)} {at_s:8.1f} s  {kind:10} {words}", file=out)
