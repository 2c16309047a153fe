"""The ledger, budgets, deposits, payees, payouts and what the rail has told."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

UTC = sa.DateTime(timezone=True)

TRIGGERS = """
create function ledger_move_is_for_ever() returns trigger language plpgsql as $$
begin
    raise exception 'a move is never changed or deleted; correct it with another move'
        using errcode = 'restrict_violation';
end $$;

create trigger ledger_move_is_for_ever before update or delete on ledger_move
    for each row execute function ledger_move_is_for_ever();
create trigger ledger_move_is_never_emptied before truncate on ledger_move
    for each statement execute function ledger_move_is_for_ever();

-- Balances follow the moves and nothing else. One update a statement, so that a group of moves
-- counts as a whole against the floors.
create function ledger_move_counts() returns trigger language plpgsql as $$
begin
    update ledger_account set balance = balance + change
    from (
        select account_id, sum(amount) as change from (
            select credit_account_id as account_id, amount from added
            union all
            select debit_account_id, -amount from added
        ) legs group by account_id
    ) changes
    where ledger_account.id = account_id;
    return null;
end $$;

create trigger ledger_move_counts after insert on ledger_move
    referencing new table as added
    for each statement execute function ledger_move_counts();

-- Inside the trigger above the depth is 2; a balance written by hand comes at depth 1.
create function ledger_account_is_guarded() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' or pg_trigger_depth() < 2 and (
        tg_op = 'UPDATE' or new.balance <> 0
    ) then
        raise exception 'an account of the ledger is changed by moves alone'
            using errcode = 'restrict_violation';
    end if;
    return new;
end $$;

create trigger ledger_account_is_guarded before insert or update or delete on ledger_account
    for each row execute function ledger_account_is_guarded();

