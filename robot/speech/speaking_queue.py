"""What Hani says next. Pure: no clock, no sound, no threads."""

from __future__ import annotations

from collections import OrderedDict, deque
from enum import Enum

from robot.messages import Say, Urgency

_ORDER = (Urgency.SAFETY, Urgency.REMINDER, Urgency.CONVERSATION)
_REMEMBERED_IDS = 1024


class Offer(Enum):
    """What became of an offered text."""

    QUEUED = "queued"
    INTERRUPTS = "interrupts"
    DUPLICATE = "duplicate"


class SpeakingQueue:
    """Texts by urgency, first come first said within one urgency.

    SAFETY interrupts reminders and conversation, and only `close` ends it before its last word. A text whose id was
    seen before is dropped; conversation that waited longer than `stale_after_s` is dropped, because its moment has
    passed. So is what waits about an alarm when there is something newer to say about it: nobody shall be asked whether
    they are all right after they were told that help is coming.
    """

    def __init__(self, stale_after_s: float = 10.0) -> None:
        self._stale_after_s = stale_after_s
        self._waiting: dict[Urgency, deque[tuple[float, Say]]] = {urgency: deque() for urgency in _ORDER}
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._dropped: list[Say] = []
        self._current: Say | None = None
        self._last: Say | None = None

    @property
    def current(self) -> Say | None:
        """What is being said now."""
        return self._current

    @property
    def last_said(self) -> Say | None:
        """What was said last, to its end or not: the text to repeat when somebody asks."""
        return self._last

    def offer(self, say: Say, now_s: float) -> Offer:
        """Queue `say`. INTERRUPTS means: cut off what is being said now."""
        if say.id in self._seen:
            return Offer.DUPLICATE
        self._seen[say.id] = None
        if len(self._seen) > _REMEMBERED_IDS:
            self._seen.popitem(last=False)
        self._drop_outdated(say)
        self._waiting[say.urgency].append((now_s, say))
        self._drop_stale(now_s)
        interrupts = say.urgency is Urgency.SAFETY and self._current is not None and not self._in_safety()
        return Offer.INTERRUPTS if interrupts else Offer.QUEUED

    def next(self, now_s: float) -> Say | None:
        """Take the text to say now; it is current until `done`. None when nothing waits or something is being said."""
        if self._current is not None:
            return None
        self._drop_stale(now_s)
        for urgency in _ORDER:
            if self._waiting[urgency]:
                self._current = self._waiting[urgency].popleft()[1]
                return self._current
        return None

    def done(self, *, heard: bool = True) -> None:
        """The current text has ended; `heard` says whether any of it was audible."""
        if heard:
            self._last = self._current
        self._current = None

    def hush(self) -> bool:
        """Somebody wants quiet: forget waiting conversation. True means: cut off what is being said now."""
        self._drop(self._waiting[Urgency.CONVERSATION])
        return self._current is not None and not self._in_safety()

    def clear(self) -> None:
        """Forget everything that waits, safety too: only for the end of the program."""
        for waiting in self._waiting.values():
            self._drop(waiting)

    def dropped(self) -> list[Say]:
        """The texts that were dropped unsaid since the last call (stale, outdated, hushed or cleared)."""
        dropped, self._dropped = self._dropped, []
        return dropped

    def _in_safety(self) -> bool:
        return self._current is not None and self._current.urgency is Urgency.SAFETY

    def _drop_stale(self, now_s: float) -> None:
        conversation = self._waiting[Urgency.CONVERSATION]
        while conversation and now_s - conversation[0][0] > self._stale_after_s:
            self._dropped.append(conversation.popleft()[1])

    def _drop_outdated(self, newer: Say) -> None:
        """The same purpose is kept: it is the same text in another language."""
        if not newer.about:
            return
        for urgency, waiting in self._waiting.items():
            outdated = [say for _, say in waiting if say.about == newer.about and say.purpose != newer.purpose]
            self._dropped.extend(outdated)
            self._waiting[urgency] = deque(item for item in waiting if item[1] not in outdated)

    def _drop(self, waiting: deque[tuple[float, Say]]) -> None:
        self._dropped.extend(say for _, say in waiting)
        waiting.clear()
