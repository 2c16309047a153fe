"""The whole ledger read again: each promise that it makes, and each that its rows make about it.

Nothing is repaired here. A correction is a move like any other (`ledger.correct`), and what the
rows say is compared with what the moves say beside it.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, text
from sqlmodel import Session, col, select

from core import audit
from payouts import ledger
from payouts.ledger_models import LedgerCheck
from payouts.models import Move

KEPT = timedelta(days=90)

# Who puts money into a project's reserve: the sums of these are what the reserves hold. Whatever
# else sets money aside adds its question here.
RESERVED = [
    "select project_id, currency, pay_minor + fee_minor as amount from reservation"
    " where state = 'held'",
    "select project_id, currency, pay_minor + fee_minor from extra_pay where state = 'held'",
    "select project_id, currency, amount_minor from refund_part"
    " where booked_at is null and state <> 'failed'",
]

# What an event may move, by its subject and act: from which kind of account to which. Events that
# are not here are read by the other checks only.
SHAPES = {
    ("assignment", "reserved"): {("project_budget", "project_reserve")},
    ("assignment", "released"): {("project_reserve", "project_budget")},
    ("assignment", "earned"): {
        ("project_reserve", "expert_owed"),
        ("project_reserve", "platform_fees"),
        ("project_reserve", "project_budget"),
    },
    ("assignment", "completed"): {
        ("project_budget", "expert_owed"),
        ("project_budget", "platform_fees"),
    },
    ("deposit", "paid"): {
        ("clearing", "project_budget"),
        ("pending", "project_budget"),
        ("rail_fees", "clearing"),
        ("rail_fees", "pending"),
    },
    ("payout", "taken"): {("expert_owed", "expert_in_flight")},
    ("deposit", "settled"): {("clearing", "pending"), ("pending", "clearing")},
    ("payout", "sent"): {("expert_in_flight", "clearing"), ("expert_in_flight", "pending")},
    ("payout", "returned"): {("expert_in_flight", "expert_owed")},
    ("refund", "asked"): {("project_budget", "project_reserve")},
    ("refund-part", "sent"): {("project_reserve", "clearing"), ("project_reserve", "pending")},
    ("refund-part", "returned"): {
        ("project_reserve", "project_budget"),
        ("clearing", "project_budget"),
    },
}


def problems(session: Session) -> list[str]:
    """Say each promise that does not hold; nothing when all do."""
    found = ledger.problems(session)
    ours = (FLOORS, REFERENCES, GROUPS, _reserves(), RESERVATIONS)
    for question in (*ours, IN_FLIGHT, DEPOSITS, PENDING, PAYOUTS, REFUNDS):
        found += session.execute(_plain(question)).scalars()
    return found + _shapes(session)


def check(session: Session, *, at: datetime) -> LedgerCheck:
    """Check the whole ledger and keep what was found; a new finding goes into the audit trail."""
    before = latest(session)
    moves = session.exec(select(func.count()).select_from(Move)).one()
    row = LedgerCheck(at=at, moves=moves, problems=problems(session))
    session.add(row)
    session.execute(delete(LedgerCheck).where(col(LedgerCheck.at) < at - KEPT))
    if row.problems != (before.problems if before else []):
        act = "ledger.broken" if row.problems else "ledger.sound"
        count = {"problems": len(row.problems)}
        audit.record(session, act, by=None, subject="ledger:0", details=count)
    return row


def latest(session: Session) -> LedgerCheck | None:
    """Return the newest check."""
    return session.exec(select(LedgerCheck).order_by(col(LedgerCheck.id).desc()).limit(1)).first()


def _shapes(session: Session) -> list[str]:
    """Say which events moved what their kind never moves."""
    return [
        f"event of {subject}, {act}: {count} moves from {debit} to {credit}"
        for subject, act, debit, credit, count in session.execute(_plain(KINDS_MOVED))
        if (debit, credit) not in SHAPES.get((subject, act), {(debit, credit)})
    ]


def _plain(question: str) -> Any:
    # The colons of our references are no parameters.
    return text(question.replace(":", r"\:"))


def _reserves() -> str:
    parts = " union all ".join(RESERVED)
    return f"""
        with held as (
            select project_id, currency, sum(amount) as amount from ({parts}) all_held group by 1, 2
        ), {CORRECTED}
        select 'reserve of project ' || owner_id || ': holds ' || balance || ' ' || account.currency
            || ', set aside are ' || coalesce(held.amount, 0)
        from ledger_account account
        left join held on held.project_id = owner_id and held.currency = account.currency
        left join corrected on corrected.account_id = account.id
        where kind = 'project_reserve'
        and owner_id in (select project_id from project_budget)
        and balance <> coalesce(held.amount, 0) + coalesce(corrected.amount, 0)
    """  # noqa: S608 - our own constants


# What corrections have put into an account, beside what rows say of it.
CORRECTED = """
    corrected as (
        select account_id, sum(amount) as amount from (
            select credit_account_id as account_id, amount from ledger_move
            where event like 'correction:%'
            union all
            select debit_account_id, -amount from ledger_move where event like 'correction:%'
        ) legs group by 1
    )
