"""Alembic's entry point: migrates the connection that robot.fleet.database hands over."""

from __future__ import annotations

from alembic import context

from robot.fleet.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
