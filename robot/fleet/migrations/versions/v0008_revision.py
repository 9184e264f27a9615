"""Which revision of its alarm a command speaks of."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("commands", sa.Column("revision", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column("commands", "revision")
