"""A hold that a rule brought may be lifted by that rule: then nobody is named."""

from alembic import op

revision = "0056"
down_revision = "0055"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _constrain("lifted_by IS NULL OR lifted_at IS NOT NULL")


def downgrade() -> None:
    _constrain("num_nulls(lifted_at, lifted_by) IN (0, 2)")


def _constrain(condition: str) -> None:
    name = op.f("ck_payout_hold_lifted_whole")
    op.drop_constraint(name, "payout_hold", type_="check")
    op.create_check_constraint(name, "payout_hold", condition)