"""
FLOORS = """
    select 'account ' || id || ' (' || kind || '): floor ' || coalesce(floor::text, 'none')
    from ledger_account
    where (kind in ('project_budget', 'project_reserve', 'expert_owed', 'expert_in_flight',
        'platform_fees')) <> (floor is not distinct from 0)
"""
REFERENCES = """
    select 'move ' || id || ': reference ' || reference || ' is not of event ' || event
    from ledger_move where event = '' or not starts_with(reference, event || '/')
"""
# A group is posted by one statement, so that all its moves are noted at one time for one cause;
# in ledgers of before the notes of one group are microseconds apart.
GROUPS = """
    select 'event ' || event || ': posted in several goes' from ledger_move group by event
    having count(distinct (happened_at, cause, narration)) > 1
        or max(recorded_at) - min(recorded_at) > interval '1 second'
"""
IN_FLIGHT = f"""
    with asked as (
        select expert_id, currency, sum(amount_minor) as amount from payout
        where state in ('sending', 'unknown') group by 1, 2
    ), {CORRECTED}
    select 'in flight of expert ' || owner_id || ': holds ' || balance || ' ' || account.currency
        || ', the rail was asked for ' || coalesce(asked.amount, 0)
    from ledger_account account
    left join asked on asked.expert_id = owner_id and asked.currency = account.currency
    left join corrected on corrected.account_id = account.id
    where kind = 'expert_in_flight'
    and balance <> coalesce(asked.amount, 0) + coalesce(corrected.amount, 0)
"""  # noqa: S608 - our own constants
# Each round of a reservation begins once and ends once, and the ledger has what the row says.
RESERVATIONS = """
    with acts as (
        select split_part(event, ':', 2)::bigint as id, count(distinct event)
                filter (where event like '%:reserved') as begun,
            count(distinct event) filter (where event like '%:released') as released,
            count(distinct event) filter (where event like '%:earned') as earned,
            coalesce(sum(amount) filter (where reference like '%:earned/pay'
                or reference like '%:completed/pay'), 0) as pay
        from ledger_move where event ~ '^assignment:[0-9]+:[0-9]+:' group by 1
    )
    select 'reservation ' || assignment_id || ': ' || state || ' in round ' || round
        || ', the ledger has begun ' || coalesce(begun, 0) || ', released ' || coalesce(released, 0)
        || ', earned ' || coalesce(earned, 0) || ', pay ' || coalesce(pay, 0)
        || ' of ' || earned_minor
    from reservation left join acts on acts.id = assignment_id
    where coalesce(begun, 0) <> round
    or coalesce(released, 0) <> case state when 'released' then round else round - 1 end
    or coalesce(earned, 0) <> case state when 'earned' then 1 else 0 end
    or coalesce(pay, 0) <> earned_minor
"""
DEPOSITS = """
    select 'deposit ' || deposit.id || ': ' || state || ', ' || amount_minor
        || ', the ledger has ' || coalesce(amount, 0)
    from deposit left join ledger_move
        on reference = 'deposit:' || deposit.id || ':paid/amount'
    where coalesce(amount, 0) <> case state when 'paid' then amount_minor else 0 end
