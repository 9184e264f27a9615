"""Alembic's entry point: migrates the connection that robot.fleet.database hands over."""

from __future__ import annotations

from alembic import context

from robot.fleet import audit, desk_tables  # noqa: F401 - their tables
from robot.fleet.government import tables as government_tables  # noqa: F401 - the same
from robot.fleet.identity import tables as identity_tables  # noqa: F401 - its tables
from robot.fleet.people import tables as people_tables  # noqa: F401 - its tables
from robot.fleet.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
