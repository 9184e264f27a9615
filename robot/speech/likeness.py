"""How far a mere likeness of a cry for help is trusted: a television brings them by the dozen. Pure.

A likeness is a sentence that holds or resembles a safety phrase and is none. Hani asks about it; when nobody needed
help, the question was fruitless. This counts fruitless questions of the last hour, each kind of cry by itself:

| fruitless questions | what a likeness needs to be asked about                                  |
| ------------------- | ------------------------------------------------------------------------ |
| fewer than 3        | nothing more (the budget of questions counts for one that stands alone)  |
| 3 to 5              | another within 8 s before it                                             |
| 6 and more          | two others in such a row, and five minutes since the last question       |

It is no matter for a phrase that was said as it is, certain or faint, and forgotten when somebody does need help.
Loudness is no sign here: the gain levels it, and who is weak is not loud. Design numbers, to be tuned in homes.
"""

from __future__ import annotations

from collections import deque

from robot.messages import SafetyKind

FRUITLESS = 3
VERY_FRUITLESS = 6
REST_S = 300.0

_HOUR_S = 3600.0
_CLOCK_SLACK_S = 1.0


class Likenesses:
    """Times are Unix seconds; a clock that was set back frees what lies ahead of it."""

    def __init__(self) -> None:
        self._asked: deque[tuple[float, SafetyKind]] = deque()

    def asked(self, kind: SafetyKind, now_s: float) -> None:
        """Hani asks about a likeness."""
        self._asked.append((now_s, kind))

    def somebody_needs_help(self) -> None:
        """A certain cry, or a resident who said yes."""
        self._asked.clear()

    def allows(self, kind: SafetyKind, in_a_row: int, now_s: float) -> bool:
        """Whether Hani may ask about a likeness; `in_a_row` counts it and those shortly before it."""
        asked = [at_s for at_s, other in self._recent(now_s) if other is kind]
        if len(asked) < FRUITLESS:
            return True
        if len(asked) < VERY_FRUITLESS:
            return in_a_row >= 2
        return in_a_row >= 3 and now_s - max(asked) >= REST_S

    def distrusted(self, now_s: float) -> bool:
        """Whether some kind of likeness has been fruitless so often that a television may be on."""
        kinds = [kind for _, kind in self._recent(now_s)]
        return any(kinds.count(kind) >= FRUITLESS for kind in set(kinds))

    def _recent(self, now_s: float) -> deque[tuple[float, SafetyKind]]:
        self._asked = deque((at_s, kind) for at_s, kind in self._asked if -_CLOCK_SLACK_S <= now_s - at_s < _HOUR_S)
        return self._asked
