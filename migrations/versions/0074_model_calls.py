"""What language models are asked, and what it costs."""

import sqlalchemy as sa
from alembic import op

revision = "0074"
down_revision = "0073"
branch_labels = None
depends_on = None

OUTCOMES = ("answered", "nonsense", "down", "refused")


def upgrade() -> None:
    op.create_table(
        "model_call",
        sa.Column("id", sa.BigInteger, primary_key=True),
        *(
            sa.Column(name, sa.Text, nullable=False)
            for name in ("purpose", "subject", "model", "outcome")
        ),
        *(
            sa.Column(name, sa.BigInteger, nullable=False)
            for name in ("tokens_in", "tokens_out", "milliseconds", "cost")
        ),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(f"outcome IN {OUTCOMES}", name=op.f("ck_model_call_outcome_known")),
        sa.CheckConstraint(
            "least(tokens_in, tokens_out, milliseconds, cost) >= 0",
            name=op.f("ck_model_call_counts"),
        ),
    )
    op.create_index("ix_model_call_subject", "model_call", ["subject"])
    op.create_index("ix_model_call_at", "model_call", ["at"])


def downgrade() -> None:
    op.drop_table("model_call")
