"""Accounts for money that is not settled, disputed, lost or the platform's own."""

from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

BEFORE = (
    "project_budget",
    "project_reserve",
    "expert_owed",
    "expert_in_flight",
    "platform_fees",
    "clearing",
    "rail_fees",
)
ADDED = ("platform_own", "losses", "disputes", "pending")


def upgrade() -> None:
    _allow(*BEFORE, *ADDED)


def downgrade() -> None:
    _allow(*BEFORE)


def _allow(*kinds: str) -> None:
    name = op.f("ck_ledger_account_kind_known")
    op.drop_constraint(name, "ledger_account", type_="check")
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    op.create_check_constraint(name, "ledger_account", f"kind IN ({listed})")
