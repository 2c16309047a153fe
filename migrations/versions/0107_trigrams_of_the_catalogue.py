"""The catalogue finds words by runs of three letters: an index without an extension."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0107"
down_revision = "0106"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "release_summary",
        sa.Column("runs", postgresql.ARRAY(sa.Text), nullable=False, server_default="{}"),
    )
    op.create_index("ix_release_summary_runs", "release_summary", ["runs"], postgresql_using="gin")


def downgrade() -> None:
    op.drop_index("ix_release_summary_runs", "release_summary")
    op.drop_column("release_summary", "runs")
