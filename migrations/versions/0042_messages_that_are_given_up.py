"""Messages of the rail that nobody could read end with a state and the last trouble."""

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

NAME = "ck_rail_event_state_known"


def upgrade() -> None:
    op.add_column("rail_event", sa.Column("tried_at", sa.DateTime(timezone=True)))
    _states("waiting", "handled", "ignored", "failed")


def downgrade() -> None:
    op.execute("update rail_event set state = 'waiting' where state = 'failed'")
    _states("waiting", "handled", "ignored")
    op.drop_column("rail_event", "tried_at")


def _states(*known: str) -> None:
    op.drop_constraint(op.f(NAME), "rail_event", type_="check")
    listed = ", ".join(f"'{state}'" for state in known)
    op.create_check_constraint(op.f(NAME), "rail_event", f"state IN ({listed})")
