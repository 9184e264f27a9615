"""What several workers and PostgreSQL need, the robots' chain, and a history of the beds."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _ids_and_chains()
    _beds()
    _columns()
    if op.get_bind().dialect.name == "postgresql":
        _append_only()
        for table in ("devices", "device_states", "beds", "chains"):  # rows that change all the time, in their page
            op.execute(f"ALTER TABLE {table} SET (fillfactor = 70)")


def _ids_and_chains() -> None:
    op.create_table(
        "message_ids",
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("received_at_s", sa.Float(precision=53), nullable=False),
        sa.PrimaryKeyConstraint("device", "message_id"),
    )
    op.create_index("ix_message_ids_received_at_s", "message_ids", ["received_at_s"], unique=False)
    op.execute("INSERT INTO message_ids SELECT device, message_id, received_at_s FROM messages")
    op.create_index("ix_messages_received_at_s", "messages", ["received_at_s"], postgresql_using="brin")
    op.create_table(
        "chains",
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("sent_at_s", sa.Float(precision=53), nullable=False),
        sa.Column("missing", sa.BigInteger(), nullable=False),
        sa.Column("broken", sa.BigInteger(), nullable=False),
        sa.Column("restarts", sa.BigInteger(), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("changed_at_s", sa.Float(precision=53), nullable=False),
        sa.PrimaryKeyConstraint("device"),
    )


def _beds() -> None:
    on_postgres = op.get_bind().dialect.name == "postgresql"
    op.create_table(
        "bed_history",
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("measured_at_s", sa.Float(precision=53), nullable=False),
        sa.Column("received_at_s", sa.Float(precision=53), nullable=False),
        sa.Column("in_bed", sa.Boolean(), nullable=True),
        sa.Column("fresh", sa.Boolean(), nullable=False),
        sa.Column("heart_rate_bpm", sa.Float(precision=53), nullable=True),
        sa.Column("breath_rate_bpm", sa.Float(precision=53), nullable=True),
        sa.PrimaryKeyConstraint("device", "measured_at_s"),
        postgresql_partition_by="RANGE (measured_at_s)",  # nothing on SQLite
    )
    if on_postgres:
        op.execute("CREATE TABLE bed_history_rest PARTITION OF bed_history DEFAULT")
    # rows lie in the order of their arrival, so a summary of pages is enough for finding old ones
    op.create_index("ix_bed_history_received_at_s", "bed_history", ["received_at_s"], postgresql_using="brin")


def _columns() -> None:
    for table, column in (
        ("messages", sa.Column("prev", sa.Text(), nullable=True)),
        ("messages", sa.Column("digest", sa.Text(), nullable=True)),
        ("device_states", sa.Column("received_at_s", sa.Float(precision=53), nullable=False, server_default="0")),
        ("device_states", sa.Column("thinned", sa.BigInteger(), nullable=True)),
        ("device_states", sa.Column("test_ok_at_s", sa.Float(precision=53), nullable=True)),
        ("commands", sa.Column("due_at_s", sa.Float(precision=53), nullable=False, server_default="0")),
        ("commands", sa.Column("times_sent", sa.Integer(), nullable=False, server_default="0")),
    ):
        op.add_column(table, column)
    unconfirmed = sa.text("confirmed_at_s IS NULL")
    op.create_index("ix_commands_due", "commands", ["due_at_s"], sqlite_where=unconfirmed, postgresql_where=unconfirmed)


def _append_only() -> None:
    op.execute(
        "CREATE FUNCTION alarm_log_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'alarm_log is append-only' USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
    op.execute(
        "CREATE TRIGGER alarm_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON alarm_log "
        "FOR EACH STATEMENT EXECUTE FUNCTION alarm_log_refuse()"
    )


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER alarm_log_append_only ON alarm_log")
        op.execute("DROP FUNCTION alarm_log_refuse()")
    op.drop_index("ix_commands_due", table_name="commands")
    op.drop_index("ix_messages_received_at_s", table_name="messages")
    for table, column in (
        ("commands", "times_sent"),
        ("commands", "due_at_s"),
        ("device_states", "test_ok_at_s"),
        ("device_states", "thinned"),
        ("device_states", "received_at_s"),
        ("messages", "digest"),
        ("messages", "prev"),
    ):
        op.drop_column(table, column)
    for table in ("bed_history", "chains", "message_ids"):
        op.drop_table(table)
