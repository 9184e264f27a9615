"""Who may see what, pure: caregivers their devices, operators a district, administrators everything."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from sqlalchemy import ColumnElement, literal_column
from sqlalchemy.orm import InstrumentedAttribute, Session

from robot.fleet import bulk
from robot.fleet.contacts import Contacts, Site

NOBODY_SEES: frozenset[str] = frozenset()


class Role(str, Enum):
    """What somebody is to the platform."""

    CAREGIVER = "caregiver"
    OPERATOR = "operator"
    ADMINISTRATOR = "administrator"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who has signed in. `scopes`: devices of a caregiver, first digits of an operator's regions."""

    id: str
    name: str
    shown: str
    role: Role
    scopes: frozenset[str] = frozenset()

    @property
    def runs_devices(self) -> bool:
        """Whether this person may put a robot into maintenance."""
        return self.role is not Role.CAREGIVER


@dataclass(frozen=True, slots=True)
class Sight:
    """A set of devices that may be "all, but": every query and the live feed go through it."""

    only: frozenset[str] | None = NOBODY_SEES
    hidden: frozenset[str] = frozenset()

    def sees(self, device: str) -> bool:
        return (self.only is None or device in self.only) and device not in self.hidden

    def where(self, session: Session, column: InstrumentedAttribute[str]) -> list[ColumnElement[bool]]:
        """The same as criteria of a query of this session: one parameter, however many homes a district has."""
        if self.only is None and not self.hidden:
            return []
        texts, values = bulk.among(session, self.hidden if self.only is None else self.only - self.hidden)
        those = texts.bindparams(among=values).columns(literal_column("value"))
        return [column.not_in(those) if self.only is None else column.in_(those)]

    def within(self, devices: Iterable[str]) -> Sight:
        """What of it lies within these devices."""
        return Sight(frozenset(device for device in devices if self.sees(device)))


ALL = Sight(only=None)


def visible_devices(person: Person, contacts: Contacts, site: Site) -> Sight:
    """What this person may see.

    A home's region is the contacts file's; a device without a home stands in the site's own region.
    """
    if person.role is Role.ADMINISTRATOR:
        return ALL
    if person.role is Role.CAREGIVER:
        return Sight(person.scopes)
    prefixes = tuple(sorted(person.scopes))
    if not prefixes:
        return Sight()
    inside = {home.device: (home.region or site.region).startswith(prefixes) for home in contacts.homes}
    if site.region.startswith(prefixes):
        return Sight(None, frozenset(device for device, seen in inside.items() if not seen))
    return Sight(frozenset(device for device, seen in inside.items() if seen))


def region_of(device: str, contacts: Contacts, site: Site) -> str:
    """The six-digit region of a device."""
    home = contacts.home(device)
    return (home.region if home else None) or site.region
