"""A prediction may say how likely each answer is: its doubt is then the entropy of that."""

import sqlalchemy as sa
from alembic import op

revision = "0098"
down_revision = "0097"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("prediction", sa.Column("doubt", sa.Float, nullable=True))
    op.create_check_constraint(
        op.f("ck_prediction_doubt_is_share"), "prediction", "doubt BETWEEN 0 AND 1"
    )


def downgrade() -> None:
    op.drop_column("prediction", "doubt")
