"""People, limits and retention on SQLite and PostgreSQL alike; the command line as people meet it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from robot.errors import BadInput
from robot.fleet import audit, handling, retention
from robot.fleet.app import create_app
from robot.fleet.contacts import Retention
from robot.fleet.database import Database, open_database
from robot.fleet.people import Role, Sight, accounts, limits, passwords, readings, sessions
from robot.fleet.people.welcome import welcome
from robot.reporting.contract import BedBody, TelemetryReport
from tests.fleet.conftest import PATIENCE_S, ROOT, together
from tests.unit.fleet.browser import HOST, Browser, form_token, person
from tests.unit.fleet.conftest import ALARM, DEVICE, Home

pytestmark = pytest.mark.fleet

NOW_S = 1_800_000_000.0
DAY_S = 86_400.0
WORDS = ("王芳", "已到家中", "bedroom", "fast_drop", "幸福家园", "61.6")


@pytest.fixture
def database(store_url: str, tmp_path: Path) -> Iterator[Database]:
    database = open_database(tmp_path, store_url)
    yield database
    database.close()


@pytest.fixture
def home(database: Database) -> Home:
    """A home whose one alarm was handled by somebody with a name and words."""
    home = Home(database)
    home.now_s = NOW_S
    handling.label_devices(database, {DEVICE: "幸福家园 201"}, NOW_S)
    home.alarm(room="bedroom", reasons=["fast_drop"])
    bed = BedBody(in_bed=True, fresh=True, heart_rate_bpm=61.6)
    home.send("t/bed", TelemetryReport(id="message-bed", dev=DEVICE, seq=0, ts=NOW_S, body=bed))
    handling.acknowledge(database, ALARM, "王芳", NOW_S)
    handling.maintenance(database, DEVICE, NOW_S + 60, "王芳", "已到家中", NOW_S, "person:1")
    return home


def everything(database: Database) -> str:
    """All rows of all tables."""
    names = {
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'",
        "postgresql": "SELECT tablename FROM pg_tables WHERE schemaname = 'public'",
    }
    with database.read() as session:
        tables = session.scalars(text(names[session.get_bind().dialect.name])).all()
        return str({table: session.execute(text(f'SELECT * FROM "{table}"')).all() for table in tables})


def count(database: Database, table: str) -> int:
    with database.read() as session:
        return int(session.scalar(text(f"SELECT count(*) FROM {table}")) or 0)


def test_an_erased_home_leaves_no_words_and_a_valid_audit_that_says_so(home: Home) -> None:
    database = home.database
    with pytest.raises(BadInput, match="open alarm"):
        retention.erase(database, DEVICE, "李娜", "moved away", NOW_S)
    handling.close(database, ALARM, "王芳", "已到家中，老人无大碍", NOW_S)
    before = everything(database)
    assert all(word in before for word in WORDS)
    retention.erase(database, DEVICE, "李娜", "moved away", NOW_S)
    after = everything(database)
    assert [word for word in WORDS if word in after] == []
    assert "moved away" in after
    assert ALARM in after, "that there was an alarm, and when, stays"
    assert audit.verify(database).erased >= 1
    with pytest.raises(BadInput, match="no device"):
        retention.erase(database, "hani-9999", "李娜", "moved away", NOW_S)


def test_what_is_too_old_goes_and_open_alarms_stay(home: Home) -> None:
    database, rules = home.database, Retention()
    retention.run(database, rules, NOW_S + DAY_S)
    assert (count(database, "alarms"), count(database, "beds"), count(database, "messages")) == (1, 1, 1)
    retention.run(database, rules, NOW_S + 31 * DAY_S)
    assert (count(database, "alarms"), count(database, "beds"), count(database, "bed_history")) == (1, 0, 0)
    retention.run(database, rules, NOW_S + 5000 * DAY_S)
    assert count(database, "alarms") == 1, "nobody has closed it"
    handling.close(database, ALARM, "王芳", "已到家中", NOW_S + 5000 * DAY_S)
    retention.run(database, rules, NOW_S + 5001 * DAY_S)
    assert count(database, "alarms") == 1
    retention.run(database, rules, NOW_S + 5000 * DAY_S + 731 * DAY_S)
    for table in ("alarms", "alarm_log", "commands", "messages"):
        assert count(database, table) == 0, table
    assert audit.verify(database).entries > 5
    assert not retention.run_daily(database, rules, NOW_S + 5731 * DAY_S + 60)
    assert retention.run_daily(database, rules, NOW_S + 5733 * DAY_S)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM alarm_log",
        "UPDATE alarm_log SET detail = 'another'",
        "UPDATE alarm_log SET \"by\" = 'another'",
        "UPDATE alarm_log SET at_s = 0",
        "UPDATE alarm_log SET phase = 'closed'",
        "UPDATE alarm_log SET alarm_id = 'another', detail = NULL",
        "DELETE FROM audit",
    ],
)
def test_the_log_forgets_words_but_takes_no_others(home: Home, statement: str) -> None:
    before = everything(home.database)
    with pytest.raises(DBAPIError, match="append-only"), home.database.write() as session:
        session.execute(text(statement))
    assert everything(home.database) == before


def test_guesses_at_the_same_moment_do_not_slip_through(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[int] = []

    def never(_stored: str | None, _given: str) -> bool:
        checked.append(1)
        return False

    monkeypatch.setattr(passwords, "fits", never)
    guess = partial(sessions.sign_in, database, "nobody", "wrong", "10.0.0.1", NOW_S)
    together(*[guess] * (limits.BY_PAIR.free + 10))
    assert len(checked) == limits.BY_PAIR.free


def test_what_postgresql_cannot_even_be_asked_for_is_refused_as_wrong(home: Home) -> None:
    app = create_app(home.platform, [HOST])
    browser = Browser(app)
    form = {"name": "\0", "password": "\0", "csrf": form_token(browser.get("/login"))}
    assert browser.post("/login", data=form).status_code == 422
    browser = Browser(app, person(home.database, "x", now_s=home.now_s))
    for path in ("/robots/%00", "/api/robots/%00", "/login/%00"):
        assert browser.get(path).status_code in (404, 422)
    for path in ("/alarms/%00/acknowledge", "/robots/%00/test", "/robots/%00/maintenance", "/login/%00"):
        assert browser.post(path).status_code in (404, 422)
    ended = browser.post(f"/robots/{DEVICE}/maintenance", data={"hours": "0", "reason": "\0"})
    assert ended.status_code == 422


def test_a_district_of_a_hundred_thousand_homes_can_be_asked_for(home: Home) -> None:
    """PostgreSQL's protocol takes 65,535 parameters, SQLite 32,766."""
    many = frozenset(f"hani-{number:06}" for number in range(100_000))
    lens = home.platform.lens("zh")
    for sight, seen in (
        (Sight(many | {DEVICE}), [DEVICE]),
        (Sight(many), []),
        (Sight(None, many), [DEVICE]),
        (Sight(None, many | {DEVICE}), []),
        (Sight(many | {DEVICE}, frozenset({DEVICE})), []),
    ):
        assert [view.device for view in home.platform.robots(lens, sight)] == seen
        assert [view.device for view in home.platform.alarms(lens, sight)] == seen
        assert home.platform.standing(sight).offline_for(sight) == []
    home.now_s += 600
    assert home.platform.standing(Sight(many | {DEVICE})).offline_for(Sight(many)) == []
    assert home.platform.standing(Sight(many | {DEVICE})).offline_for(Sight(many | {DEVICE})) == ["幸福家园 201"]


