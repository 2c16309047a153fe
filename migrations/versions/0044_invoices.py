"""Billing details of organisations, and monthly invoices that never change."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None

UTC = sa.DateTime(timezone=True)
TRIGGERS = """
create function invoice_is_for_ever() returns trigger language plpgsql as $$
begin
    raise exception 'an invoice is never changed or deleted'
        using errcode = 'restrict_violation';
end $$;

create trigger invoice_is_for_ever before update or delete on invoice
    for each row execute function invoice_is_for_ever();
create trigger invoice_is_never_emptied before truncate on invoice
    for each statement execute function invoice_is_for_ever();

-- Numbers without a gap: the next one of its year, or none.
create function invoice_is_next() returns trigger language plpgsql as $$
begin
    if new.number <> 1 + coalesce((select max(number) from invoice where year = new.year), 0) then
        raise exception 'the numbers of invoices have no gap'
            using errcode = 'restrict_violation';
    end if;
    return new;
end $$;

create trigger invoice_is_next before insert on invoice
    for each row execute function invoice_is_next();
"""


def upgrade() -> None:
    op.create_table(
        "billing_details",
        sa.Column("organisation_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("legal_name", sa.Text, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("country", sa.Text, nullable=False),
        sa.Column("vat_number", sa.Text, nullable=False),
        sa.Column("changed_by", sa.Integer),
        sa.Column("changed_at", UTC, nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"]),
        sa.ForeignKeyConstraint(["changed_by"], ["user_account.id"]),
    )
    op.create_table(
        "invoice",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("year", sa.Integer, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("organisation_id", sa.Integer, nullable=False),
        sa.Column("month", sa.Date, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("spent_minor", sa.BigInteger, nullable=False),
        sa.Column("parties", JSONB, nullable=False),
        sa.Column("figures", JSONB, nullable=False),
        sa.Column("issued_at", UTC, nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"]),
        sa.UniqueConstraint("year", "number"),
        sa.UniqueConstraint("organisation_id", "currency", "month"),
        sa.CheckConstraint("number > 0", name="number_above_zero"),
        sa.CheckConstraint("date_trunc('month', month) = month", name="month_begins"),
    )
    op.create_index("ix_invoice_organisation_id_month", "invoice", ["organisation_id", "month"])
    op.execute(TRIGGERS)


def downgrade() -> None:
    op.drop_table("invoice")
    op.execute("drop function invoice_is_for_ever()")
    op.execute("drop function invoice_is_next()")
    op.drop_table("billing_details")
