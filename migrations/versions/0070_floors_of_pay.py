"""Floors of pay by country as operators write them: each change is a row, for ever."""

import sqlalchemy as sa
from alembic import op

revision = "0070"
down_revision = "0069"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "pay_floor",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("country", sa.Text, nullable=False),
        sa.Column("hourly_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("since", sa.Date, nullable=False),
        sa.Column("before_minor", sa.BigInteger),
        sa.Column("before_currency", sa.Text),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("request_key", sa.Text, nullable=False),
        sa.Column("written_by", sa.Integer),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["written_by"], ["user_account.id"], name=op.f("fk_pay_floor_written_by_user_account")
        ),
        sa.UniqueConstraint("request_key", name=op.f("uq_pay_floor_request_key")),
        _check("country ~ '^[A-Z]{2}$'", "country_is_code"),
        _check("hourly_minor >= 0", "hourly_sound"),
        _check("(before_minor IS NULL) = (before_currency IS NULL)", "before_whole"),
    )
    op.create_index("ix_pay_floor_country", "pay_floor", ["country", "since", "id"])
    op.execute(
        "CREATE TRIGGER pay_floor_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON pay_floor "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    op.drop_table("pay_floor")


def _check(condition: str, name: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=op.f(f"ck_pay_floor_{name}"))
