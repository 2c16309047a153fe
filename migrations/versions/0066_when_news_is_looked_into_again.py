"""When a message of the rail is looked into again."""

import sqlalchemy as sa
from alembic import op

revision = "0066"
down_revision = "0065"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("rail_event", sa.Column("try_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    op.drop_column("rail_event", "try_at")
