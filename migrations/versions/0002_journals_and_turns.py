"""Journals of our own, turns, caps, schedules, datasets, rows to remember, and what did not wake a flow"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "dataset",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("made_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("dataset", schema=None) as batch_op:
        batch_op.create_index("ix_dataset_run_id", ["run_id"], unique=False)

    op.create_table(
        "dataset_item",
        sa.Column("dataset", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("item", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("dataset", "position"),
    )
    op.create_table(
        "journal",
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("took", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "name"),
    )
    op.create_table(
        "miss",
        sa.Column("flow", sa.String(), nullable=False),
        sa.Column("day", sa.String(), nullable=False),
        sa.Column("guard", sa.String(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("flow", "day", "guard"),
    )
    op.create_table(
        "miss_sample",
        sa.Column("flow", sa.String(), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("guard", sa.String(), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.Column("wanted", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("flow", "slot"),
    )
    op.create_table(
        "process",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("beat_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("process", schema=None) as batch_op:
        batch_op.create_index("ix_process_beat_at", ["beat_at"], unique=False)

    op.create_table(
        "remembered_row",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("table_name", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=True),
        sa.Column("cells", sa.JSON(), nullable=False),
        sa.Column("changed_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("table_name", "key"),
    )
    with op.batch_alter_table("remembered_row", schema=None) as batch_op:
        batch_op.create_index("ix_remembered_row_table_name", ["table_name"], unique=False)

    op.create_table(
        "revision",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "row_table",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("columns", sa.JSON(), nullable=False),
        sa.Column("key", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "spent",
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("effect", sa.String(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("allowed", sa.Integer(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "effect"),
    )
    with op.batch_alter_table("spent", schema=None) as batch_op:
        batch_op.create_index("ix_spent_at", ["at"], unique=False)

    op.create_table(
        "tick",
        sa.Column("flow", sa.String(), nullable=False),
        sa.Column("trigger", sa.Integer(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("flow", "trigger"),
    )
    with op.batch_alter_table("decision", schema=None) as batch_op:
        batch_op.drop_column("resumed")

    with op.batch_alter_table("flow", schema=None) as batch_op:
        batch_op.add_column(sa.Column("paused", sa.Boolean(), nullable=False, server_default=sa.false()))

    with op.batch_alter_table("flow_version", schema=None) as batch_op:
        batch_op.add_column(sa.Column("saved_by", sa.String(), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("saved_at", sa.Float(), nullable=False, server_default="0"))

    with op.batch_alter_table("once", schema=None) as batch_op:
        batch_op.create_index("ix_once_until", ["until"], unique=False)

    with op.batch_alter_table("run", schema=None) as batch_op:
        batch_op.add_column(sa.Column("trigger", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("lane", sa.String(), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("owner", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("nudged", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column("wake_at", sa.Float(), nullable=True))
        batch_op.add_column(sa.Column("recoveries", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("path", sa.String(), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("result", sa.JSON(), nullable=False, server_default="{}"))
        batch_op.add_column(sa.Column("parent", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("depth", sa.Integer(), nullable=False, server_default="0"))
        batch_op.drop_index("run_by_state")
        batch_op.create_index("run_by_state", ["state", "wake_at"], unique=False)
        batch_op.create_index("run_by_end", ["ended_at"], unique=False)
        batch_op.create_index("run_by_lane", ["flow", "lane", "state"], unique=False)
        batch_op.create_index("run_by_owner", ["owner"], unique=False)
        batch_op.drop_column("segments")

    # Journals were kept elsewhere before. What was under way begins again: its questions are found, not asked twice.
    op.execute("UPDATE run SET state = 'ready' WHERE state IN ('waking', 'running', 'waiting')")
    op.execute("INSERT INTO revision (id, number) VALUES (1, 0)")
