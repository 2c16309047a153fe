"""The database refuses a refusal that names no clause."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

NAME = "ck_assignment_adverse_has_reason"
BEFORE = (
    "verdict IS NULL OR verdict = 'accepted'"
    " OR (reason_code IS NOT NULL AND length(btrim(coalesce(reason_words, ''))) >= 20)"
)
AFTER = (
    "verdict IS NULL OR verdict = 'accepted'"
    " OR (reason_code IS NOT NULL AND length(btrim(coalesce(reason_clause, ''))) > 0"
    " AND length(btrim(coalesce(reason_words, ''))) >= 20)"
)


def upgrade() -> None:
    _hold(AFTER)


def downgrade() -> None:
    _hold(BEFORE)


def _hold(rule: str) -> None:
    op.drop_constraint(op.f(NAME), "assignment", type_="check")
    op.create_check_constraint(op.f(NAME), "assignment", rule)
