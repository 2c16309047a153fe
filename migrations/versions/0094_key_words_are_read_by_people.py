"""Answers that list key words without a sentence go to people, for a reason of their own."""

from alembic import op

revision = "0094"
down_revision = "0093"
branch_labels = None
depends_on = None

TABLES = ("interview_reading", "answer_to_read")
BEFORE = (
    *("points", "not_found", "disagree", "doubt", "nonsense", "refused", "down", "budget", "gate"),
    *("no_model", "consent"),
)


def upgrade() -> None:
    for table in TABLES:
        _known(table, (*BEFORE, "key_words", "frozen"))


def downgrade() -> None:
    op.execute("UPDATE interview_reading SET why = 'points' WHERE why = 'key_words'")
    op.execute("UPDATE answer_to_read SET why = 'points' WHERE why = 'key_words'")
    for table in TABLES:
        _known(table, (*BEFORE, "frozen"))


def _known(table: str, values: tuple[str, ...]) -> None:
    listed = ", ".join(f"'{value}'" for value in values)
    op.drop_constraint(op.f(f"ck_{table}_why_known"), table)
    op.create_check_constraint(op.f(f"ck_{table}_why_known"), table, f"why IN ({listed})")
