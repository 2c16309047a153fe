"""Automatic top-ups also end because the rail does not say what became of a charge or a card."""

from alembic import op

revision = "0068"
down_revision = "0067"
branch_labels = None
depends_on = None

NAME = "ck_auto_topup_ended_for_known"
ENDS = "'owner', 'replaced', 'not_finished', 'declined', 'authentication', 'unclear', 'closed'"


def upgrade() -> None:
    op.drop_constraint(op.f(NAME), "auto_topup")
    op.create_check_constraint(op.f(NAME), "auto_topup", f"ended_for IN ({ENDS}, 'not_told')")


def downgrade() -> None:
    op.drop_constraint(op.f(NAME), "auto_topup")
    op.execute("UPDATE auto_topup SET ended_for = 'unclear' WHERE ended_for = 'not_told'")
    op.create_check_constraint(op.f(NAME), "auto_topup", f"ended_for IN ({ENDS})")
