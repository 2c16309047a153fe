"""The index of decisions holds only the answers that have one.

Each claim and each hand-in wrote a line of nothing into it.
"""

from alembic import op

revision = "0113"
down_revision = "0112"
branch_labels = None
depends_on = None

NAME = "uq_assignment_decision_id"


def upgrade() -> None:
    op.drop_constraint(NAME, "assignment")
    op.create_index(
        NAME,
        "assignment",
        ["decision_id"],
        unique=True,
        postgresql_where="decision_id IS NOT NULL",
    )


def downgrade() -> None:
    op.drop_index(NAME, "assignment")
    op.create_unique_constraint(NAME, "assignment", ["decision_id"])
