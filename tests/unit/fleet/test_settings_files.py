"""Contacts and site: the examples are right, mistakes name key and file, and every rung has somebody."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from robot.errors import BadConfiguration
from robot.fleet.contacts import Contacts, Site, load
from robot.fleet.desk import Rung

pytestmark = pytest.mark.unit

CONFIG = Path(__file__).parents[3] / "config"
PERSON = {"name": "王芳", "role": "护理员", "phone": "13800000001"}


def test_the_examples_can_be_used_as_they_are() -> None:
    contacts = load(Contacts, CONFIG / "contacts.example.yaml")
    assert contacts.home("hani-0001") is not None
    assert load(Site, CONFIG / "site.example.yaml") == Site()


def test_no_file_gives_the_defaults() -> None:
    assert load(Site, None).hotline == "96111"
    assert load(Contacts, None).people("hani-0001") == ()


@pytest.mark.parametrize(
    ("content", "key"),
    [
        ("colour: red", "colour"),
        (
            "homes: [{device: hani-0001, label: x, first: {name: a, role: b, phone: '110', mail: c}}]",
            "homes.0.first.mail",
        ),
        ("homes: [{device: hani-0001, label: x}]", "homes.0.first"),
        ("homes: [{device: 'Not A Device', label: x, first: {name: a, role: b, phone: '110'}}]", "homes.0.device"),
        ("duty: {name: a, role: b, phone: call me}", "duty.phone"),
        ("- 1", "the file's top"),
        ("a: [", "is not YAML"),
    ],
)
def test_a_mistake_names_the_key_and_the_file_in_one_line(tmp_path: Path, content: str, key: str) -> None:
    path = tmp_path / "contacts.yaml"
    path.write_text(content)
    with pytest.raises(BadConfiguration) as caught:
        load(Contacts, path)
    assert str(path) in str(caught.value)
    assert key in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_device_stands_only_once(tmp_path: Path) -> None:
    path = tmp_path / "contacts.yaml"
    home = "{device: hani-0001, label: x, first: {name: a, role: b, phone: '110'}}"
    path.write_text(f"homes: [{home}, {home}]")
    with pytest.raises(BadConfiguration, match="twice"):
        load(Contacts, path)


def test_a_missing_file_and_an_unknown_time_zone_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match="cannot be read"):
        load(Contacts, tmp_path / "none.yaml")
    (tmp_path / "site.yaml").write_text("timezone: Moon/Sea")
    with pytest.raises(BadConfiguration, match="no such time zone"):
        load(Site, tmp_path / "site.yaml")


@pytest.mark.parametrize(("second", "duty"), list(product([None, PERSON], [None, PERSON])))
def test_first_and_second_rung_always_reach_somebody_in_a_configured_home(second: object, duty: object) -> None:
    contacts = Contacts.model_validate(
        {"duty": duty, "homes": [{"device": "hani-0001", "label": "x", "first": PERSON, "second": second}]}
    )
    assert contacts.on_rung("hani-0001", Rung.FIRST) is not None
    assert contacts.on_rung("hani-0001", Rung.SECOND) is not None
    for rung in Rung:
        assert (contacts.on_rung("hani-0002", rung) is not None) == (duty is not None)
