"""Refusals from before clauses were asked for say that none was named."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "UPDATE assignment SET reason_clause = 'not named'"
        " WHERE verdict IN ('rejected', 'partly_accepted') AND reason_clause IS NULL"
    )


def downgrade() -> None:
    op.execute("UPDATE assignment SET reason_clause = NULL WHERE reason_clause = 'not named'")
