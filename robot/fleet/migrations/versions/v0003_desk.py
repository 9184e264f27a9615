"""The desk's own tables: cases, notifications, maintenance, lease; and the audit."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _audit()
    _alarms()
    _desk()


def _alarms() -> None:
    op.add_column("alarms", sa.Column("case_id", sa.Text(), nullable=True))
    for name in ("made_here", "maintenance"):
        op.add_column("alarms", sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("alarms", sa.Column("called_severity", sa.Text(), nullable=True))
    op.execute("UPDATE alarms SET case_id = alarm_id, called_severity = severity")
    op.create_index("ix_alarms_case_id", "alarms", ["case_id"], unique=False)


def _desk() -> None:
    op.create_table(
        "leases",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=True),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("beats", sa.Integer(), nullable=False),
        sa.Column("at_s", sa.Float(precision=53), nullable=False),
        sa.Column("listening_since_s", sa.Float(precision=53), nullable=True),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "desk_devices",
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("watched_since_s", sa.Float(precision=53), nullable=False),
        sa.Column("tests", sa.Integer(), nullable=False),
        sa.Column("last_test_at_s", sa.Float(precision=53), nullable=True),
        sa.Column("test_requested_at_s", sa.Float(precision=53), nullable=True),
        sa.Column("test_requested_by", sa.Text(), nullable=True),
        sa.Column("maintenance_until_s", sa.Float(precision=53), nullable=True),
        sa.Column("maintenance_by", sa.Text(), nullable=True),
        sa.Column("maintenance_reason", sa.Text(), nullable=True),
        sa.Column("silence_told_at_s", sa.Float(precision=53), nullable=True),
        sa.Column("test_told_at_s", sa.Float(precision=53), nullable=True),
        sa.Column("breaks_told", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("device"),
    )
    op.create_table(
        "notifications",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("alarm_id", sa.Text(), nullable=False),
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("made_at_s", sa.Float(precision=53), nullable=False),
        sa.Column("expires_at_s", sa.Float(precision=53), nullable=False),
        sa.Column("next_try_at_s", sa.Float(precision=53), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("ended_at_s", sa.Float(precision=53), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_notifications_due", "notifications", ["channel", "status", "next_try_at_s"], unique=False)
    op.create_index("ix_notifications_alarm_id", "notifications", ["alarm_id"], unique=False)
    op.create_index("ix_notifications_case_id", "notifications", ["case_id"], unique=False)
    op.create_table(
        "channel_states",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("failing_since_s", sa.Float(precision=53), nullable=True),
        sa.Column("fault", sa.Text(), nullable=True),
        sa.Column("sent", sa.Integer(), nullable=False),
        sa.Column("last_sent_at_s", sa.Float(precision=53), nullable=True),
        sa.PrimaryKeyConstraint("channel"),
    )


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at_s", sa.Float(precision=53), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("detail_digest", sa.Text(), nullable=True),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_index("ix_audit_subject", "audit", ["subject"], unique=False)
    op.create_table(
        "audit_details",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("salt", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
    )
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_no_{verb.lower()} BEFORE {verb} ON audit "
                "BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'audit is append-only' USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()"
    )


def downgrade() -> None:
    for table in ("channel_states", "notifications", "desk_devices", "leases"):
        op.drop_table(table)
    op.drop_index("ix_alarms_case_id", table_name="alarms")
    for name in ("called_severity", "maintenance", "made_here", "case_id"):
        op.drop_column("alarms", name)
    op.drop_table("audit_details")
    op.drop_index("ix_audit_subject", table_name="audit")
    op.drop_table("audit")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION audit_refuse()")
