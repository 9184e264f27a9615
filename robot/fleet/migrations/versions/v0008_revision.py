"""Which revision of its alarm a command speaks of, and what is wrong with a robot's parts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("commands", sa.Column("revision", sa.BigInteger(), nullable=True))
    op.add_column("device_states", sa.Column("reasons", sa.JSON(), nullable=False, server_default="{}"))


def downgrade() -> None:
    op.drop_column("device_states", "reasons")
    op.drop_column("commands", "revision")
