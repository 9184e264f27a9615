"""How does the fall watcher fare in ordinary life? Prints tables, every failure with its seed, and one line of JSON.

    python -m robot.simulation.life.evaluate [--hours 100] [--seeds 20] [--mattress true,none,...|all] [--no-zones]

The hours are divided among the seeds; each seed is a room, a resident and a day of its own (`hani simulate life`). Each
is lived twice: with falls, far more than in reality, for what is missed, and without any, for what is false.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import product
from math import ceil
from statistics import median

from robot.messages import AlarmType
from robot.simulation.life.household import Mattress
from robot.simulation.life.life import live
from robot.simulation.life.score import Score, Trial

CHECK_INS_PER_DAY, RAISED_PER_WEEK, MISSED_SHARE = 1.0, 1.0, 0.02


def evaluate(
    hours: float, seeds: Sequence[int], mattress: Mattress, *, zones: bool = True, falls_per_h: float | None = None
) -> list[Score]:
    """One score for each seed. `falls_per_h` None: as in ordinary_day.yaml, far above real life."""
    each_h = hours / len(seeds)
    scores = []
    for seed in seeds:
        score = Trial(live(seed, each_h, falls_per_h=falls_per_h), mattress, zones=zones).run()
        score.falls_per_h = falls_per_h
        scores.append(score)
        found, asked = len(score.falls) - len(score.missed), len(score.false("check_in"))
        sys.stderr.write(f"seed {seed}: {found} of {len(score.falls)} falls found, {asked} false check-ins\n")
    return scores


def summary(scores: Sequence[Score]) -> dict[str, object]:
    """The figures that the targets are about, over all seeds."""
    hours = sum(score.hours for score in scores)
    falls = [result for score in scores for result in score.falls]
    missed = [result for score in scores for result in score.missed]
    delays = sorted(result.delay_s for result in falls if result.delay_s is not None)
    in_view = [result for result in falls if result.in_view]
    missed_in_view = sum(not result.found for result in in_view)
    asked = sum(len(score.false("check_in")) for score in scores)
    raised = sum(len(score.false("caregiver")) for score in scores)
    unraised = sum(not (r.raised or r.left_to_helper) for r in falls if r.fall.ending == "helped")
    return {
        "mattress": scores[0].mattress.value,
        "hours": round(hours, 1),
        "seeds": len(scores),
        "false_check_ins": asked,
        "false_check_ins_per_24h": round(24 * asked / hours, 2),
        "false_raised": raised,
        "false_raised_per_week": round(168 * raised / hours, 2),
        "of_them_bed_exit": sum(len(score.false("check_in", AlarmType.BED_EXIT)) for score in scores),
        "falls": len(falls),
        "missed": len(missed),
        "missed_by_camera": sum(not result.seen for result in falls),
        "missed_share": round(len(missed) / len(falls), 3) if falls else None,
        "falls_in_view": len(in_view),
        "missed_in_view": missed_in_view,
        "missed_share_in_view": round(missed_in_view / len(in_view), 3) if in_view else None,
        "found_after_a_minute": sum(result.found and result.late for result in falls),
        "left_to_helper": sum(result.left_to_helper for result in falls),
        "helped_falls_that_reached_nobody": unraised,
        "delay_median_s": round(median(delays), 1) if delays else None,
        "delay_p95_s": round(delays[ceil(0.95 * len(delays)) - 1], 1) if delays else None,
        "withheld": dict(sum((score.withheld for score in scores), Counter())),
        "suppressed": dict(sum((score.suppressed for score in scores), Counter())),
        "bed_messages_refused": sum(score.bed_refused for score in scores),
        "bed_unknown_share": round(sum(score.bed_unknown_s for score in scores) / hours / 3600, 3),
        "frames_per_s": round(sum(score.frames for score in scores) / hours / 3600, 2),
        "looks_per_s": round(sum(score.looks for score in scores) / hours / 3600, 2),
    }


def table(scores: Sequence[Score]) -> Iterator[str]:
    figures = summary(scores)

    def line(what: str, value: object, target: str = "", met: bool | None = None) -> str:
        return f"{what:44} {value!s:>8}  {target:14} {'' if met is None else 'met' if met else 'NOT MET'}".rstrip()

    per_day, per_week = (float(str(figures[k])) for k in ("false_check_ins_per_24h", "false_raised_per_week"))
    lives = "with falls" if figures["falls"] else "without falls"
    yield f"simulated life {lives}: {figures['hours']} h, {figures['seeds']} seeds, mattress {figures['mattress']}"
    yield line("false alarms reaching the check-in, per 24 h", per_day, "at most 1", per_day <= CHECK_INS_PER_DAY)
    yield line("  of them for an empty bed, all hours", figures["of_them_bed_exit"])
    yield line("false alarms reaching a caregiver, per week", per_week, "at most 1", per_week <= RAISED_PER_WEEK)
    if not figures["falls"]:
        return
    for what, name in (("falls missed, share", "missed_share"), ("  of those in view", "missed_share_in_view")):
        share = float(str(figures[name] or 0))
        yield line(what, share, "at most 0.02", share <= MISSED_SHARE)
    counts = ("falls", "missed", "falls_in_view", "missed_in_view", "missed_by_camera", "found_after_a_minute")
    for what in (*counts, "left_to_helper", "helped_falls_that_reached_nobody"):
        yield line(what.replace("_", " "), figures[what])
    yield line("delay from onset, median / 95 %, s", f"{figures['delay_median_s']} / {figures['delay_p95_s']}")
    yield "falls by kind (found of all, median delay):"
    kinds = Counter(result.fall.kind for score in scores for result in score.falls)
    for kind, count in sorted(kinds.items()):
        results = [result for score in scores for result in score.falls if result.fall.kind == kind]
        delays = [result.delay_s for result in results if result.delay_s is not None]
        delay = f"{median(delays):.1f} s" if delays else "-"
        yield f"  {kind:18} {sum(result.found for result in results):3} of {count:3}  {delay}"


def failures(scores: Sequence[Score]) -> Iterator[str]:
    """Each class of failure with one line per case: seed, when, what, and how to see it again."""
    for score in scores:
        again = f"hani simulate life --hours {score.hours:g} --seed {score.seed} --explain"
        again += "" if score.falls_per_h is None else f" --falls-per-hour {score.falls_per_h:g}"
        if score.mattress is not Mattress.TRUE:
            again += f" --mattress {score.mattress.value}"
        for result in score.missed:
            view = "" if result.in_view else "not in view, "
            yield (
                f"missed fall_{result.fall.kind}: at {result.fall.onset_s:.0f} s, {result.fall.ending}, {view}"
                f"{result.in_sight:.0%} in sight, light {result.light:.2f}; {again}"
            )
        for alarm in score.false_alarms:
            what = alarm.doing if alarm.type is AlarmType.FALL else alarm.type.value
            yield f"false {alarm.reached} {alarm.reason} while {what}: at {alarm.at_s:.0f} s; {again}"


def classes(scores: Sequence[Score]) -> Iterator[str]:
    """How often each class of failure happens, the most frequent first, with an example's seed."""
    counts: Counter[str] = Counter()
    seed: dict[str, int] = {}
    for score in scores:
        names = [f"missed fall_{r.fall.kind}{'' if r.in_view else ', not in view'}" for r in score.missed]
        names += [
            f"false {a.reached} {a.reason.split('+')[0]} while {a.doing.split(', ')[-1]}" for a in score.false_alarms
        ]
        for name in names:
            counts[name] += 1
            seed.setdefault(name, score.seed)
    for name, count in counts.most_common():
        yield f"  {count:3}  {name} (seed {seed[name]})"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="The fall watcher in hours of simulated life.")
    parser.add_argument("--hours", type=float, default=100.0)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--mattress", default="true", help="all, or some of " + ",".join(m.value for m in Mattress))
    parser.add_argument("--falls-per-h", type=float, default=None)
    parser.add_argument("--lives", default="falls,none", help="falls, none or both: with falls, and without any")
    parser.add_argument("--no-zones", action="store_true", help="nobody has drawn any")
    given = parser.parse_args(arguments)
    manners = list(Mattress) if given.mattress == "all" else [Mattress(name) for name in given.mattress.split(",")]
    seeds = range(given.first_seed, given.first_seed + given.seeds)
    results = []
    for manner, lives in product(manners, given.lives.split(",")):
        began_s = time.process_time()
        rate = 0.0 if lives == "none" else given.falls_per_h
        scores = evaluate(given.hours, seeds, manner, zones=not given.no_zones, falls_per_h=rate)
        cpu_s = time.process_time() - began_s
        results.append(
            {**summary(scores), "zones": not given.no_zones, "times_real_time": round(given.hours * 3600 / cpu_s)}
        )
        for line in (*table(scores), "classes of failure:", *classes(scores), "failures:", *failures(scores)):
            sys.stdout.write(line + "\n")
    sys.stdout.write(json.dumps(results) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
