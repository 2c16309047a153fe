"""The tables of money: the ledger, and what is known of those who pay and are paid.

Nothing but `ledger.py` writes `Move`; the database refuses to change or delete one, and
keeps each account's balance itself.
"""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    Text,
    UniqueConstraint,
)
from sqlmodel import Field, SQLModel

from core.models import all_hold, is_one_of, jsonb, one_of, text_enum, utc
from core.money import Money


def key_part(key: str) -> str:
    """Return what of a row's random key goes into its name at the rail."""
    return key.replace("-", "")[:12]


class AccountKind(StrEnum):
    """What an account of the ledger is for."""

    PROJECT_BUDGET = "project_budget"
    PROJECT_RESERVE = "project_reserve"
    EXPERT_OWED = "expert_owed"
    EXPERT_IN_FLIGHT = "expert_in_flight"
    PLATFORM_FEES = "platform_fees"
    PLATFORM_OWN = "platform_own"
    LOSSES = "losses"
    DISPUTES = "disputes"
    CLEARING = "clearing"
    PENDING = "pending"
    RAIL_FEES = "rail_fees"


class Account(SQLModel, table=True):
    """A place where money is, in one currency; `owner_id` is a project, an expert or 0.

    The balance is credits less debits, kept by a trigger on `Move`.
    """

    __tablename__ = "ledger_account"
    __table_args__ = (
        all_hold(
            "ledger_account",
            ("kind", "balance", "floor"),
            {
                "kind_known": is_one_of("kind", AccountKind),
                "floor_holds": "floor IS NULL OR balance >= floor",
            },
        ),
        UniqueConstraint("kind", "owner_id", "currency"),
        UniqueConstraint("id", "currency"),
    )

    id: int | None = Field(default=None, primary_key=True)
    kind: AccountKind = text_enum(AccountKind)
    owner_id: int
    currency: str = Field(sa_type=Text)
    balance: int = Field(default=0, sa_type=BigInteger)
    floor: int | None = Field(default=None, sa_type=BigInteger)


