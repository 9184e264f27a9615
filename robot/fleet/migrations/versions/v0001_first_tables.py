"""The first tables; SQLite's triggers that keep the alarm log append-only; `messages` in parts on PostgreSQL."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    large = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    on_postgres = op.get_bind().dialect.name == "postgresql"
    op.create_table(
        "alarm_log",
        sa.Column("id", large, autoincrement=True, nullable=False),
        sa.Column("alarm_id", sa.Text(), nullable=False),
        sa.Column("at_s", sa.Float(precision=53), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_alarm_log_alarm_id", "alarm_log", ["alarm_id"], unique=False)
    op.create_table(
        "alarms",
        sa.Column("alarm_id", sa.Text(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("confidence", sa.Float(precision=53), nullable=True),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("room", sa.Text(), nullable=True),
        sa.Column("how", sa.Text(), nullable=True),
        sa.Column("test", sa.Boolean(), nullable=False),
        sa.Column("onset_at_s", sa.Float(precision=53), nullable=False),
        sa.Column("received_at_s", sa.Float(precision=53), nullable=False),
        sa.Column("changed_at_s", sa.Float(precision=53), nullable=False),
        sa.Column("raised_at_s", sa.Float(precision=53), nullable=True),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("acknowledged_by", sa.Text(), nullable=True),
        sa.Column("acknowledged_at_s", sa.Float(precision=53), nullable=True),
        sa.Column("reopened_at_s", sa.Float(precision=53), nullable=True),
        sa.Column("closed_by", sa.Text(), nullable=True),
        sa.Column("closed_at_s", sa.Float(precision=53), nullable=True),
        sa.Column("close_reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("alarm_id"),
    )
    op.create_index("ix_alarms_device", "alarms", ["device"], unique=False)
    op.create_index("ix_alarms_phase", "alarms", ["phase"], unique=False)
    op.create_table(
        "beds",
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("measured_at_s", sa.Float(precision=53), nullable=False),
        sa.Column("received_at_s", sa.Float(precision=53), nullable=False),
        sa.Column("in_bed", sa.Boolean(), nullable=True),
        sa.Column("fresh", sa.Boolean(), nullable=False),
        sa.Column("heart_rate_bpm", sa.Float(precision=53), nullable=True),
        sa.Column("breath_rate_bpm", sa.Float(precision=53), nullable=True),
        sa.PrimaryKeyConstraint("device"),
    )
    op.create_table(
        "changes",
        sa.Column("id", large, autoincrement=True, nullable=False),
        sa.Column("at_s", sa.Float(precision=53), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("alarm_id", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "commands",
        sa.Column("command_id", sa.Text(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("alarm_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("made_at_s", sa.Float(precision=53), nullable=False),
        sa.Column("by", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("confirmed_at_s", sa.Float(precision=53), nullable=True),
        sa.PrimaryKeyConstraint("command_id"),
    )
    op.create_index("ix_commands_confirmed_at_s", "commands", ["confirmed_at_s"], unique=False)
    op.create_table(
        "device_states",
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("online", sa.Boolean(), nullable=False),
        sa.Column("reported_at_s", sa.Float(precision=53), nullable=False),
        sa.Column("outbox", large, nullable=False),
        sa.Column("software", sa.Text(), nullable=False),
        sa.Column("nodes", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("device"),
    )
    op.create_table(
        "devices",
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=True),
        sa.Column("last_seen_at_s", sa.Float(precision=53), nullable=True),
        sa.PrimaryKeyConstraint("device"),
    )
    op.create_table(
        "messages",
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("sent_at_s", sa.Float(precision=53), nullable=False),
        sa.Column("received_at_s", sa.Float(precision=53), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        # PostgreSQL wants the column of the partition in the key; what makes a message single is v0002's message_ids
        sa.PrimaryKeyConstraint("device", "message_id", *(["received_at_s"] if on_postgres else [])),
        postgresql_partition_by="RANGE (received_at_s)",  # nothing on SQLite
    )
    if on_postgres:
        op.execute("CREATE TABLE messages_rest PARTITION OF messages DEFAULT")
    op.create_table(
        "refusals",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("count", large, nullable=False),
        sa.Column("last_at_s", sa.Float(precision=53), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_index("ix_refusals_last_at_s", "refusals", ["last_at_s"], unique=False)
    op.create_table(
        "workers",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("beat_at_s", sa.Float(precision=53), nullable=False),
        sa.Column("linked", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    if not on_postgres:
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER alarm_log_no_{verb.lower()} BEFORE {verb} ON alarm_log "
                "BEGIN SELECT RAISE(ABORT, 'alarm_log is append-only'); END"
            )


def downgrade() -> None:
    op.drop_table("workers")
    op.drop_index("ix_refusals_last_at_s", table_name="refusals")
    op.drop_table("refusals")
    op.drop_table("messages")
    op.drop_table("devices")
    op.drop_table("device_states")
    op.drop_index("ix_commands_confirmed_at_s", table_name="commands")
    op.drop_table("commands")
    op.drop_table("changes")
    op.drop_table("beds")
    op.drop_index("ix_alarms_phase", table_name="alarms")
    op.drop_index("ix_alarms_device", table_name="alarms")
    op.drop_table("alarms")
    op.drop_index("ix_alarm_log_alarm_id", table_name="alarm_log")
    op.drop_table("alarm_log")
