"""Each piece of evidence is an object with words."""

from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

RULE = (
    "NOT jsonb_path_exists(evidence,"
    """ '$[*] ? (@.type() != "object" || !exists(@.words.* ? (@ like_regex "[^ ]")))')"""
)


def upgrade() -> None:
    op.create_check_constraint(op.f("ck_decision_evidence_in_words"), "decision", RULE)


def downgrade() -> None:
    op.drop_constraint(op.f("ck_decision_evidence_in_words"), "decision", type_="check")
