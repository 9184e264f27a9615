"""From an item's facts to the letter that a connector delivers."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from robot.errors import BadInput
from robot.fleet.government.config import Bridge
from robot.fleet.government.facts import Facts
from robot.fleet.government.mapping import LookupTable, Scalar, encode, flat, nested
from robot.fleet.government.sealing import Seal


@dataclass(frozen=True, slots=True)
class Letter:
    """`values` is the body by path, before encryption, for tables; `body` is what goes over a wire."""

    key: str
    event: str
    path: str
    values: dict[str, Scalar]
    body: bytes
    headers: dict[str, str]

    @property
    def digest(self) -> str:
        """SHA-256 of what was said, not of how it was sealed."""
        return hashlib.sha256(encode(self.values)).hexdigest()


class Writer:
    """Writes letters by the mapping. Raises BadConfiguration at once for keys it cannot use."""

    def __init__(self, settings: Bridge) -> None:
        self._settings = settings
        self._zone = ZoneInfo(settings.timezone)
        self._lookup = LookupTable(settings.lookup.file) if settings.lookup else None
        self._seal = Seal(settings.signature, settings.encryption)

    def write(self, facts: Facts, now_s: float) -> Letter:
        """The letter. Raises BadInput when the mapping has no answer for these facts."""
        message = self._settings.message(facts.event)
        if message is None:
            raise BadInput(f"no message under messages for the event {facts.event}; add one and replay")
        row = self._lookup.row(facts.device) if self._lookup else {}
        values = flat(message.fields, facts, self._settings.tables, row, self._zone)
        body = self._seal.body(encode(nested(values)))
        return Letter(facts.key, facts.event, message.path, values, body, self._seal.headers(body, now_s))
