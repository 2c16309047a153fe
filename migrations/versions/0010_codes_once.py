"""The last code of a second factor that was taken, so that none is taken twice."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("user_account", sa.Column("tf_last_counter", sa.BigInteger))


def downgrade() -> None:
    op.drop_column("user_account", "tf_last_counter")
