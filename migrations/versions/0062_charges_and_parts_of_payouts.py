"""When charges of owners settle, and which payouts drew on them before they did."""

import sqlalchemy as sa
from alembic import op

revision = "0062"
down_revision = "0061"
branch_labels = None
depends_on = None

UTC = sa.DateTime(timezone=True)
# What was claimed of a charge stays as it was claimed; only where it stands changes.
TRIGGERS = """
create function payout_part_terms_stay() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' or (old.payout_id, old.attempt, old.deposit_id, old.amount_minor,
            old.wanted_minor, old.currency, old.claimed_at)
        is distinct from (new.payout_id, new.attempt, new.deposit_id, new.amount_minor,
            new.wanted_minor, new.currency, new.claimed_at)
        or (old.state <> 'claimed' and old.state <> new.state)
    then
        raise exception 'what a payout drew on a charge stays' using errcode = 'restrict_violation';
    end if;
    return new;
end $$;

create trigger payout_part_terms_stay before update or delete on payout_part
    for each row execute function payout_part_terms_stay();
"""


def upgrade() -> None:
    op.create_table(
        "charge",
        sa.Column("deposit_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("project_id", sa.Integer, nullable=False),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("pending_minor", sa.BigInteger, nullable=False),
        sa.Column("drawn_minor", sa.BigInteger, nullable=False),
        sa.Column("refunded_minor", sa.BigInteger, nullable=False),
        sa.Column("refunded_elsewhere_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("method", sa.Text),
        sa.Column("is_disputed", sa.Boolean, nullable=False),
        sa.Column("paid_at", UTC, nullable=False),
        sa.Column("settles_at", UTC),
        sa.Column("settled_at", UTC),
        sa.Column("refused_at", UTC),
        sa.Column("read_at", UTC),
        sa.Column("receipt_url", sa.Text),
        sa.Column("stripe_charge_id", sa.Text, nullable=False),
        _key("charge", "deposit_id", "deposit.id"),
        _key("charge", "project_id", "project_budget.project_id"),
        sa.UniqueConstraint("stripe_charge_id", name=op.f("uq_charge_stripe_charge_id")),
        _check("charge", "amount_minor > 0", "amount_above_zero"),
        _check(
            "charge",
            "drawn_minor >= 0 AND refunded_minor >= 0 AND refunded_elsewhere_minor >= 0"
            " AND drawn_minor + refunded_minor <= amount_minor",
            "never_more_than_it_is",
        ),
        _check("charge", "settled_at IS NULL OR pending_minor = 0", "settled_whole"),
    )
    op.create_index("ix_charge_project_id", "charge", ["project_id"])
    op.create_index(
        "ix_charge_unsettled",
        "charge",
        ["settles_at"],
        postgresql_where=sa.text("settled_at IS NULL"),
    )
    op.create_table(
        "payout_part",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("payout_id", sa.Integer, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("deposit_id", sa.Integer, nullable=False),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("wanted_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("rest_payout_id", sa.Integer),
        sa.Column("claimed_at", UTC, nullable=False),
        sa.Column("ended_at", UTC),
        _key("payout_part", "payout_id", "payout.id"),
        _key("payout_part", "deposit_id", "charge.deposit_id"),
        _key("payout_part", "rest_payout_id", "payout.id"),
        sa.UniqueConstraint("payout_id", "attempt", name=op.f("uq_payout_part_payout_id_attempt")),
        sa.UniqueConstraint("rest_payout_id", name=op.f("uq_payout_part_rest_payout_id")),
        _check("payout_part", "state IN ('claimed', 'sent', 'returned')", "state_known"),
        _check("payout_part", "amount_minor > 0 AND amount_minor <= wanted_minor", "part_of_it"),
    )
    op.create_index("ix_payout_part_deposit_id", "payout_part", ["deposit_id"])
    op.create_index(
        "uq_payout_part_one_claimed",
        "payout_part",
        ["payout_id"],
        unique=True,
        postgresql_where=sa.text("state = 'claimed'"),
    )
    op.execute(TRIGGERS)


def downgrade() -> None:
    op.drop_table("payout_part")
    op.drop_table("charge")
    op.execute("drop function payout_part_terms_stay()")


def _key(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{target.partition('.')[0]}")
    return sa.ForeignKeyConstraint([column], [target], name=name)


def _check(table: str, condition: str, name: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=op.f(f"ck_{table}_{name}"))
