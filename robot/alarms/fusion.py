"""Camera and mattress together: what an event comes to, by one table (`TABLE`; README.md shows it, a test compares).

Three rows suppress, for the only resident: a fresh mattress that has held them since before the onset while the camera
does not see them elsewhere; their own "I am fine", said lying there, while a camera that never looked away has seen
nobody upright since; and "I am fine" alone, for minutes: whoever still lies then is asked. What is unknown or stale has
its own value in each column and never calms: a row that suppresses or waits names, for the columns that could calm,
what must be known.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from enum import Enum

from robot.alarms.case import CLOCK_SLACK_S
from robot.messages import BedState, FallEvent, FallReason, Presence, RoomView, Zone

LYING = frozenset({FallReason.LONG_ON_FLOOR, FallReason.FOUND_ON_FLOOR})


class Event(str, Enum):
    """What asks for a judgement: a movement seen as a fall, somebody lying, or somebody who left the bed."""

    SEEN_FALLING = "seen falling"
    LYING = "lying"
    LEFT_BED = "left the bed at night"
    LEFT_BED_BY_DAY = "left the bed by day"
    AT_REST = "nothing happens"


class Bed(str, Enum):
    IN_BEFORE = "in bed since before the onset"
    IN_LATE = "in bed, but not before the onset"
    OUT = "out of bed"
    UNKNOWN = "unknown, stale or told minutes late"


class Place(str, Enum):
    """Where the camera sees the hips of who lies, by the zones that were drawn. UNKNOWN: no bed was drawn."""

    BED = "in the bed's zone"
    ELSEWHERE = "in another zone"
    FLOOR = "on the floor"
    UNKNOWN = "unknown or no zone"


class Vitals(str, Enum):
    """Heart or breath of this stay in bed. LOST: measured before, and not for a while."""

    MEASURED = "measured"
    LOST = "lost"
    UNKNOWN = "unknown"


class Upright(str, Enum):
    """Whether the camera saw anybody upright since the bed was left or FINE said; NOT_SEEN only while it could."""

    SEEN = "seen"
    NOT_SEEN = "not seen"
    UNKNOWN = "unknown"


class Said(str, Enum):
    """What whoever lies there answered when asked about it, lately and without having left the bed since."""

    FINE = "I am fine"
    LATELY = "I am fine, minutes ago"
    NOTHING = "nothing"


class Residents(str, Enum):
    ONE = "one"
    SEVERAL = "several"


class Outcome(str, Enum):
    """From weak to strong."""

    SUPPRESS = "suppress, log and count"
    NOTHING = "nothing"
    WAIT = "check-in after the tolerance"
    FAULT = "fault"
    CHECK_SOON = "check-in soon"
    CHECK = "check-in now"

    @property
    def strength(self) -> int:
        return list(Outcome).index(self)


@dataclass(frozen=True, slots=True)
class Inputs:
    """What is known about an event. The defaults are what holds without that sensor."""

    event: Event
    bed: Bed = Bed.UNKNOWN
    place: Place = Place.UNKNOWN
    vitals: Vitals = Vitals.UNKNOWN
    upright: Upright = Upright.UNKNOWN
    said: Said = Said.NOTHING
    residents: Residents = Residents.SEVERAL


@dataclass(frozen=True, slots=True)
class Row:
    """Values that a row is for; () is any. The first row that fits decides."""

    event: Event
    outcome: Outcome
    reason: str
    bed: tuple[Bed, ...] = ()
    place: tuple[Place, ...] = ()
    vitals: tuple[Vitals, ...] = ()
    upright: tuple[Upright, ...] = ()
    said: tuple[Said, ...] = ()
    residents: tuple[Residents, ...] = ()

    def fits(self, inputs: Inputs) -> bool:
        return self.event is inputs.event and all(
            not getattr(self, name) or getattr(inputs, name) in getattr(self, name) for name in COLUMNS
        )


COLUMNS = tuple(column.name for column in fields(Inputs) if column.name != "event")
_IN = (Bed.IN_BEFORE, Bed.IN_LATE)
SAID_FINE = "said_fine_here"
SAID_LATELY = "said_fine_lately"

TABLE: tuple[Row, ...] = (
    Row(Event.SEEN_FALLING, Outcome.CHECK, "seen_falling"),
    Row(Event.LYING, Outcome.CHECK, "vitals_lost", vitals=(Vitals.LOST,)),
    # for minutes only, and judged again then: who exercises lies down again and again
    Row(Event.LYING, Outcome.SUPPRESS, SAID_LATELY, said=(Said.LATELY,), residents=(Residents.ONE,)),
    # never on the floor: who lies there and says "I am fine" may still not get up
    Row(
        Event.LYING,
        Outcome.SUPPRESS,
        SAID_FINE,
        place=(Place.BED, Place.ELSEWHERE, Place.UNKNOWN),
        upright=(Upright.NOT_SEEN,),
        said=(Said.FINE,),
        residents=(Residents.ONE,),
    ),
    Row(Event.LYING, Outcome.CHECK, "bed_unknown", bed=(Bed.UNKNOWN,)),
    Row(Event.LYING, Outcome.CHECK, "bed_empty", bed=(Bed.OUT,)),
    Row(Event.LYING, Outcome.CHECK, "bed_too_late", bed=(Bed.IN_LATE,)),
    Row(Event.LYING, Outcome.CHECK, "bed_of_another", residents=(Residents.SEVERAL,)),
    Row(Event.LYING, Outcome.CHECK, "sensors_disagree", place=(Place.ELSEWHERE, Place.FLOOR)),
    Row(
        Event.LYING,
        Outcome.SUPPRESS,
        "in_bed_before_onset",
        bed=(Bed.IN_BEFORE,),
        place=(Place.BED, Place.UNKNOWN),
        residents=(Residents.ONE,),
    ),
    Row(Event.LEFT_BED, Outcome.CHECK_SOON, "left_bed_unseen", upright=(Upright.NOT_SEEN,)),
    Row(Event.LEFT_BED, Outcome.WAIT, "not_back_in_bed"),
    # "not seen" here only while the camera shows the bed: whoever gets up from it by day is seen on their feet
    Row(Event.LEFT_BED_BY_DAY, Outcome.CHECK_SOON, "left_bed_unseen", upright=(Upright.NOT_SEEN,)),
    Row(Event.LEFT_BED_BY_DAY, Outcome.NOTHING, "up_by_day"),
    Row(Event.AT_REST, Outcome.FAULT, "vitals_lost", bed=_IN, vitals=(Vitals.LOST,)),
    Row(Event.AT_REST, Outcome.FAULT, "sensors_disagree", bed=(Bed.OUT,), place=(Place.BED,)),
    Row(
        Event.AT_REST,
        Outcome.FAULT,
        "sensors_disagree",
        bed=_IN,
        place=(Place.ELSEWHERE,),
        residents=(Residents.ONE,),
    ),
    Row(Event.AT_REST, Outcome.NOTHING, "sensors_agree"),
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """`suspect` is False only for what is suppressed."""

    outcome: Outcome
    reason: str
    suspect: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "suspect", self.outcome is not Outcome.SUPPRESS)


def decide(inputs: Inputs) -> Verdict:
    """The table. What no row is for is checked: a gap must not be silence."""
    for row in TABLE:
        if row.fits(inputs):
            return Verdict(row.outcome, row.reason)
    return Verdict(Outcome.CHECK, "no_row")


def render() -> str:
    """The table in Markdown, for README.md."""
    lines = ["| event | " + " | ".join(COLUMNS) + " | outcome | reason |", "| --- " * (len(COLUMNS) + 3) + "|"]
    for row in TABLE:
        cells = [" or ".join(value.value for value in getattr(row, name)) or "any" for name in COLUMNS]
        lines.append(f"| {row.event.value} | " + " | ".join(cells) + f" | {row.outcome.value} | `{row.reason}` |")
    return "\n".join(lines) + "\n"


# From messages to the table's columns


def presence_now(bed: BedState | None, now_s: float, fresh_s: float) -> Presence:
    """What the mattress says now; UNKNOWN unless a reading at most `fresh_s` old supports it.

    The age counts even when the state calls itself fresh: the process that said so may have died since.
    """
    if bed is None or not bed.fresh or bed.measured_at_s is None:
        return Presence.UNKNOWN
    return bed.presence if -CLOCK_SLACK_S <= now_s - bed.measured_at_s <= fresh_s else Presence.UNKNOWN


def view_now(view: RoomView | None, now_s: float, fresh_s: float) -> RoomView | None:
    """The camera's view, if it sees and spoke at most `fresh_s` ago."""
    if view is None or not view.sees or not -CLOCK_SLACK_S <= now_s - view.at_s <= fresh_s:
        return None
    return view


