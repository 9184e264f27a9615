"""People, sessions, grants, limits; and an alarm log that can forget words, and what belongs to no alarm any more."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

SECONDS = sa.Float(precision=53)
WORDS = ("by", "detail")
HAS_ALARM = "EXISTS (SELECT 1 FROM alarms WHERE alarms.alarm_id = OLD.alarm_id)"


def upgrade() -> None:
    op.create_table(
        "people",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("name", sa.Text(), nullable=False, unique=True),
        sa.Column("shown", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("password", sa.Text(), nullable=True),
        sa.Column("made_at_s", SECONDS, nullable=False),
        sa.Column("disabled_at_s", SECONDS, nullable=True),
    )
    op.create_table(
        "grants",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("person_id", sa.Text(), sa.ForeignKey("people.id"), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("given_at_s", SECONDS, nullable=False),
        sa.Column("given_by", sa.Text(), nullable=False),
        sa.Column("ended_at_s", SECONDS, nullable=True),
    )
    op.create_table(
        "sessions",
        sa.Column("digest", sa.Text(), primary_key=True),
        sa.Column("person_id", sa.Text(), sa.ForeignKey("people.id"), nullable=False),
        sa.Column("how", sa.Text(), nullable=False),
        sa.Column("began_at_s", SECONDS, nullable=False),
        sa.Column("seen_at_s", SECONDS, nullable=False),
    )
    op.create_table(
        "login_links",
        sa.Column("digest", sa.Text(), primary_key=True),
        sa.Column("person_id", sa.Text(), sa.ForeignKey("people.id"), nullable=False),
        sa.Column("ends_at_s", SECONDS, nullable=False),
        sa.Column("used_at_s", SECONDS, nullable=True),
    )
    op.create_table(
        "known_browsers",
        sa.Column("digest", sa.Text(), primary_key=True),
        sa.Column("person_id", sa.Text(), sa.ForeignKey("people.id"), primary_key=True),
        sa.Column("seen_at_s", SECONDS, nullable=False),
    )
    op.create_table(
        "limits",
        sa.Column("key", sa.Text(), primary_key=True),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("since_at_s", SECONDS, nullable=False),
        sa.Column("until_at_s", SECONDS, nullable=False),
    )
    op.create_table(
        "readings",
        sa.Column("person_id", sa.Text(), primary_key=True),
        sa.Column("device", sa.Text(), primary_key=True),
        sa.Column("what", sa.Text(), primary_key=True),
        sa.Column("at_s", SECONDS, nullable=False),
    )
    for table, column in INDEXES:
        op.create_index(f"ix_{table}_{column}", table, [column])
    _log_can_forget()


def _log_can_forget() -> None:
    """Words and names may become NULL, nothing else may change; a row may go once its alarm has gone."""
    kept = ("id", "alarm_id", "at_s", "what", "phase", "revision")
    refusal = "alarm_log is append-only"
    if op.get_bind().dialect.name == "sqlite":
        changes = " OR ".join(f"NEW.{column} IS NOT OLD.{column}" for column in kept)
        invents = " OR ".join(f'(NEW."{word}" IS NOT NULL AND NEW."{word}" IS NOT OLD."{word}")' for word in WORDS)
        op.execute("DROP TRIGGER alarm_log_no_update")
        op.execute("DROP TRIGGER alarm_log_no_delete")
        op.execute(
            f"CREATE TRIGGER alarm_log_no_update BEFORE UPDATE ON alarm_log WHEN {changes} OR {invents} "
            f"BEGIN SELECT RAISE(ABORT, '{refusal}'); END"
        )
        op.execute(
            "CREATE TRIGGER alarm_log_no_delete BEFORE DELETE ON alarm_log "
            f"WHEN {HAS_ALARM} "
            f"BEGIN SELECT RAISE(ABORT, '{refusal}'); END"
        )
        return
    changes = " OR ".join(f"NEW.{column} IS DISTINCT FROM OLD.{column}" for column in kept)
    invents = " OR ".join(
        f'(NEW."{word}" IS NOT NULL AND NEW."{word}" IS DISTINCT FROM OLD."{word}")' for word in WORDS
    )
    refuse = f"RAISE EXCEPTION '{refusal}' USING ERRCODE = 'integrity_constraint_violation'"
    op.execute("DROP TRIGGER alarm_log_append_only ON alarm_log")
    op.execute(
        "CREATE FUNCTION alarm_log_guard() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF TG_OP = 'UPDATE' THEN IF {changes} OR {invents} THEN {refuse}; END IF; RETURN NEW; END IF; "
        f"IF {HAS_ALARM} "
        f"THEN {refuse}; END IF; RETURN OLD; END $$"
    )
    op.execute(
        "CREATE TRIGGER alarm_log_append_only BEFORE UPDATE OR DELETE ON alarm_log "
        "FOR EACH ROW EXECUTE FUNCTION alarm_log_guard()"
    )
    op.execute(
        "CREATE TRIGGER alarm_log_no_truncate BEFORE TRUNCATE ON alarm_log "
        "FOR EACH STATEMENT EXECUTE FUNCTION alarm_log_refuse()"
    )


def downgrade() -> None:
    """Without a person there are no grants; the alarm log is guarded as strictly as before."""
    refusal = "alarm_log is append-only"
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("update", "delete"):
            op.execute(f"DROP TRIGGER alarm_log_no_{verb}")
            op.execute(
                f"CREATE TRIGGER alarm_log_no_{verb} BEFORE {verb.upper()} ON alarm_log "
                f"BEGIN SELECT RAISE(ABORT, '{refusal}'); END"
            )
    else:
        op.execute("DROP TRIGGER alarm_log_no_truncate ON alarm_log")
        op.execute("DROP TRIGGER alarm_log_append_only ON alarm_log")
        op.execute("DROP FUNCTION alarm_log_guard()")
        op.execute(
            "CREATE TRIGGER alarm_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON alarm_log "
            "FOR EACH STATEMENT EXECUTE FUNCTION alarm_log_refuse()"
        )
    op.drop_index("ix_alarms_changed_at_s", table_name="alarms")
    op.drop_index("ix_commands_alarm_id", table_name="commands")
    for table in ("readings", "limits", "known_browsers", "login_links", "sessions", "grants", "people"):
        op.drop_table(table)


INDEXES = (
    ("grants", "person_id"),
    ("sessions", "person_id"),
    ("sessions", "seen_at_s"),
    ("login_links", "person_id"),
    ("login_links", "ends_at_s"),
    ("known_browsers", "person_id"),
    ("known_browsers", "seen_at_s"),
    ("limits", "since_at_s"),
    ("readings", "at_s"),
    ("commands", "alarm_id"),  # every row of the page asks for them
    ("alarms", "changed_at_s"),  # the newest ended ones among those of two years
)
