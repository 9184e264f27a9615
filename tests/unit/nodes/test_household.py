"""One source says how many sleep here; what cannot be read is unknown, and stops no node."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from robot.messages import Language
from robot.nodes.household import Household, load_household
from robot.settings import SETTINGS, NodeSettings

pytestmark = pytest.mark.unit

LOG = logging.getLogger("test")


def load(folder: Path, text: str, residents: int = -1) -> Household:
    (folder / "home.yaml").write_text(text, encoding="utf-8")
    return load_household(NodeSettings(resident_file=str(folder / "home.yaml"), residents=residents), LOG)


@pytest.mark.parametrize(
    ("text", "residents", "people"),
    [("people: 2", -1, 2), ("people: 2", 1, 1), ("people: 1", 3, 3), ("people: 1", 0, 0), ("{}", -1, 1)],
)
def test_the_resident_s_file_says_how_many_and_the_parameter_overrules_it(tmp_path, text, residents, people):
    household = load(tmp_path, text, residents)
    assert (household.people, household.fault) == (people, "")


def test_a_slip_in_the_file_leaves_the_number_unknown_both_languages_and_a_fault(tmp_path, caplog):
    household = load(tmp_path, "poeple: 1")
    assert (household.people, household.fault) == (0, "the resident file cannot be used")
    assert household.resident.languages == (Language.ZH, Language.MN)
    assert "poeple" in caplog.text
    assert load(tmp_path, "poeple: 1", residents=1).people == 1, "what is set is known"


@pytest.mark.parametrize("node", sorted(SETTINGS))
def test_the_number_can_be_set_for_all_nodes_at_once_as_the_file_can(node):
    """Set for one node alone, watch and fusion would disagree about who lies in the bed."""
    assert SETTINGS[node].model_fields["residents"].default == -1
