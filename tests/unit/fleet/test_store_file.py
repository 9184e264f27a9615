"""The platform's file: what was shipped before opens with its content, and what the models say is what stands there."""

from __future__ import annotations

import sqlite3
from itertools import pairwise
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, select

from robot.fleet import partitions
from robot.fleet.database import MIGRATIONS, open_database
from robot.fleet.tables import Base, Message, SeenMessage

pytestmark = pytest.mark.unit


def test_a_file_of_the_first_version_opens_with_its_content_and_knows_its_messages(tmp_path: Path) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    engine = create_engine(f"sqlite:///{tmp_path / 'platform.db'}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    engine.dispose()
    old = sqlite3.connect(tmp_path / "platform.db")
    old.execute("INSERT INTO messages VALUES ('hani-0001', 'message-0001', 1, 'event', 1.0, 2.0, '{}')")
    old.execute("INSERT INTO device_states VALUES ('hani-0001', 1, 1.0, 3, 'v1', '{}')")
    old.execute("INSERT INTO commands VALUES ('command-1', 'hani-0001', 'alarm-1', 'received', 1.0, NULL, NULL, NULL)")
    old.commit()
    old.close()
    database = open_database(tmp_path)
    with database.read() as session:
        assert session.scalars(select(Message.message_id)).all() == ["message-0001"]
        assert session.scalars(select(SeenMessage.message_id)).all() == ["message-0001"]
        assert session.connection().exec_driver_sql("SELECT due_at_s, times_sent FROM commands").one() == (0, 0)
    database.close()


def test_the_tables_are_what_the_models_say(tmp_path: Path) -> None:
    database = open_database(tmp_path)
    with database.read() as session:
        context = MigrationContext.configure(session.connection(), opts={"compare_type": False})
        assert compare_metadata(context, Base.metadata) == []
    database.close()


def test_parts_follow_each_other_without_a_gap_over_years() -> None:
    for parted in (partitions.MESSAGES, partitions.BEDS):
        for day in range(800):
            now_s = 1.75e9 + day * partitions.DAY_S
            spans = list(parted.spans(now_s))
            assert any(from_s <= now_s < to_s for _, from_s, to_s in spans)
            assert all(one[2] == following[1] for one, following in pairwise(spans))
            assert all(parted.end_s(name) == to_s for name, _, to_s in spans)
        assert parted.end_s(f"{parted.name}_rest") is None