def test_of_two_who_use_a_link_at_once_one_gets_in(database: Database) -> None:
    token = welcome(database, "x", Role.ADMINISTRATOR, NOW_S)
    answers: list[str | None] = []
    together(*[lambda: answers.append(sessions.use_link(database, token, NOW_S).token)] * 8)
    assert len([answer for answer in answers if answer]) == 1
    assert count(database, "sessions") == 1


def test_a_look_is_written_once_in_ten_minutes_also_by_two_processes(database: Database) -> None:
    welcome(database, "x", Role.CAREGIVER, NOW_S, scopes=[DEVICE])
    with database.read() as session:
        person = sessions.person_of(session, accounts.find(session, "x").id)
    assert person is not None
    looks = [(database, person, [DEVICE], "vitals", NOW_S + second) for second in range(8)]
    together(*(partial(readings.note, *look) for look in looks))
    readings.note(database, person, [DEVICE], "vitals", NOW_S + 600 + 8)
    with database.read() as session:
        written = session.scalar(text("SELECT count(*) FROM audit WHERE action = 'health.read'"))
    assert written == 2
    assert audit.verify(database).entries >= 2


def command(data: Path, *words: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    whole = [sys.executable, "-m", "robot.fleet.people", "--data", str(data), *words]
    return subprocess.run(whole, cwd=ROOT, input=typed, capture_output=True, text=True, timeout=PATIENCE_S, check=False)


def test_the_command_makes_people_and_says_what_is_wrong_in_one_line(tmp_path: Path) -> None:
    assert "nobody yet" in command(tmp_path, "list").stdout
    added = command(tmp_path, "add", "Wang.Fang", "--shown", "王芳", "--role", "caregiver", "--see", DEVICE)
    assert (added.returncode, added.stdout) == (0, "wang.fang: done\n")
    assert command(tmp_path, "password", "wang.fang", typed="a long pass phrase\n").returncode == 0
    assert command(tmp_path, "list").stdout == f"wang.fang  (王芳)  caregiver  {DEVICE}  password\n"
    link = command(tmp_path, "login-link", "wang.fang", "--url", "https://care.example/").stdout
    assert link.startswith("https://care.example/login/")
    assert command(tmp_path, "revoke", "wang.fang", "--see", DEVICE).returncode == 0
    assert command(tmp_path, "disable", "wang.fang").returncode == 0
    assert command(tmp_path, "list").stdout == "wang.fang  (王芳)  caregiver  -  password  disabled\n"
    for words, typed, hint in (
        (("password", "wang.fang"), "short\n", "12 to 256"),
        (("add", "wang.fang", "--role", "operator"), "", "already"),
        (("grant", "nobody", "--see", "x"), "", "`list`"),
        (("login-link", "wang.fang"), "", "`enable`"),
    ):
        refused = command(tmp_path, *words, typed=typed)
        assert refused.returncode == 1
        assert hint in refused.stderr
        assert len(refused.stderr.splitlines()) == 1
