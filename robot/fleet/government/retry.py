"""When something is sent, again or never: pure, time and chance are arguments.

An answer concerns either the item (accepted, duplicate, refused, failed) or the platform (down). Only what concerns the
item can make it a dead letter; what concerns the platform pauses everything and costs nothing but time.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from robot.fleet.government.tables import DEAD, DELIVERED, WAITING


class Kind(str, Enum):
    """What an answer means."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"  # it has been accepted before: the answer was lost, which is as good
    REFUSED = "refused"  # will never be accepted as it is
    FAILED = "failed"  # not this time: a server's error, no answer, an answer that nobody understands
    DOWN = "down"  # the platform cannot be reached, or refuses us and not the item


@dataclass(frozen=True, slots=True)
class Answer:
    """`reason` is one line without personal data; `retry_after_s` is the platform's wish."""

    kind: Kind
    reason: str = ""
    retry_after_s: float | None = None

    @property
    def is_taken(self) -> bool:
        return self.kind in (Kind.ACCEPTED, Kind.DUPLICATE)


@dataclass(frozen=True, slots=True)
class Policy:
    """The figures of the retry; see `config.Retry` for their meaning."""

    first_s: float = 1.0
    longest_s: float = 60.0
    give_up_attempts: int = 12
    pause_after: int = 3
    pause_s: float = 2.0
    longest_pause_s: float = 60.0
    longest_retry_after_s: float = 3600.0


@dataclass(frozen=True, slots=True)
class Trial:
    """What is known of an item that was just answered. `attempts` counts this one."""

    attempts: int
    failing_since_s: float
    others_accepted_at_s: float | None  # when the platform last accepted anything


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of the item; `due_at_s` counts only while it waits."""

    state: str
    due_at_s: float
    reason: str | None


def backoff_s(attempts: int, chance: float, policy: Policy) -> float:
    """The wait after `attempts` >= 1 tries: doubling up to `longest_s`, of which chance (0..1) takes at most half."""
    whole_s = min(policy.longest_s, policy.first_s * 2.0 ** min(attempts - 1, 30))
    return whole_s * (1.0 - 0.5 * chance)


def decide(answer: Answer, trial: Trial, now_s: float, chance: float, policy: Policy) -> Verdict:
    """What an answer makes of an item.

    An item that keeps failing is given up only when others got through after it began to fail: then it is the item,
    not the platform, and behind it waits the newest state of its alarm.
    """
    if answer.is_taken:
        return Verdict(DELIVERED, now_s, None)
    if answer.kind is Kind.REFUSED:
        return Verdict(DEAD, now_s, answer.reason)
    alone = trial.others_accepted_at_s is not None and trial.others_accepted_at_s > trial.failing_since_s
    if answer.kind is Kind.FAILED and alone and trial.attempts >= policy.give_up_attempts:
        return Verdict(DEAD, now_s, f"failed {trial.attempts} times while others got through; last: {answer.reason}")
    return Verdict(WAITING, now_s + backoff_s(trial.attempts, chance, policy), answer.reason)


class Circuit:
    """Pauses everything after some failures in a row, then lets one item at a time try, until one is answered.

    Times are of a monotonic clock: a jump of the wall clock must not stretch a pause.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._failures = 0
        self._pause_s = policy.pause_s
        self._until_s = float("-inf")

    @property
    def is_well(self) -> bool:
        return self._failures < self._policy.pause_after

    def room(self, flying: int, lanes: int, now_s: float) -> int:
        """How many items may start now."""
        if now_s < self._until_s:
            return 0
        return max(0, (lanes if self.is_well else 1) - flying)

    def heard(self, answer: Answer, now_s: float, chance: float) -> None:
        """Take note of an answer; `chance` (0..1) takes at most half of a pause."""
        if answer.kind not in (Kind.FAILED, Kind.DOWN):
            self._failures, self._pause_s = 0, self._policy.pause_s
            return
        self._failures += 1
        if not self.is_well:
            self._until_s = max(self._until_s, now_s + self._pause_s * (1.0 - 0.5 * chance))
            self._pause_s = min(2 * self._pause_s, self._policy.longest_pause_s)
        if answer.retry_after_s is not None:
            wish_s = min(max(0.0, answer.retry_after_s), self._policy.longest_retry_after_s)
            self._until_s = max(self._until_s, now_s + wish_s)
