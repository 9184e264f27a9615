"""Camera against mattress: may a suspected fall be left alone because its person lies in bed?

| fall                              | mattress                                        | verdict                       |
| --------------------------------- | ----------------------------------------------- | ----------------------------- |
| seen falling                      | anything                                        | suspect: seen_falling         |
| lying (long or found on floor)    | none, unknown, or reading too old               | suspect: bed_unknown          |
| lying                             | out of bed                                      | suspect: bed_empty            |
| lying                             | in bed, but only since the onset or later       | suspect: bed_too_late         |
| lying                             | in bed since before the onset, several residents| suspect: bed_of_another       |
| lying                             | in bed since before the onset, one resident     | suppress: in_bed_before_onset |

Only the last row suppresses. A movement that was seen as a fall is never explained away.
"""

from __future__ import annotations

from dataclasses import dataclass

from robot.alarms.case import CLOCK_SLACK_S
from robot.messages import BedState, FallEvent, FallReason, Presence

LYING = frozenset({FallReason.LONG_ON_FLOOR, FallReason.FOUND_ON_FLOOR})


@dataclass(frozen=True, slots=True)
class Verdict:
    suspect: bool
    reason: str


def presence_now(bed: BedState | None, now_s: float, fresh_s: float) -> Presence:
    """What the mattress says now; UNKNOWN unless a reading at most `fresh_s` old supports it.

    The age counts even when the state calls itself fresh: the process that said so may have died since.
    """
    if bed is None or not bed.fresh or bed.measured_at_s is None:
        return Presence.UNKNOWN
    return bed.presence if -CLOCK_SLACK_S <= now_s - bed.measured_at_s <= fresh_s else Presence.UNKNOWN


def judge(event: FallEvent, bed: BedState | None, now_s: float, *, fresh_s: float, residents: int) -> Verdict:
    """The table above. `fresh_s` is the greatest age of a reading that counts; `residents` says how many live here."""
    if event.reason not in LYING:
        return Verdict(True, "seen_falling")
    presence = presence_now(bed, now_s, fresh_s)
    if bed is None or presence is Presence.UNKNOWN:
        return Verdict(True, "bed_unknown")
    if presence is Presence.OUT_OF_BED:
        return Verdict(True, "bed_empty")
    if bed.since_at_s >= event.onset_at_s:
        return Verdict(True, "bed_too_late")
    if residents > 1:
        return Verdict(True, "bed_of_another")
    return Verdict(False, "in_bed_before_onset")
