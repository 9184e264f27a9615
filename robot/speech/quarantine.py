"""What to leave out when the decoder hangs or crashes again and again in one place. Pure.

| it failed                                                 | then                                        |
| --------------------------------------------------------- | ------------------------------------------- |
| the first time on a chunk                                 | everything again: it may have been chance   |
| the second time on that chunk                             | that chunk is played as silence             |
| twice more, though a chunk of that stretch is silent now  | the stretch is given up; it goes on behind  |
"""

from __future__ import annotations


class Quarantine:
    """Chunks by number. `number in quarantine`: to be played as silence."""

    def __init__(self) -> None:
        self._failed_at: int | None = None
        self._silenced: set[int] = set()
        self._goes_on_at = 0  # behind what was given up
        self.left_out = 0
        """How often something was left out."""

    def __contains__(self, number: int) -> bool:
        return number in self._silenced

    def failed(self, chunk: int, begin: int) -> int:
        """The decoder failed on `chunk` while hearing a stretch from `begin` on: where to begin now."""
        again, self._failed_at = chunk == self._failed_at, chunk
        begin = max(begin, self._goes_on_at)
        if again:
            self.left_out += 1
            if any(begin <= silenced <= chunk for silenced in self._silenced):
                begin = self._goes_on_at = chunk + 1
            else:
                self._silenced.add(chunk)
        return begin

    def forget_before(self, number: int) -> None:
        """Older chunks never come again."""
        self._silenced = {silenced for silenced in self._silenced if silenced >= number}
