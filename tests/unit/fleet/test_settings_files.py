"""Contacts and site: the examples are right, mistakes name key and file, and every rung has somebody."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from robot.errors import BadConfiguration
from robot.fleet.contacts import Contacts, Site, load

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
        ("homes: [{device: hani-0001, label: x}]", "homes.0: Value error, give `contacts`"),
        ("homes: [{device: hani-0001, label: x, contacts: [{name: a, role: b, phone: '110'}]}]", "contacts.0.after_s"),
        (
            "homes: [{device: hani-0001, label: x, contacts: [{name: a, role: b, phone: '110', after_s: 5}]}]",
            "nobody is called at once",
        ),
        ("districts: {15x: {}}", "districts.15x"),
        ("timing: {repeat_s: 1}", "timing.repeat_s"),
        (
            "timing: {duty_after_s: 60}\n"
            "homes: [{device: hani-0001, label: x, first: {name: a, role: b, phone: '110'}, "
            "second: {name: c, role: b, phone: '110'}}]",
            "comes after the duty",
        ),
        ("homes: [{device: 'Not A Device', label: x, first: {name: a, role: b, phone: '110'}}]", "homes.0.device"),
        ("duty: {name: a, role: b, phone: call me}", "duty.phone"),
        ('duty: {name: "a\\nb", role: b, phone: "110"}', "duty.name"),
        ('duty: {name: "a\\u2028b", role: b, phone: "110"}', "duty.name"),
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
def test_the_older_form_of_a_home_is_a_ladder_too(second: object, duty: object) -> None:
    contacts = Contacts.model_validate(
        {"duty": duty, "homes": [{"device": "hani-0001", "label": "x", "first": PERSON, "second": second}]}
    )
    ladder = contacts.ladder_of("hani-0001", "fall")
    assert ladder.starts_s == ((0.0, 60.0, 180.0) if second else (0.0, 180.0))
    assert contacts.on_rung("hani-0001", "fall", 0) is not None
    assert (contacts.on_rung("hani-0001", "fall", len(ladder.starts_s) - 1) is not None) == (duty is not None)
    assert (contacts.on_rung("hani-0002", "fall", 0) is not None) == (duty is not None)


def someone(name: str, **more: object) -> dict[str, object]:
    return {"name": name, "role": "护理员", "phone": "13800000001", **more}


def test_every_home_has_its_own_ladder_and_its_regions_duty() -> None:
    contacts = Contacts.model_validate(
        {
            "duty": someone("all"),
            "technical": someone("technician"),
            "districts": {"15": {"duty": someone("region")}, "1507": {"duty": someone("city")}},
            "homes": [
                {
                    "device": "hani-0001",
                    "label": "x",
                    "region": "150702",
                    "timing": {"duty_after_s": 400, "repeat_s": 30},
                    "contacts": [someone("c", after_s=300), someone("a", after_s=0), someone("b", after_s=45)],
                },
                {"device": "hani-0002", "label": "y", "region": "150100", "first": someone("d")},
                {"device": "hani-0003", "label": "z", "region": "110000", "first": someone("e")},
            ],
        }
    )
    assert [person.name for person in contacts.people("hani-0001")] == ["a", "b", "c", "city"]
    ladder = contacts.ladder_of("hani-0001", "fall")
    assert (ladder.starts_s, ladder.repeat_s) == ((0.0, 45.0, 300.0, 400.0), 30.0)
    assert [person.name for person in contacts.people("hani-0002")] == ["d", "region"]
    assert [person.name for person in contacts.people("hani-0003")] == ["e", "all"]
    technician = contacts.on_rung("hani-0001", "device", 0)
    assert technician is not None
    assert technician.name == "technician"


@pytest.mark.parametrize(
    ("channel", "key"),
    [
        ("{kind: pigeon}", "channels.main"),
        ("{kind: webhook, url: 'http://127.0.0.1/', secret_file: s, colour: red}", "channels.main.webhook.colour"),
        ("{kind: sms, url: 'http://127.0.0.1/?k={key}'}", "names something unknown"),
        ("{kind: sms, url: 'http://127.0.0.1/', body: {a: '{text.__class__}'}}", "names something unknown"),
        ("{kind: email, host: h, sender: a@b, username: u}", "belong together"),
        ("{kind: email, host: h, sender: a@b, username: u, password_file: p, security: none}", "in the clear"),
    ],
)
def test_a_channel_with_a_mistake_names_it(tmp_path: Path, channel: str, key: str) -> None:
    path = tmp_path / "site.yaml"
    path.write_text(f"channels: {{main: {channel}}}")
    with pytest.raises(BadConfiguration, match=key.replace(".", r"\.")):
        load(Site, path)
