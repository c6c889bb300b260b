"""What is remembered of events, and the network addresses that are not trusted"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "memory",
        sa.Column("connection", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.Column("touched", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("connection", "key"),
    )
    op.create_index("memory_by_age", "memory", ["connection", "touched"])
    op.create_table(
        "denied_address",
        sa.Column("connection", sa.String(), nullable=False),
        sa.Column("network", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("until", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("connection", "network"),
    )
    op.create_index("ix_denied_address_until", "denied_address", ["until"])


def downgrade() -> None:
    op.drop_table("denied_address")
    op.drop_table("memory")
