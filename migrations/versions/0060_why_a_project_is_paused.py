"""What a project is paused for when nobody paused it: its budget."""

import sqlalchemy as sa
from alembic import op

revision = "0060"
down_revision = "0059"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("project", sa.Column("paused_for", sa.Text))
    op.create_check_constraint(
        op.f("ck_project_paused_for_known"), "project", "paused_for IN ('budget')"
    )
    op.create_check_constraint(
        op.f("ck_project_paused_for_while_paused"),
        "project",
        "paused_for IS NULL OR state = 'paused'",
    )


def downgrade() -> None:
    op.drop_column("project", "paused_for")