def judge(
    event: FallEvent,
    bed: BedState | None,
    now_s: float,
    *,
    fresh_s: float,
    residents: int,
    vitals: Vitals = Vitals.UNKNOWN,
    upright: Upright = Upright.UNKNOWN,
    said: Said = Said.NOTHING,
) -> Verdict:
    """Of a fall. `fresh_s` is the greatest age of a reading that counts; `residents` says how many live here.

    The event's zone None means that no bed was drawn; where one is, whoever is outside every zone is in FLOOR.
    """
    if event.reason not in LYING:
        return decide(Inputs(Event.SEEN_FALLING))
    places = {None: Place.UNKNOWN, Zone.BED: Place.BED, Zone.FLOOR: Place.FLOOR}
    found = _bed(bed, now_s, fresh_s, event.onset_at_s)
    place = places.get(event.zone, Place.ELSEWHERE)
    return decide(Inputs(Event.LYING, found, place, vitals, upright, said, _residents(residents)))


def judge_absence(upright: Upright, *, by_night: bool = True) -> Verdict:
    """Of a bed that was left and not returned to."""
    return decide(Inputs(Event.LEFT_BED if by_night else Event.LEFT_BED_BY_DAY, upright=upright))


def judge_rest(
    bed: BedState | None, view: RoomView | None, now_s: float, *, fresh_s: float, residents: int, vitals: Vitals
) -> Verdict:
    """Of the sensors themselves, while nothing happens. `view` must be fresh (`view_now`), or None.

    A view whose `in_bed` is None (no bed was drawn) knows of no place.
    """
    place = Place.UNKNOWN
    if view is not None and view.in_bed is not None and view.in_bed > 0:
        place = Place.BED
    elif view is not None and view.in_bed == 0 and view.people == 1:
        place = Place.ELSEWHERE
    found = _bed(bed, now_s, fresh_s, now_s)
    return decide(Inputs(Event.AT_REST, found, place, vitals, residents=_residents(residents)))


def _bed(bed: BedState | None, now_s: float, fresh_s: float, onset_at_s: float) -> Bed:
    presence = presence_now(bed, now_s, fresh_s)
    if bed is None or presence is Presence.UNKNOWN or bed.is_late:
        return Bed.UNKNOWN
    if presence is Presence.OUT_OF_BED:
        return Bed.OUT
    return Bed.IN_BEFORE if bed.since_at_s < onset_at_s else Bed.IN_LATE


def _residents(residents: int) -> Residents:
    return Residents.ONE if residents == 1 else Residents.SEVERAL
