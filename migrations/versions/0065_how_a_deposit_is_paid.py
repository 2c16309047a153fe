"""By what an owner pays, so that pages say how long it takes."""

import sqlalchemy as sa
from alembic import op

revision = "0065"
down_revision = "0064"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("deposit", sa.Column("method", sa.Text))


def downgrade() -> None:
    op.drop_column("deposit", "method")
