"""A refusal has a place for the clause of the guidelines."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("assignment", sa.Column("reason_clause", sa.Text))
    op.add_column("review_request", sa.Column("first_reason_clause", sa.Text))


def downgrade() -> None:
    op.drop_column("review_request", "first_reason_clause")
    op.drop_column("assignment", "reason_clause")
