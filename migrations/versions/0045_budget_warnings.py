"""Which warning of a budget that runs out its owner has had since the last payment."""

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("project_budget", sa.Column("warned_days", sa.Integer))


def downgrade() -> None:
    op.drop_column("project_budget", "warned_days")
