"""Claims go on where an expert stopped; owners cap shares; leases are seen and extended."""

import sqlalchemy as sa
from alembic import op

revision = "0084"
down_revision = "0083"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "claim_place",
        sa.Column("project_id", sa.Integer, sa.ForeignKey("project.id"), primary_key=True),
        sa.Column("expert_id", sa.Integer, sa.ForeignKey("user_account.id"), primary_key=True),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("task_count", sa.BigInteger, nullable=False),
    )
    for column in ("most_a_day", "most_each"):
        op.add_column("project", sa.Column(column, sa.Integer))
    op.create_check_constraint(
        op.f("ck_project_shares_positive"), "project", "least(most_a_day, most_each) > 0"
    )
    op.add_column(
        "assignment", sa.Column("extended", sa.Integer, nullable=False, server_default="0")
    )
    op.alter_column("assignment", "extended", server_default=None)
    op.add_column("assignment", sa.Column("seen_at", sa.DateTime(timezone=True)))
    op.create_check_constraint(op.f("ck_assignment_extended_counts"), "assignment", "extended >= 0")
    op.create_index(
        "ix_assignment_project_id_expert_id_claimed_at",
        "assignment",
        ["project_id", "expert_id", "claimed_at"],
    )


def downgrade() -> None:
    op.drop_index("ix_assignment_project_id_expert_id_claimed_at", "assignment")
    op.drop_constraint(op.f("ck_assignment_extended_counts"), "assignment", type_="check")
    for column in ("seen_at", "extended"):
        op.drop_column("assignment", column)
    op.drop_constraint(op.f("ck_project_shares_positive"), "project", type_="check")
    for column in ("most_each", "most_a_day"):
        op.drop_column("project", column)
    op.drop_table("claim_place")
