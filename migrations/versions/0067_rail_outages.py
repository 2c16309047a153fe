"""When the payout rail did not answer."""

import sqlalchemy as sa
from alembic import op

revision = "0067"
down_revision = "0066"
branch_labels = None
depends_on = None

UTC = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "rail_outage",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("began_at", UTC, nullable=False),
        sa.Column("trouble", sa.Text, nullable=False),
        sa.Column("told_at", UTC),
        sa.Column("ended_at", UTC),
        sa.CheckConstraint(
            "ended_at IS NULL OR ended_at >= began_at",
            name=op.f("ck_rail_outage_ends_after_it_began"),
        ),
    )
    op.create_index(
        "uq_rail_outage_one_lasts",
        "rail_outage",
        ["ended_at"],
        unique=True,
        postgresql_nulls_not_distinct=True,
    )


def downgrade() -> None:
    op.drop_table("rail_outage")