class Move(SQLModel, table=True):
    """An amount going from the debited account to the credited one, for ever."""

    __tablename__ = "ledger_move"
    __table_args__ = (
        ForeignKeyConstraint(
            ["debit_account_id", "currency"], ["ledger_account.id", "ledger_account.currency"]
        ),
        ForeignKeyConstraint(
            ["credit_account_id", "currency"], ["ledger_account.id", "ledger_account.currency"]
        ),
        CheckConstraint("amount > 0", name="amount_above_zero"),
        CheckConstraint("debit_account_id <> credit_account_id", name="two_accounts"),
        UniqueConstraint("reference"),
        Index("ix_ledger_move_debit", "debit_account_id", "id"),
        Index("ix_ledger_move_credit", "credit_account_id", "id"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    reference: str = Field(sa_type=Text)
    event: str = Field(sa_type=Text, index=True)
    debit_account_id: int
    credit_account_id: int
    currency: str = Field(sa_type=Text)
    amount: int = Field(sa_type=BigInteger)
    happened_at: datetime = utc()
    recorded_at: datetime = utc()
    narration: str = Field(sa_type=Text)
    cause: str = Field(sa_type=Text, index=True)


class ProjectBudget(SQLModel, table=True):
    """What money needs to know of a project, which lives in a package that money cannot see."""

    __tablename__ = "project_budget"

    project_id: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    organisation_id: int = Field(foreign_key="organisation.id", index=True)
    title: str = Field(sa_type=Text)
    currency: str = Field(sa_type=Text)
    opened_at: datetime = utc()
    closed_at: datetime | None = utc(nullable=True)
    # The nearest warning, in days before the end, that was given since money came in last.
    warned_days: int | None = None
    frozen_at: datetime | None = utc(nullable=True)  # a payment of it is disputed


class ReservationState(StrEnum):
    """Where the pay of one assignment stands."""

    HELD = "held"
    EARNED = "earned"
    RELEASED = "released"


class Reservation(SQLModel, table=True):
    """The pay and fee set aside for one assignment, until it is earned or released."""

    __tablename__ = "reservation"
    __table_args__ = (
        all_hold(
            "reservation",
            ("state", "pay_minor", "fee_minor", "earned_minor"),
            {
                "state_known": is_one_of("state", ReservationState),
                "amounts_sound": "pay_minor > 0 AND fee_minor >= 0",
                "earned_within_pay": "earned_minor BETWEEN 0 AND pay_minor",
            },
        ),
        Index("ix_reservation_expert", "expert_id", "held_at"),
    )

    assignment_id: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    project_id: int = Field(foreign_key="project_budget.project_id", index=True)
    expert_id: int | None = Field(default=None, foreign_key="user_account.id")
    pay_minor: int = Field(sa_type=BigInteger)
    fee_minor: int = Field(sa_type=BigInteger)
    earned_minor: int = Field(default=0, sa_type=BigInteger)
    currency: str = Field(sa_type=Text)
    round: int = 1
    state: ReservationState = text_enum(ReservationState, default=ReservationState.HELD)
    held_at: datetime = utc()
    submitted_at: datetime | None = utc(nullable=True)
    review_by: datetime | None = utc(nullable=True)
    ended_at: datetime | None = utc(nullable=True)

    def event(self, act: str) -> str:
        """Name an act in the ledger; each time that the pay is set aside is a round of its own."""
        return f"assignment:{self.assignment_id}:{self.round}:{act}"

    @property
    def pay(self) -> Money:
        """What the expert was promised."""
        return Money(self.pay_minor, self.currency)

    @property
    def fee(self) -> Money:
        """What the platform takes on top, from the owner."""
        return Money(self.fee_minor, self.currency)

    @property
    def earned(self) -> Money:
        """What the expert was credited."""
        return Money(self.earned_minor, self.currency)


class DepositState(StrEnum):
    """Where the money of an owner is on its way into a budget."""

    OPEN = "open"
    PROCESSING = "processing"
    PAID = "paid"
    FAILED = "failed"
    EXPIRED = "expired"
    UNCLEAR = "unclear"


class DepositOrigin(StrEnum):
    """How the money of an owner came to be charged."""

    CHECKOUT = "checkout"
    TOP_UP = "top_up"


class Deposit(SQLModel, table=True):
    """One payment of an owner into a project's budget, by hosted checkout or from a saved card."""

    __tablename__ = "deposit"
    __table_args__ = (
        one_of("state", DepositState),
        CheckConstraint("amount_minor > 0", name="amount_above_zero"),
        UniqueConstraint("request_key"),
        UniqueConstraint("stripe_checkout_id"),
        UniqueConstraint("stripe_charge_id"),
        one_of("origin", DepositOrigin),
        CheckConstraint("(origin = 'top_up') = (auto_topup_id IS NOT NULL)", name="origin_whole"),
        Index(
            "uq_deposit_one_top_up_open",
            "auto_topup_id",
            unique=True,
            postgresql_where="state = 'open'",
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    project_id: int = Field(foreign_key="project_budget.project_id", index=True)
    amount_minor: int = Field(sa_type=BigInteger)
    fee_minor: int | None = Field(default=None, sa_type=BigInteger)
    currency: str = Field(sa_type=Text)
    state: DepositState = text_enum(DepositState, default=DepositState.OPEN)
    request_key: str = Field(sa_type=Text)
    opened_by: int | None = Field(default=None, foreign_key="user_account.id")
    opened_at: datetime = utc()
    read_at: datetime | None = utc(nullable=True)
    paid_at: datetime | None = utc(nullable=True)
    stripe_checkout_id: str | None = Field(default=None, sa_type=Text)
    stripe_checkout_url: str | None = Field(default=None, sa_type=Text)
    stripe_charge_id: str | None = Field(default=None, sa_type=Text)
    trouble: str | None = Field(default=None, sa_type=Text)
    origin: DepositOrigin = text_enum(DepositOrigin, default=DepositOrigin.CHECKOUT)
    auto_topup_id: int | None = Field(default=None, foreign_key="auto_topup.id")
    method: str | None = Field(default=None, sa_type=Text)  # in Stripe's words: card, sepa_debit

    @property
    def amount(self) -> Money:
        """What the owner pays."""
        return Money(self.amount_minor, self.currency)

    @property
    def reference(self) -> str:
        """The name of the payment at the rail; see `Payout.reference`."""
        return f"deposit-{self.id}-{key_part(self.request_key)}"


class PayeeState(StrEnum):
    """How far an expert's account at the rail is able to receive money."""

    NONE = "none"
    STARTED = "started"
    PENDING = "pending"
    RESTRICTED = "restricted"
    ACTIVE = "active"
    CLOSED = "closed"


class Rhythm(StrEnum):
    """When an expert wishes to be paid."""

    WEEKLY = "weekly"
    ON_DEMAND = "on_demand"


class Payee(SQLModel, table=True):
    """An expert as somebody who is paid: their account at the rail and their rhythm."""

    __tablename__ = "payee"
    __table_args__ = (
        one_of("state", PayeeState),
        one_of("rhythm", Rhythm),
        UniqueConstraint("stripe_account_id"),
        CheckConstraint("payday BETWEEN 0 AND 4", name="payday_known"),
    )

    expert_id: int = Field(
        primary_key=True, foreign_key="user_account.id", sa_column_kwargs={"autoincrement": False}
    )
    state: PayeeState = text_enum(PayeeState, default=PayeeState.NONE)
    rhythm: Rhythm = text_enum(Rhythm, default=Rhythm.WEEKLY)
    payday: int = 4  # the weekday of weekly payouts, counted from Monday
    country: str | None = Field(default=None, sa_type=Text)
    missing: list[str] = jsonb(default_factory=list)
    overdue: list[str] = jsonb(default_factory=list)
    due_later: list[str] = jsonb(default_factory=list)
    due_at: datetime | None = utc(nullable=True)
    stopped_for: str | None = Field(default=None, sa_type=Text)
    bank_last4: str | None = Field(default=None, sa_type=Text)
    stripe_account_id: str | None = Field(default=None, sa_type=Text)
    request_key: str = Field(sa_type=Text)
    opened_at: datetime = utc()
    read_at: datetime | None = utc(nullable=True)

    @property
    def reference(self) -> str:
        """The name of their account at the rail; see `Payout.reference`."""
        return f"payee-{self.expert_id}-{key_part(self.request_key)}"


class PayoutState(StrEnum):
    """Where a payout is; see `sending.py` for who may move it where."""

    READY = "ready"
    WAITING_FUNDS = "waiting_funds"
    BLOCKED = "blocked"
    SENDING = "sending"
    UNKNOWN = "unknown"
    SENT = "sent"
    PAID = "paid"
    BANK_REFUSED = "bank_refused"
    FAILED = "failed"


OPEN_STATES = (
    PayoutState.READY,
    PayoutState.WAITING_FUNDS,
    PayoutState.BLOCKED,
    PayoutState.SENDING,
    PayoutState.UNKNOWN,
)


class Payout(SQLModel, table=True):
    """One transfer of what is owed to an expert; of one expert and currency one is open at a time.

    An `attempt` is a question to the rail under one reference; there is a second one only when
    the first has definitely moved nothing.
    """

    __tablename__ = "payout"
    __table_args__ = (
        one_of("state", PayoutState),
        one_of("rhythm", Rhythm),
        CheckConstraint("amount_minor > 0", name="amount_above_zero"),
        UniqueConstraint("request_key"),
        UniqueConstraint("stripe_transfer_id"),
        Index(
            "uq_payout_one_open",
            "expert_id",
            "currency",
            unique=True,
            postgresql_where="state IN ('ready','waiting_funds','blocked','sending','unknown')",
        ),
        Index(
            "uq_payout_one_a_week",
            "expert_id",
            "currency",
            "week",
            unique=True,
            postgresql_where="rhythm = 'weekly'",
        ),
        Index("ix_payout_state", "state", "try_at"),
    )

    id: int | None = Field(default=None, primary_key=True)
    expert_id: int = Field(foreign_key="user_account.id", index=True)
    amount_minor: int = Field(sa_type=BigInteger)
    currency: str = Field(sa_type=Text)
    state: PayoutState = text_enum(PayoutState, default=PayoutState.READY)
    rhythm: Rhythm = text_enum(Rhythm, default=Rhythm.ON_DEMAND)
    week: date | None = None
    request_key: str = Field(sa_type=Text)
    attempt: int = 0
    looks: int = 0
    reason: str | None = Field(default=None, sa_type=Text)
    requested_at: datetime = utc()
    try_at: datetime | None = utc(nullable=True)
    sending_at: datetime | None = utc(nullable=True)
    sent_at: datetime | None = utc(nullable=True)
    ended_at: datetime | None = utc(nullable=True)
    stripe_account_id: str | None = Field(default=None, sa_type=Text)
    stripe_transfer_id: str | None = Field(default=None, sa_type=Text)
    stripe_bank_transfer_id: str | None = Field(default=None, sa_type=Text, index=True)

    @property
    def amount(self) -> Money:
        """What the expert is sent."""
        return Money(self.amount_minor, self.currency)

    @property
    def reference(self) -> str:
        """The name of the present attempt at the rail.

        The rail outlives a database that is made anew, so an id alone would not be one of a kind.
        """
        return f"payout-{self.id}-{self.attempt}-{key_part(self.request_key)}"

    @property
    def is_open(self) -> bool:
        """Whether its money may still be asked for or sent."""
        return self.state in OPEN_STATES


class RailEventState(StrEnum):
    """What became of a webhook event."""

    WAITING = "waiting"
    HANDLED = "handled"
    IGNORED = "ignored"
    FAILED = "failed"


class RailEvent(SQLModel, table=True):
    """A webhook event, stored once: a hint to look, never a fact."""

    __tablename__ = "rail_event"
    __table_args__ = (
        one_of("state", RailEventState),
        Index("ix_rail_event_waiting", "received_at", postgresql_where="state = 'waiting'"),
    )

    id: str = Field(primary_key=True, sa_type=Text)
    kind: str = Field(sa_type=Text)
    stripe_account_id: str | None = Field(default=None, sa_type=Text)
    object_id: str = Field(sa_type=Text)
    reference: str | None = Field(default=None, sa_type=Text)
    state: RailEventState = text_enum(RailEventState, default=RailEventState.WAITING)
    tries: int = 0
    outcome: str | None = Field(default=None, sa_type=Text)
    created_at: datetime = utc()
    received_at: datetime = utc()
    try_at: datetime | None = utc(nullable=True)
    handled_at: datetime | None = utc(nullable=True)


class ReconciliationState(StrEnum):
    """What a comparison of the ledger with the rail has shown."""

    EQUAL = "equal"
    EXPLAINED = "explained"
    ALARM = "alarm"


class Reconciliation(SQLModel, table=True):
    """One comparison of the ledger with the rail, in one currency."""

    __tablename__ = "reconciliation"
    __table_args__ = (
        one_of("state", ReconciliationState),
        Index("ix_reconciliation_latest", "currency", "at"),
    )

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = utc()
    currency: str = Field(sa_type=Text)
    ledger_minor: int = Field(sa_type=BigInteger)
    available_minor: int = Field(sa_type=BigInteger)
    pending_minor: int = Field(sa_type=BigInteger)
    state: ReconciliationState = text_enum(ReconciliationState)
    findings: list[dict[str, Any]] = jsonb(default_factory=list)
    entries_read_at: datetime | None = utc(nullable=True)

    @property
    def ledger(self) -> Money:
        """What our books say that the rail holds."""
        return Money(self.ledger_minor, self.currency)

    @property
    def available(self) -> Money:
        """What the rail can send now."""
        return Money(self.available_minor, self.currency)

    @property
    def pending(self) -> Money:
        """What the rail holds but cannot send yet."""
        return Money(self.pending_minor, self.currency)

    @property
    def difference(self) -> Money:
        """What the rail holds beyond our books."""
        return self.available + self.pending - self.ledger


class PayoutHold(SQLModel, table=True):
    """Payouts of an expert that are not sent until a decision is settled."""

    __tablename__ = "payout_hold"
    __table_args__ = (
        UniqueConstraint("decision_id"),
        CheckConstraint("lifted_by IS NULL OR lifted_at IS NOT NULL", name="lifted_whole"),
        Index(
            "uq_payout_hold_expert_id_open",
            "expert_id",
            unique=True,
            postgresql_where="lifted_at IS NULL",
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    expert_id: int = Field(foreign_key="user_account.id")
    decision_id: int = Field(foreign_key="decision.id", sa_type=BigInteger)
    held_at: datetime = utc()
    lifted_at: datetime | None = utc(nullable=True)
    lifted_by: int | None = Field(default=None, foreign_key="user_account.id")
