"""Each look into a message of the rail, messages that fail for good, and what was seen of it."""

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

BEFORE = "'waiting', 'handled', 'ignored'"


def upgrade() -> None:
    _allow(f"{BEFORE}, 'failed'")
    op.create_table(
        "rail_event_try",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("event_id", sa.Text, sa.ForeignKey("rail_event.id"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("has_failed", sa.Boolean, nullable=False),
    )
    op.create_index("ix_rail_event_try_event", "rail_event_try", ["event_id", "id"])
    op.create_table(
        "seen_need",
        sa.Column("subject", sa.Text, primary_key=True),
        sa.Column("seen_by", sa.Integer, sa.ForeignKey("user_account.id")),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("seen_need")
    op.drop_table("rail_event_try")
    op.execute("UPDATE rail_event SET state = 'waiting' WHERE state = 'failed'")
    _allow(BEFORE)


def _allow(states: str) -> None:
    name = op.f("ck_rail_event_state_known")
    op.drop_constraint(name, "rail_event", type_="check")
    op.create_check_constraint(name, "rail_event", f"state IN ({states})")