"""
# What of payments has not settled is what stands as pending.
PENDING = f"""
    with unsettled as (
        select currency, sum(pending_minor) as amount from charge group by 1
    ), {CORRECTED}, account as (
        select currency, sum(coalesce(corrected.amount, 0) - balance) as amount
        from ledger_account left join corrected on corrected.account_id = id
        where kind = 'pending' group by 1
    )
    select 'pending: ' || coalesce(account.amount, 0) || ' ' || currency || ', payments that have'
        || ' not settled are ' || coalesce(unsettled.amount, 0)
    from account full join unsettled using (currency)
    where coalesce(account.amount, 0) <> coalesce(unsettled.amount, 0)
"""  # noqa: S608 - our own constants
# Each attempt takes an amount once, and ends once with the same: sent or returned, or still asked.
PAYOUTS = """
    with legs as (
        select split_part(event, ':', 2)::bigint as id, split_part(event, ':', 3)::int as attempt,
            split_part(event, ':', 4) as act, amount
        from ledger_move where event ~ '^payout:[0-9]+:[0-9]+:(taken|returned|sent)$'
    ), uneven as (
        select id from legs group by id, attempt having count(distinct amount) > 1
    ), acts as (
        select legs.id,
            count(*) filter (where act = 'taken') as taken,
            count(*) filter (where act = 'returned') as returned,
            count(*) filter (where act = 'sent') as sent,
            bool_and(amount = payout.amount_minor) filter (where act = 'sent'
                or (legs.attempt = payout.attempt and state in ('sending', 'unknown'))) as same
        from legs join payout on payout.id = legs.id group by 1
    )
    select 'payout ' || payout.id || ': ' || state || ', attempt ' || attempt
        || ', the ledger has taken ' || coalesce(taken, 0) || ', returned ' || coalesce(returned, 0)
        || ', sent ' || coalesce(sent, 0)
    from payout left join acts on acts.id = payout.id
    where not coalesce(same, true) or payout.id in (select id from uneven) or coalesce(sent, 0) > 1
    or (coalesce(sent, 0) = 1) <> (stripe_transfer_id is not null)
    or coalesce(taken, 0) - coalesce(returned, 0) - coalesce(sent, 0)
        <> case when state in ('sending', 'unknown') then 1 else 0 end
"""
# A part of a refund leaves the rail once, and comes back once if it failed; the amounts set aside
# for a refund are its parts.
REFUNDS = """
    with legs as (
        select split_part(event, ':', 2)::bigint as id,
            sum(amount) filter (where event like '%:sent') as sent,
            sum(amount) filter (where event like '%:returned') as returned
        from ledger_move where event ~ '^refund-part:[0-9]+:(sent|returned)$' group by 1
    )
    select 'part ' || part.id || ' of refund ' || refund_id || ': ' || state
        || ', the ledger has sent ' || coalesce(sent, 0) || ', returned ' || coalesce(returned, 0)
    from refund_part part left join legs on legs.id = part.id
    where coalesce(sent, 0) <> case when booked_at is null then 0 else amount_minor end
    or coalesce(returned, 0) <> case state when 'failed' then amount_minor else 0 end
    union all
    select 'refund ' || refund.id || ': ' || amount_minor || ', its parts are '
        || coalesce((select sum(amount_minor) from refund_part where refund_id = refund.id), 0)
        || ', set aside were ' || coalesce((select sum(amount) from ledger_move
            where event = 'refund:' || refund.id || ':asked'), 0)
    from refund
    where amount_minor <> coalesce((select sum(amount_minor) from refund_part
        where refund_id = refund.id), 0)
    or amount_minor <> coalesce((select sum(amount) from ledger_move
        where event = 'refund:' || refund.id || ':asked'), 0)
"""
KINDS_MOVED = """
    select split_part(event, ':', 1), reverse(split_part(reverse(event), ':', 1)), debit.kind,
        credit.kind, count(*)
    from ledger_move
    join ledger_account debit on debit.id = debit_account_id
    join ledger_account credit on credit.id = credit_account_id
    where event ~ '^[a-z-]+:[0-9]+:' group by 1, 2, 3, 4
"""
