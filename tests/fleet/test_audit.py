"""The audit: whoever writes at the same time, nothing can be changed, left out or cut off unnoticed; detail can go."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from robot.errors import BadInput
from robot.fleet import audit
from robot.fleet.database import Database, open_database
from tests.fleet.conftest import together

pytestmark = pytest.mark.fleet


@pytest.fixture
def database(tmp_path: Path, store_url: str) -> Iterator[Database]:
    opened = open_database(tmp_path, store_url)
    yield opened
    opened.close()


def note(database: Database, subject: str = "alarm:1", **detail: str) -> None:
    with database.write() as session:
        audit.append(session, at_s=1000.1, actor="王芳", action="alarm.closed", subject=subject, detail=detail)


def without_triggers(database: Database, statement: str) -> None:
    """What somebody with full rights over the database could do."""
    with database.write() as session:
        if session.get_bind().dialect.name == "sqlite":
            for verb in ("update", "delete"):
                session.execute(text(f"DROP TRIGGER IF EXISTS audit_no_{verb}"))
        else:
            session.execute(text("ALTER TABLE audit DISABLE TRIGGER ALL"))
        session.execute(text(statement))


def test_writers_at_the_same_time_make_one_chain_without_gaps(database: Database) -> None:
    def write(writer: int) -> None:
        for number in range(15):
            note(database, f"alarm:{writer}-{number}", reason="x")

    together(*(partial(write, number) for number in range(4)))
    assert audit.verify(database).entries == 60


def test_erasing_detail_leaves_the_chain_valid_and_says_so(database: Database) -> None:
    note(database, "alarm:1", reason="奶奶没事")
    note(database, "alarm:2", reason="误报")
    note(database, "alarm:2")
    with database.write() as session:
        assert audit.erase(session, ["alarm:1"], at_s=1001, actor="retention") == 1
    found = audit.verify(database)
    assert (found.entries, found.erased) == (4, 1)
    with database.read() as session:
        left = session.execute(text("SELECT detail FROM audit_details")).scalars().all()
    assert not any("奶奶" in detail for detail in left)


def test_two_equal_details_have_different_digests(database: Database) -> None:
    """Without a salt whoever guesses a detail could still find out after its erasure that it stood there."""
    note(database, reason="误报")
    note(database, reason="误报")
    with database.read() as session:
        digests = session.execute(text("SELECT detail_digest FROM audit")).scalars().all()
    assert len(set(digests)) == 2


@pytest.mark.parametrize(
    "statement", ["UPDATE audit SET actor = 'x'", "DELETE FROM audit", "UPDATE audit SET seq = seq + 1 WHERE seq = 2"]
)
def test_the_database_refuses_to_change_the_chain(database: Database, statement: str) -> None:
    note(database)
    note(database)
    with pytest.raises(DBAPIError, match="append-only"), database.write() as session:
        session.execute(text(statement))
    assert audit.verify(database).entries == 2


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE audit SET actor = 'x' WHERE seq = 2", "broken at entry 2"),
        ("UPDATE audit SET at_s = at_s + 1 WHERE seq = 1", "broken at entry 1"),
        ("DELETE FROM audit WHERE seq = 2", "entry 2 is missing"),
        ("DELETE FROM audit WHERE seq = 1", "entry 1 is missing"),
        ("UPDATE audit_details SET detail = '{}' WHERE seq = 3", "detail was changed"),
        ("UPDATE audit SET detail_digest = NULL WHERE seq = 3", "broken at entry 3"),
    ],
)
def test_whatever_is_changed_in_spite_of_that_is_found(database: Database, statement: str, told: str) -> None:
    for number in range(4):
        note(database, reason=str(number))
    without_triggers(database, statement)
    with pytest.raises(BadInput, match=told):
        audit.verify(database)


def test_a_cut_off_end_is_found_by_a_head_noted_elsewhere(database: Database) -> None:
    note(database)
    noted_early = audit.verify(database).head
    note(database)
    noted = audit.verify(database).head
    without_triggers(database, "DELETE FROM audit WHERE seq = 2")
    assert audit.verify(database).entries == 1
    assert audit.verify(database, noted_early).entries == 1
    with pytest.raises(BadInput, match="cut off"):
        audit.verify(database, noted)


def test_what_was_rolled_back_leaves_no_entry_and_no_gap(database: Database) -> None:
    with suppress(KeyError), database.write() as session:
        audit.append(session, at_s=1, actor="a", action="b", subject="c")
        raise KeyError
    with database.write() as session:
        audit.append(session, at_s=1, actor="a", action="kept", subject="c")
        with suppress(KeyError), session.begin_nested():
            audit.append(session, at_s=1, actor="a", action="undone", subject="c")
            raise KeyError
        with session.begin_nested():
            audit.append(session, at_s=1, actor="a", action="kept too", subject="c")
    assert audit.verify(database).entries == 2
    with database.read() as session:
        assert session.execute(text("SELECT action FROM audit ORDER BY seq")).scalars().all() == ["kept", "kept too"]


def test_the_command_prints_one_line_and_says_by_its_code_whether_it_holds(
    database: Database, store_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    note(database, reason="x")
    command = ["verify", "--data", str(tmp_path), "--database-url", store_url]
    assert audit.main(command) == 0
    assert capsys.readouterr().out.startswith("audit: 1 entries, 0 erased, valid; head ")
    without_triggers(database, "UPDATE audit SET action = 'x'")
    assert audit.main(command) == 1
    assert capsys.readouterr().err.startswith("audit: broken at entry 1")
    assert audit.main(["verify", "--data", str(tmp_path / "nothing")]) == 1