-- Hot rows: room on the page keeps their many new versions out of the indexes.
alter table ledger_account set (fillfactor = 50);
"""


def upgrade() -> None:
    _ledger()
    op.execute(TRIGGERS)
    _budgets()
    _payees()
    _rail()


def downgrade() -> None:
    for table in (
        "reconciliation",
        "rail_event",
        "payout",
        "payee",
        "deposit",
        "reservation",
        "project_budget",
        "ledger_move",
        "ledger_account",
    ):
        op.drop_table(table)
    for function in ("ledger_account_is_guarded", "ledger_move_counts", "ledger_move_is_for_ever"):
        op.execute(f"drop function {function}()")


def _ledger() -> None:
    op.create_table(
        "ledger_account",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("owner_id", sa.Integer, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("balance", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("floor", sa.BigInteger),
        _one_of(
            "kind",
            "project_budget",
            "project_reserve",
            "expert_owed",
            "expert_in_flight",
            "platform_fees",
            "clearing",
            "rail_fees",
        ),
        sa.UniqueConstraint("kind", "owner_id", "currency"),
        sa.UniqueConstraint("id", "currency"),
        sa.CheckConstraint("floor IS NULL OR balance >= floor", name="floor_holds"),
    )
    op.create_table(
        "ledger_move",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("reference", sa.Text, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("debit_account_id", sa.Integer, nullable=False),
        sa.Column("credit_account_id", sa.Integer, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("happened_at", UTC, nullable=False),
        sa.Column("recorded_at", UTC, nullable=False),
        sa.Column("narration", sa.Text, nullable=False),
        sa.Column("cause", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(
            ["debit_account_id", "currency"], ["ledger_account.id", "ledger_account.currency"]
        ),
        sa.ForeignKeyConstraint(
            ["credit_account_id", "currency"], ["ledger_account.id", "ledger_account.currency"]
        ),
        sa.CheckConstraint("amount > 0", name="amount_above_zero"),
        sa.CheckConstraint("debit_account_id <> credit_account_id", name="two_accounts"),
        sa.UniqueConstraint("reference"),
    )
    op.create_index("ix_ledger_move_debit", "ledger_move", ["debit_account_id", "id"])
    op.create_index("ix_ledger_move_credit", "ledger_move", ["credit_account_id", "id"])
    op.create_index("ix_ledger_move_event", "ledger_move", ["event"])
    op.create_index("ix_ledger_move_cause", "ledger_move", ["cause"])


def _budgets() -> None:
    op.create_table(
        "project_budget",
        sa.Column("project_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column(
            "organisation_id",
            sa.Integer,
            sa.ForeignKey("organisation.id"),
            nullable=False,
            index=True,
        ),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("opened_at", UTC, nullable=False),
    )
    op.create_table(
        "reservation",
        sa.Column("assignment_id", sa.Integer, primary_key=True, autoincrement=False),
        _project(),
        sa.Column("expert_id", sa.Integer, sa.ForeignKey("user_account.id")),
        sa.Column("pay_minor", sa.BigInteger, nullable=False),
        sa.Column("fee_minor", sa.BigInteger, nullable=False),
        sa.Column("earned_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("round", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("held_at", UTC, nullable=False),
        sa.Column("submitted_at", UTC),
        sa.Column("review_by", UTC),
        sa.Column("ended_at", UTC),
        _one_of("state", "held", "earned", "released"),
        sa.CheckConstraint("pay_minor > 0 AND fee_minor >= 0", name="amounts_sound"),
        sa.CheckConstraint("earned_minor BETWEEN 0 AND pay_minor", name="earned_within_pay"),
    )
    op.create_index("ix_reservation_expert", "reservation", ["expert_id", "held_at"])
    op.create_table(
        "deposit",
        sa.Column("id", sa.Integer, primary_key=True),
        _project(),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("fee_minor", sa.BigInteger),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("request_key", sa.Text, nullable=False),
        sa.Column("opened_by", sa.Integer, sa.ForeignKey("user_account.id")),
        sa.Column("opened_at", UTC, nullable=False),
        sa.Column("read_at", UTC),
        sa.Column("paid_at", UTC),
        sa.Column("stripe_checkout_id", sa.Text),
        sa.Column("stripe_checkout_url", sa.Text),
        sa.Column("stripe_charge_id", sa.Text),
        sa.Column("trouble", sa.Text),
        _one_of("state", "open", "processing", "paid", "failed", "expired", "unclear"),
        sa.CheckConstraint("amount_minor > 0", name="amount_above_zero"),
        sa.UniqueConstraint("request_key"),
        sa.UniqueConstraint("stripe_checkout_id"),
        sa.UniqueConstraint("stripe_charge_id"),
    )


def _payees() -> None:
    op.create_table(
        "payee",
        sa.Column(
            "expert_id",
            sa.Integer,
            sa.ForeignKey("user_account.id"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("rhythm", sa.Text, nullable=False),
        sa.Column("country", sa.Text),
        sa.Column("missing", JSONB, nullable=False),
        sa.Column("bank_last4", sa.Text),
        sa.Column("stripe_account_id", sa.Text),
        sa.Column("request_key", sa.Text, nullable=False),
        sa.Column("opened_at", UTC, nullable=False),
        sa.Column("read_at", UTC),
        _one_of("state", "none", "started", "pending", "restricted", "active", "closed"),
        _one_of("rhythm", "weekly", "on_demand"),
        sa.UniqueConstraint("stripe_account_id"),
    )
    op.create_table(
        "payout",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column(
            "expert_id", sa.Integer, sa.ForeignKey("user_account.id"), nullable=False, index=True
        ),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("rhythm", sa.Text, nullable=False),
        sa.Column("week", sa.Date),
        sa.Column("request_key", sa.Text, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("looks", sa.Integer, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("requested_at", UTC, nullable=False),
        sa.Column("try_at", UTC),
        sa.Column("sending_at", UTC),
        sa.Column("sent_at", UTC),
        sa.Column("ended_at", UTC),
        sa.Column("stripe_account_id", sa.Text),
        sa.Column("stripe_transfer_id", sa.Text),
        sa.Column("stripe_bank_transfer_id", sa.Text, index=True),
        _one_of(
            "state",
            "ready",
            "waiting_funds",
            "blocked",
            "sending",
            "unknown",
            "sent",
            "paid",
            "bank_refused",
            "failed",
        ),
        _one_of("rhythm", "weekly", "on_demand"),
        sa.CheckConstraint("amount_minor > 0", name="amount_above_zero"),
        sa.UniqueConstraint("request_key"),
        sa.UniqueConstraint("stripe_transfer_id"),
    )
    op.create_index(
        "uq_payout_one_open",
        "payout",
        ["expert_id", "currency"],
        unique=True,
        postgresql_where=sa.text(
            "state IN ('ready','waiting_funds','blocked','sending','unknown')"
        ),
    )
    op.create_index(
        "uq_payout_one_a_week",
        "payout",
        ["expert_id", "currency", "week"],
        unique=True,
        postgresql_where=sa.text("rhythm = 'weekly'"),
    )
    op.create_index("ix_payout_state", "payout", ["state", "try_at"])


def _rail() -> None:
    op.create_table(
        "rail_event",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("stripe_account_id", sa.Text),
        sa.Column("object_id", sa.Text, nullable=False),
        sa.Column("reference", sa.Text),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("outcome", sa.Text),
        sa.Column("created_at", UTC, nullable=False),
        sa.Column("received_at", UTC, nullable=False),
        sa.Column("handled_at", UTC),
        _one_of("state", "waiting", "handled", "ignored"),
    )
    op.create_index(
        "ix_rail_event_waiting",
        "rail_event",
        ["received_at"],
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_table(
        "reconciliation",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at", UTC, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("ledger_minor", sa.BigInteger, nullable=False),
        sa.Column("available_minor", sa.BigInteger, nullable=False),
        sa.Column("pending_minor", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("findings", JSONB, nullable=False),
        _one_of("state", "equal", "explained", "alarm"),
    )
    op.create_index("ix_reconciliation_latest", "reconciliation", ["currency", "at"])


def _project() -> sa.Column[int]:
    return sa.Column(
        "project_id",
        sa.Integer,
        sa.ForeignKey("project_budget.project_id"),
        nullable=False,
        index=True,
    )


def _one_of(column: str, *values: str) -> sa.CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=f"{column}_known")
