"""The way to the government platform: its outbox, and the triggers that note each line of the alarm log for it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

POSITION = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "government_pending",
        sa.Column("log_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("log_id"),
    )
    op.create_table(
        "government_outbox",
        sa.Column("position", POSITION, autoincrement=True, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("log_id", sa.BigInteger(), nullable=False),
        sa.Column("telling", sa.Integer(), nullable=False),
        sa.Column("alarm_id", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("queued_at_s", sa.Float(precision=53), nullable=False),
        sa.Column("due_at_s", sa.Float(precision=53), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("failing_since_s", sa.Float(precision=53), nullable=True),
        sa.Column("settled_at_s", sa.Float(precision=53), nullable=True),
        sa.Column("digest", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("position"),
        sa.UniqueConstraint("key"),
        sa.UniqueConstraint("log_id", "event", "telling"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_government_outbox_alarm", "government_outbox", ["alarm_id", "position"])
    op.create_index("ix_government_outbox_next", "government_outbox", ["state", "attempts", "position"])
    op.create_index("ix_government_outbox_settled", "government_outbox", ["state", "settled_at_s"])
    note = "INSERT INTO government_pending (log_id) VALUES (NEW.id)"
    if op.get_bind().dialect.name == "sqlite":
        op.execute(f"CREATE TRIGGER alarm_log_to_government AFTER INSERT ON alarm_log BEGIN {note}; END")
    else:
        op.execute(
            "CREATE FUNCTION note_for_government() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN {note}; RETURN NULL; END $$"
        )
        op.execute(
            "CREATE TRIGGER alarm_log_to_government AFTER INSERT ON alarm_log "
            "FOR EACH ROW EXECUTE FUNCTION note_for_government()"
        )


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER alarm_log_to_government")
    else:
        op.execute("DROP TRIGGER alarm_log_to_government ON alarm_log")
        op.execute("DROP FUNCTION note_for_government()")
    op.drop_index("ix_government_outbox_settled", table_name="government_outbox")
    op.drop_index("ix_government_outbox_next", table_name="government_outbox")
    op.drop_index("ix_government_outbox_alarm", table_name="government_outbox")
    op.drop_table("government_outbox")
    op.drop_table("government_pending")
