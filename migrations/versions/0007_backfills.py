"""Back-fills, and whom runs are about"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("run", sa.Column("person", sa.String(), nullable=True))
    op.add_column("run", sa.Column("backfill", sa.String(), nullable=True))
    for name, columns, about in (
        ("run_by_person", ["flow", "person"], sa.text("person IS NOT NULL")),
        ("run_by_backfill", ["backfill", "state"], sa.text("backfill IS NOT NULL")),
    ):
        op.create_index(name, "run", columns, sqlite_where=about, postgresql_where=about)
    op.create_table(
        "handled",
        sa.Column("flow", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("flow", "person"),
    )
    op.create_table(
        "backfill",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("flow", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("passed", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("message", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=True),
        sa.Column("claimed_at", sa.Float(), nullable=False),
        sa.Column("shown_at", sa.Float(), nullable=False),
        sa.Column("made_at", sa.Float(), nullable=False),
        sa.Column("ended_at", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_backfill_flow", "backfill", ["flow"])


def downgrade() -> None:
    op.drop_table("backfill")
    op.drop_table("handled")
    op.drop_index("run_by_backfill", "run")
    op.drop_index("run_by_person", "run")
    op.drop_column("run", "backfill")
    op.drop_column("run", "person")
