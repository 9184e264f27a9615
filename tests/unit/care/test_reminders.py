"""Each reminder once a day: not lost to a power cut, not repeated by one, and honest about being late."""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robot.care.reminders import ON_TIME_S, Reminders, ReminderStore, due
from robot.care.residents import DailyReminder
from robot.errors import DeviceFault

pytestmark = pytest.mark.unit

ZONE = timezone(timedelta(hours=8))
MORNING = DailyReminder(at="08:00", purpose="reminder_medicine")
LATE_EVENING = DailyReminder(at="23:59", purpose="tea")


def clock(text: str, day: int = 5) -> float:
    """Unix time of HH:MM[:SS] on a day of January 2026 at home."""
    return datetime.fromisoformat(f"2026-01-{day:02}T{text}").replace(tzinfo=ZONE).timestamp()


class Home:
    """A robot that can lose power: `start` keeps the disk only."""

    def __init__(self, path, *reminders: DailyReminder) -> None:
        self._path, self._reminders = path, reminders or (MORNING,)
        self.start()

    def start(self, *reminders: DailyReminder) -> None:
        self._reminders = reminders or self._reminders
        if hasattr(self, "store"):
            self.store.close()
        self.store = ReminderStore(self._path)
        self.reminders = Reminders(self._reminders, self.store, ZONE)

    def hears(self, at_s: float) -> list[tuple[str, float]]:
        return [(reminder.purpose, reminder.late_s) for reminder in self.reminders.due(at_s)]


@pytest.fixture
def home(tmp_path):
    home = Home(tmp_path / "robot.db")
    assert home.hears(clock("00:00")) == []
    yield home
    home.store.close()


ON_TIME = [("reminder_medicine", 0.0)]


def test_a_reminder_comes_at_its_time_and_once(home):
    assert home.hears(clock("07:59:59")) == []
    assert home.hears(clock("08:00:00")) == ON_TIME
    assert home.hears(clock("08:00:01")) == []
    assert home.hears(clock("08:00", day=6)) == ON_TIME


def test_a_power_loss_repeats_nothing(home):
    home.hears(clock("08:00"))
    home.start()
    assert home.hears(clock("08:01")) == []


def test_a_reminder_missed_in_a_power_loss_is_spoken_late_and_says_so(home):
    home.start()
    assert home.hears(clock("09:30")) == [("reminder_medicine", 5400.0)]
    assert home.hears(clock("09:31")) == []


def test_within_a_minute_is_on_time(home):
    assert home.hears(clock("08:00:59")) == ON_TIME


def test_a_reminder_too_late_is_left_to_the_caregiver(home, caplog):
    assert home.hears(clock("11:00:01")) == []
    assert "missed" in caplog.text
    assert "medicine" not in caplog.text
    home.start()
    assert home.hears(clock("08:00", day=6)) == ON_TIME


def test_midnight_loses_nothing(tmp_path):
    home = Home(tmp_path / "robot.db", LATE_EVENING)
    home.hears(clock("12:00"))
    assert home.hears(clock("00:09", day=6)) == [("tea", 600.0)]
    assert home.hears(clock("23:59", day=6)) == [("tea", 0.0)]
    home.store.close()


def test_what_was_due_before_the_reminder_existed_is_not_late(tmp_path):
    home = Home(tmp_path / "robot.db", MORNING)
    assert home.hears(clock("09:00")) == []
    home.start(MORNING, DailyReminder(at="08:30", purpose="tea"))
    assert home.hears(clock("09:01")) == []
    assert sorted(home.hears(clock("08:30", day=6))) == [("reminder_medicine", 1800.0), ("tea", 0.0)]
    home.store.close()


def test_a_clock_set_back_still_brings_the_reminder(tmp_path):
    """A board without a battery clock, or the simulated home, starts at a wrong time."""
    home = Home(tmp_path / "robot.db", MORNING)
    home.hears(clock("15:00"))
    assert home.hears(clock("07:58")) == []
    assert home.hears(clock("08:00")) == ON_TIME
    assert home.hears(clock("07:59")) == []
    assert home.hears(clock("08:00")) == []
    home.store.close()


def test_a_broken_disk_neither_silences_nor_repeats(home, caplog):
    home.store.close()
    home.reminders._store._connection = sqlite3.connect(":memory:")
    assert home.hears(clock("08:00")) == ON_TIME
    assert home.hears(clock("08:01")) == []
    assert "cannot be marked" in caplog.text


def test_a_disk_that_cannot_be_written_is_a_device_fault(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DeviceFault, match=r"cannot write robot\.db"):
        ReminderStore(tmp_path / "file" / "robot.db")


@given(st.lists(st.integers(0, 3 * 86400), max_size=60).map(sorted))
def test_at_most_once_a_day_and_never_early(moments):
    """Whenever the robot looks, however irregularly."""
    daily, done, start_s = (MORNING, LATE_EVENING), set(), clock("00:00")
    for moment in moments:
        now = datetime.fromtimestamp(start_s + moment, ZONE)
        now_due = due(daily, now, done, {one.id: start_s for one in daily})
        for reminder in (*now_due.spoken, *now_due.missed):
            assert reminder.id not in done
            assert reminder.due_at_s <= now.timestamp()
            assert reminder.late_s == 0 or reminder.late_s > ON_TIME_S
            done.add(reminder.id)
