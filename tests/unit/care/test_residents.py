"""A resident's file is read as meant or refused with its key: a misread night hour would leave a night unwatched."""

from __future__ import annotations

import time
from datetime import time as time_of_day
from pathlib import Path

import pytest

from robot.care.residents import DailyReminder, Night, Resident, load_resident
from robot.errors import BadConfiguration
from robot.messages import Language, OwnName

pytestmark = pytest.mark.unit

EXAMPLE = Path(__file__).parents[3] / "config" / "resident.example.yaml"


def at(clock: str) -> time.struct_time:
    return time.strptime(f"2026-01-05 {clock}", "%Y-%m-%d %H:%M")


def load(folder: Path, text: str) -> Resident:
    (folder / "home.yaml").write_text(text, encoding="utf-8")
    return load_resident(folder / "home.yaml")


def test_the_example_is_valid_and_is_what_no_file_means():
    resident = load_resident("")
    assert resident == load_resident(str(EXAMPLE))
    assert resident.languages == (Language.ZH, Language.MN)
    times = [reminder.id for reminder in resident.reminders]
    assert times == ["morning_greeting@07:30", "reminder_medicine@08:00", "reminder_medicine@18:30"]
    assert resident.rooms["kitchen"].mn == "гал тогоо"


def test_names_are_read_for_the_grammar_and_the_example_holds_none(tmp_path):
    """A fresh robot must not listen for the names of an example."""
    assert load_resident("").own_names() == ()
    given = load(
        tmp_path,
        "names:\n  person: [{zh: 萨仁, mn: Саран}, {zh: 王大夫, mn: Ван эмч}]\n"
        "  place: [{zh: 白音锡勒, mn: Баян шил, mn_ipa: bæjə̌n ʃil}]\n",
    )
    assert given.own_names() == (
        OwnName("person", "萨仁", "Саран"),
        OwnName("person", "王大夫", "Ван эмч"),
        OwnName("place", "白音锡勒", "Баян шил", mn_ipa="bæjə̌n ʃil"),
    )


def test_an_empty_file_is_the_defaults(tmp_path):
    assert load(tmp_path, "# nothing yet\n") == Resident()


@pytest.mark.parametrize("written", ['"21:05"', "21:05", "'21:05'"])
def test_a_time_is_the_same_quoted_or_not(tmp_path, written):
    """YAML 1.1 reads an unquoted 21:05 as a number in base 60."""
    assert load(tmp_path, f"night: {{begins: {written}}}").night.begins == time_of_day(21, 5)


@pytest.mark.parametrize("written", ["08:00", "8:00", '"08:00"'])
def test_a_morning_time_is_the_same_with_and_without_its_zero(tmp_path, written):
    assert load(tmp_path, f"reminders: [{{at: {written}, purpose: tea}}]").reminders[0].at == time_of_day(8, 0)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("nights: {}", "nights: unknown key"),
        ("night: {start: '21:00'}", "night.start: unknown key"),
        ("night: {begins: '25:00'}", "night.begins"),
        ("night: {begins: '9'}", "night.begins"),
        ("night: {begins: true}", "night.begins"),
        ("night: {begins: 1e3}", "night.begins"),
        ("night: {begins: '21:00', ends: '21:00'}", "night: begins and ends must differ"),
        ("languages: []", "languages"),
        ("languages: [zh, en]", "languages.1"),
        ("languages: [zh, zh]", "a language stands twice"),
        ("people: 0", "people"),
        ("reminders: [{at: '08:00', purpos: tea}]", "reminders.0.purpos"),
        ("reminders: [{at: '08:00', purpose: 'Drink tea!'}]", "reminders.0.purpose"),
        ("reminders: [{at: '08:00', purpose: tea}, {at: '8:00', purpose: tea}]", "a reminder stands twice"),
        ("rooms: {kitchen: {zh: 厨房}}", "rooms.kitchen.mn"),
        ("names: {family: []}", "names.family: unknown key"),
        ("names: {person: [{zh: 萨仁}]}", "names.person.0.mn"),
        ("names: {person: [{zh: Saran, mn: Саран}]}", "names.person.0.zh"),
        ("names: {place: [{zh: 白音锡勒, mn: Баян шил}, {zh: 旗里, mn: 旗}]}", "names.place.1.mn"),
        ("names: {person: [{zh: 萨仁, mn: '{time}'}]}", "names.person.0.mn"),
        ("names: {person: [{zh: 萨仁, mn: Саран, mn_ipa: ''}]}", "names.person.0.mn_ipa"),
        ("people: 1\npeople: 2", "not valid YAML in line 2"),
        ("night: [", "not valid YAML in line"),
        ("? [a]\n: 1", "not valid YAML in line 1"),
        ("- languages", "the file"),
        ("[" * 5000, "not"),
    ],
    ids=range(26),
)
def test_what_is_not_understood_is_refused_with_key_and_file(tmp_path, text, key):
    with pytest.raises(BadConfiguration) as caught:
        load(tmp_path, text)
    message = str(caught.value)
    assert key in message
    assert "home.yaml" in message


def test_errors_repeat_no_value(tmp_path):
    with pytest.raises(BadConfiguration) as caught:
        load(tmp_path, "languages: [secret]\n")
    assert "secret" not in str(caught.value)


def test_a_missing_or_binary_file_is_one_clear_line(tmp_path):
    with pytest.raises(BadConfiguration, match=r"gone\.yaml: cannot be read"):
        load_resident(tmp_path / "gone.yaml")
    (tmp_path / "home.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadConfiguration, match=r"home\.yaml"):
        load_resident(tmp_path / "home.yaml")


@pytest.mark.parametrize(
    ("night", "inside", "outside"),
    [
        (Night(begins="21:30", ends="06:00"), ["21:30", "23:59", "00:00", "05:59"], ["06:00", "12:00", "21:29"]),
        (Night(begins="01:00", ends="05:00"), ["01:00", "04:59"], ["00:59", "05:00", "23:00"]),
    ],
    ids=str,
)
def test_the_night_may_cross_midnight(night, inside, outside):
    resident = Resident(night=night)
    assert all(resident.is_night(at(clock)) for clock in inside)
    assert not any(resident.is_night(at(clock)) for clock in outside)


def test_a_moved_reminder_is_another_reminder():
    morning, noon = (DailyReminder(at=clock, purpose="tea") for clock in ("08:00", "12:00"))
    assert morning.id != noon.id
