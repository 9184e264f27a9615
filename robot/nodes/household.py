"""Who lives here, for the nodes that a slip in the resident's file must not stop."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from robot.care.residents import Resident, load_resident
from robot.errors import BadConfiguration
from robot.settings import NodeSettings


@dataclass(frozen=True, slots=True)
class Household:
    """`people` sleep here, 0 where nobody knows how many; `fault` says what is wrong with the file, or "".

    has_mattress: also where nobody knows: then its silence is shown, and suppresses nothing.
    """

    resident: Resident
    people: int
    fault: str = ""

    @property
    def has_mattress(self) -> bool:
        return self.resident.mattress


def load_household(settings: NodeSettings, log: logging.Logger) -> Household:
    """The resident's file, and their number from it unless `residents` overrules it.

    A file that cannot be used costs a home neither alarms nor watch: then what is safe for anybody holds (both
    languages, an unknown number of people, so that no mattress explains a fall away), and the fault is to be shown.
    """
    try:
        resident, fault = load_resident(settings.resident_file), ""
    except BadConfiguration as error:
        log.error("resident file not used: %s", error)
        resident, fault = Resident(), "the resident file cannot be used"
    known = 0 if fault else resident.people
    return Household(resident, known if settings.residents < 0 else settings.residents, fault)
