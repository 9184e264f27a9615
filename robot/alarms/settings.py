"""What can be set about alarms, with the source of each number."""

from __future__ import annotations

import math
from dataclasses import dataclass

from robot.errors import BadConfiguration


@dataclass(frozen=True, slots=True)
class AlarmSettings:
    """Durations in seconds. Raises BadConfiguration for a value that would switch a safeguard off.

    device: the robot's identity; part of every alarm id, so that two robots can never make the same one.
    check_in_s: the whole check-in; the second prompt comes halfway (design: 20 s, two prompts).
    get_up_s: a fall that the camera saw is asked about so long after it was suspected, unless that person was seen to
        get up meanwhile: 5 of 23 false check-ins did so within 15 s (simulated life, seeds 31-42), the alarm manager's
        choice. A helper beside them was waited for already.
    company_get_up_s: the same while several people are in view and one has said "I am fine" within `fine_lately_s`
        (twice as long once it was said twice in a row): they play, or exercise together, and one who was asked is
        there (chosen; not less than `get_up_s` is waited). A helper beside them counts. Getting up ends it then too,
        unless somebody stands beside them, and so does that as many stand as were in view while nobody lies.
    cancel_window_s: how long a clear "I am fine" withdraws an alarm that silence or a certain safety word raised; the
        raise itself is spoken for about 11 s in two languages, and nobody is heard meanwhile.
    bed_exit_tolerance_s: out of bed at night for longer opens an alarm (products offer 0 to 30 min).
    not_received_after_s: the resident is told when the platform has not committed the alarm by then.
    repeat_s: between two reassurances; also the field's repeat for unacknowledged alarms.
    rise_s: unacknowledged for so long raises the severity (TSA: 97.5 % answered in 60 s, 99 % in 180 s).
    join_s: an acknowledged emergency takes in further evidence for so long (field: acknowledged but not closed in 10
        min re-opens); later evidence opens a new alarm, so that an alarm forgotten open never hides a fall.
    withhold_s: for so long a fall that the mattress contradicted comes back when the mattress no longer does (a lag, a
        pet or a stuck cell hold somebody "in bed" for minutes; chosen).
    fine_holds_s: who lay in a zone and said "I am fine" is not asked again there for so long, unless somebody was seen
        upright, the camera looked away or the mattress told an exit meanwhile (chosen); 0 asks each time.
    fine_lately_s: after "I am fine" nobody is asked for merely lying, not even on the floor, for so long; then they are
        (chosen: who exercises lies down again and again; at most `withhold_s`), and twice as long once it was said
        twice in a row (within twice that time). A movement seen as a fall always asks.
    bed_fresh_s: a mattress reading older than this vouches for nothing.
    bed_latency_s: so late may the mattress tell that the bed was left: who was seen upright up to so long before has
        got up, and above 60 the bed explains no fall away. Below 0: as the mattress says of itself, else 30.
    bed_stale_alarm_s: a feed stale for so long opens a low device alarm; None leaves that to diagnostics.
    bed_wet_s: a bed that has been wet for so long is told the caregiver, as a low alarm without a word in the room (a
        drop dries, a contact bounces; chosen); below 0: never.
    bed_exit_unseen_s: instead of the tolerance, when a camera that sees the room has seen nobody upright since the bed
        was left (chosen: sitting on the edge for a while is common; never longer than the tolerance).
    view_fresh_s: a camera's view older than this says nothing (it is repeated every few seconds).
    vitals_lost_s: heart and breath that were measured and then were not for so long are lost (turning over and
        settling take a minute or two; chosen).
    disagree_s: sensors that contradict each other for so long are a fault (chosen).
    ask_after_raise_s: after a press has raised the alarm, the resident is asked so much later: the raise itself is
        spoken for about 11 s in two languages. The cancel window counts from the question.
    residents: the mattress vouches for one person only; with more than one, or 0 (unknown), it suppresses nothing.
    remember_s: ended alarms stay known for so long, to recognise a repeated event.
    """

    device: str
    check_in_s: float = 20.0
    get_up_s: float = 0.0
    company_get_up_s: float = 0.0
    cancel_window_s: float = 30.0
    bed_exit_tolerance_s: float = 600.0
    not_received_after_s: float = 30.0
    repeat_s: float = 60.0
    rise_s: tuple[float, ...] = (60.0, 180.0)
    join_s: float = 600.0
    withhold_s: float = 300.0
    fine_holds_s: float = 7200.0
    fine_lately_s: float = 0.0
    bed_fresh_s: float = 60.0
    bed_latency_s: float = -1.0
    bed_stale_alarm_s: float | None = None
    bed_wet_s: float = 120.0
    bed_exit_unseen_s: float = 45.0
    view_fresh_s: float = 15.0
    vitals_lost_s: float = 180.0
    disagree_s: float = 120.0
    ask_after_raise_s: float = 12.0
    residents: int = 1
    remember_s: float = 86400.0

    def __post_init__(self) -> None:
        bounds: tuple[tuple[str, float | None, float, float], ...] = (
            ("check_in_s", self.check_in_s, 1.0, 120.0),
            ("get_up_s", self.get_up_s, 0.0, 20.0),
            ("company_get_up_s", self.company_get_up_s, 0.0, 30.0),
            ("cancel_window_s", self.cancel_window_s, 0.0, 60.0),
            ("bed_exit_tolerance_s", self.bed_exit_tolerance_s, 0.0, 1800.0),
            ("not_received_after_s", self.not_received_after_s, 1.0, 300.0),
            ("repeat_s", self.repeat_s, 10.0, 600.0),
            ("join_s", self.join_s, 0.0, 3600.0),
            ("withhold_s", self.withhold_s, 0.0, 600.0),
            ("fine_holds_s", self.fine_holds_s, 0.0, 14400.0),
            ("fine_lately_s", self.fine_lately_s, 0.0, self.withhold_s),
            ("bed_latency_s", self.bed_latency_s, -1.0, 600.0),
            ("bed_fresh_s", self.bed_fresh_s, 1.0, 600.0),
            ("bed_stale_alarm_s", self.bed_stale_alarm_s, 1.0, 86400.0),
            ("bed_wet_s", self.bed_wet_s, -1.0, 3600.0),
            ("bed_exit_unseen_s", self.bed_exit_unseen_s, 10.0, 1800.0),
            ("view_fresh_s", self.view_fresh_s, 1.0, 60.0),
            ("vitals_lost_s", self.vitals_lost_s, 30.0, 3600.0),
            ("disagree_s", self.disagree_s, 10.0, 3600.0),
            ("ask_after_raise_s", self.ask_after_raise_s, 0.0, 60.0),
            ("residents", self.residents, 0, 20),
            ("remember_s", self.remember_s, 3600.0, math.inf),
        )
        for name, value, least, most in bounds:
            if value is not None and not least <= value <= most:
                raise BadConfiguration(f"alarms.{name} must lie in {least:g}..{most:g}")
        if not self.device:
            raise BadConfiguration("alarms.device must name this robot")
        if list(self.rise_s) != sorted(set(self.rise_s)) or not all(0 < rise <= 3600 for rise in self.rise_s):
            raise BadConfiguration("alarms.rise_s must ascend within 0..3600")
