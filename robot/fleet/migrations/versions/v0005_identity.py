"""Identities of robots: claims, certificates, revocations."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "identity_claims",
        sa.Column("code_hash", sa.Text(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("made_at_s", sa.Float(precision=53), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("expires_at_s", sa.Float(precision=53), nullable=False),
        sa.Column("replaces", sa.Boolean(), nullable=False),
        sa.Column("used_at_s", sa.Float(precision=53), nullable=True),
        sa.Column("key_hash", sa.Text(), nullable=True),
        sa.Column("serial", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("code_hash"),
    )
    op.create_index("ix_identity_claims_device", "identity_claims", ["device"], unique=False)
    op.create_table(
        "identity_certificates",
        sa.Column("serial", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("key_hash", sa.Text(), nullable=False),
        sa.Column("pem", sa.Text(), nullable=False),
        sa.Column("issued_at_s", sa.Float(precision=53), nullable=False),
        sa.Column("not_after_s", sa.Float(precision=53), nullable=False),
        sa.Column("proven_at_s", sa.Float(precision=53), nullable=True),
        sa.Column("renew_asked_at_s", sa.Float(precision=53), nullable=True),
        sa.Column("revoked_at_s", sa.Float(precision=53), nullable=True),
        sa.Column("revoked_because", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("serial"),
    )
    op.create_index("ix_identity_certificates_name", "identity_certificates", ["name"], unique=False)
    op.create_index("ix_identity_certificates_key_hash", "identity_certificates", ["key_hash"], unique=False)
    op.create_index("ix_identity_certificates_kind", "identity_certificates", ["kind"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_identity_certificates_kind", table_name="identity_certificates")
    op.drop_index("ix_identity_certificates_key_hash", table_name="identity_certificates")
    op.drop_index("ix_identity_certificates_name", table_name="identity_certificates")
    op.drop_table("identity_certificates")
    op.drop_index("ix_identity_claims_device", table_name="identity_claims")
    op.drop_table("identity_claims")
