"""Who looks at an interview's marks before having read its answers says why, and reads none."""

import sqlalchemy as sa
from alembic import op

revision = "0095"
down_revision = "0094"
branch_labels = None
depends_on = None

TABLE = "interview_look"
STAYS = """
    CREATE TRIGGER interview_look_stays BEFORE UPDATE OR TRUNCATE ON interview_look
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("interview_id", sa.Integer, sa.ForeignKey("interview.id"), nullable=False),
        sa.Column("by_user_id", sa.Integer, sa.ForeignKey("user_account.id"), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("interview_id", "by_user_id"),
        sa.CheckConstraint("length(trim(reason)) >= 10", name=op.f("ck_interview_look_says_why")),
    )
    op.create_index("ix_interview_look_by_user_id", TABLE, ["by_user_id"])
    op.execute(STAYS)


def downgrade() -> None:
    op.drop_table(TABLE)
