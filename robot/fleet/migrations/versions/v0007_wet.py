"""Whether the bed is wet."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("beds", "bed_history"):
        op.add_column(table, sa.Column("wet", sa.Boolean(), nullable=True))


def downgrade() -> None:
    for table in ("bed_history", "beds"):
        op.drop_column(table, "wet")
