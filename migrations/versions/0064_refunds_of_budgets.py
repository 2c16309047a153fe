"""Unspent money of budgets that goes back to owners, in one part for each charge."""

import sqlalchemy as sa
from alembic import op

revision = "0064"
down_revision = "0063"
branch_labels = None
depends_on = None

UTC = sa.DateTime(timezone=True)
STATES = "'ready', 'sending', 'unknown', 'pending', 'needs_person', 'succeeded', 'failed'"
TRIGGERS = """
create function refund_terms_stay() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' or (old.project_id, old.amount_minor, old.currency, old.request_key)
        is distinct from (new.project_id, new.amount_minor, new.currency, new.request_key)
    then
        raise exception 'what was asked back stays' using errcode = 'restrict_violation';
    end if;
    return new;
end $$;

create trigger refund_terms_stay before update or delete on refund
    for each row execute function refund_terms_stay();

create function refund_part_terms_stay() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' or (old.refund_id, old.number, old.project_id, old.deposit_id,
            old.amount_minor, old.currency, old.request_key)
        is distinct from (new.refund_id, new.number, new.project_id, new.deposit_id,
            new.amount_minor, new.currency, new.request_key)
        or (old.state = 'failed' and new.state <> 'failed')
        or (old.booked_at is not null and new.booked_at is distinct from old.booked_at)
    then
        raise exception 'a refund stays as it was asked' using errcode = 'restrict_violation';
    end if;
    return new;
end $$;

create trigger refund_part_terms_stay before update or delete on refund_part
    for each row execute function refund_part_terms_stay();
"""


def upgrade() -> None:
    op.create_table(
        "refund",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("project_id", sa.Integer, nullable=False),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("request_key", sa.Text, nullable=False),
        sa.Column("asked_by", sa.Integer),
        sa.Column("asked_at", UTC, nullable=False),
        sa.Column("ended_at", UTC),
        _key("refund", "project_id", "project_budget.project_id"),
        _key("refund", "asked_by", "user_account.id"),
        sa.UniqueConstraint("request_key", name=op.f("uq_refund_request_key")),
        _check("refund", "amount_minor > 0", "amount_above_zero"),
    )
    op.create_index("ix_refund_project_id", "refund", ["project_id"])
    op.create_table(
        "refund_part",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("refund_id", sa.Integer, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("project_id", sa.Integer, nullable=False),
        sa.Column("deposit_id", sa.Integer, nullable=False),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("request_key", sa.Text, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("looks", sa.Integer, nullable=False),
        sa.Column("trouble", sa.Text),
        sa.Column("try_at", UTC),
        sa.Column("sending_at", UTC),
        sa.Column("booked_at", UTC),
        sa.Column("read_at", UTC),
        sa.Column("ended_at", UTC),
        sa.Column("stripe_refund_id", sa.Text),
        _key("refund_part", "refund_id", "refund.id"),
        _key("refund_part", "project_id", "project_budget.project_id"),
        _key("refund_part", "deposit_id", "charge.deposit_id"),
        sa.UniqueConstraint("refund_id", "number", name=op.f("uq_refund_part_refund_id_number")),
        sa.UniqueConstraint("request_key", name=op.f("uq_refund_part_request_key")),
        sa.UniqueConstraint("stripe_refund_id", name=op.f("uq_refund_part_stripe_refund_id")),
        _check("refund_part", f"state IN ({STATES})", "state_known"),
        _check("refund_part", "amount_minor > 0", "amount_above_zero"),
    )
    op.create_index("ix_refund_part_project_id", "refund_part", ["project_id"])
    op.create_index("ix_refund_part_deposit_id", "refund_part", ["deposit_id"])
    op.create_index("ix_refund_part_state", "refund_part", ["state", "try_at"])
    op.execute(TRIGGERS)


def downgrade() -> None:
    op.drop_table("refund_part")
    op.drop_table("refund")
    op.execute("drop function refund_part_terms_stay()")
    op.execute("drop function refund_terms_stay()")


def _key(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{target.partition('.')[0]}")
    return sa.ForeignKeyConstraint([column], [target], name=name)


def _check(table: str, condition: str, name: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=op.f(f"ck_{table}_{name}"))
