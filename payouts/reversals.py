"""Reversals: a sent transfer that is taken back from an expert's account, by two people.

Pay that was validated is never taken back. A reversal is for payouts that went wrong: the money
cannot reach the expert (then it is owed to them again), or the same money was sent twice (then it
was the platform's loss, and goes back there). It is a decision, with reasons and an appeal.

    proposed → asking → done / refused by the rail
    found: made at the rail by hand; booked once two people have said what it was
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from accounts import decision_letters, decisions
from accounts.decisions import About, Evidence, Reason, Taken
from accounts.models import Decision, DecisionKind, User
from core import audit, jobs, messages
from core.clock import now
from core.db import transaction
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.money import Money
from core.ports import ForeignMoney, PayoutRefused, RailDown, RailReversal, ReversalRail
from payouts import answers, ledger, rail_lines, statements
from payouts.books_models import KeptEntry
from payouts.dispute_models import Reversal, ReversalCause, ReversalState
from payouts.models import Payout, PayoutState

CONTEST_FOR = timedelta(days=30)
ASK_AGAIN_AFTER = timedelta(minutes=5)
WORDS_AT_LEAST = 20
SENT = (PayoutState.SENT, PayoutState.PAID, PayoutState.BANK_REFUSED)
COUNTED = (ReversalState.ASKING, ReversalState.DONE, ReversalState.FOUND)
CAUSES: dict[str, Any] = {
    ReversalCause.NOT_REACHED: _l("The money cannot reach the expert: the account is closed."),
    ReversalCause.SENT_TWICE: _l("The same money was sent twice by a mistake of the platform."),
}


class NotSent(Conflict):
    """Only a payout that Stripe has can be taken back."""


class TooMuch(Invalid):
    """This is more than what is left of the payout."""


class ReasonNeeded(Invalid):
    """Choose what went wrong, and say why and on what evidence, in 20 characters at least each."""


class AnotherIsOpen(Conflict):
    """Something is being taken back of this payout already. Finish that first."""


class NeedsASecond(NotAllowed):
    """Whoever proposed to take money back does not agree to it: another operator does."""


class OwnPayout(NotAllowed):
    """Nobody takes back a payout of their own."""


class Settled(Conflict):
    """This was agreed to, withdrawn or answered meanwhile."""


@dataclass(frozen=True)
class Cause:
    """Why a transfer is taken back."""

    code: str
    words: str
    evidence: str

    @property
    def is_whole(self) -> bool:
        """Whether no part is missing."""
        said = min(len(self.words.strip()), len(self.evidence.strip()))
        return self.code in CAUSES and said >= WORDS_AT_LEAST


def left_of(session: Session, payout: Payout) -> Money:
    """What of a payout has not been taken back."""
    question = select(func.coalesce(func.sum(Reversal.amount_minor), 0)).where(
        Reversal.payout_id == payout.id, col(Reversal.state).in_(COUNTED)
    )
    return payout.amount - Money(int(session.exec(question).one()), payout.currency)


def of_payout(session: Session, payout_id: int) -> list[Reversal]:
    """Return what was taken back of a payout, or is to be, newest first."""
    question = select(Reversal).where(Reversal.payout_id == payout_id)
    return list(session.exec(question.order_by(col(Reversal.id).desc())))


def waiting(session: Session) -> list[Reversal]:
    """Return reversals that wait for a person, the oldest first."""
    states = (ReversalState.PROPOSED, ReversalState.FOUND)
    question = select(Reversal).where(col(Reversal.state).in_(states))
    return list(session.exec(question.order_by(col(Reversal.id))))


def propose(
    session: Session,
    payout_id: int,
    amount: Money,
    cause: Cause,
    *,
    key: str,
    by: User,
    at: datetime,
) -> Reversal:
    """Propose to take a sent payout back, in whole or in part; a second click finds the first."""
    payout = answers.of(session, payout_id, lock=True)
    known = session.exec(select(Reversal).where(Reversal.request_key == key)).first()
    if known is not None:
        return known
    _check(payout, cause, by)
    if payout.state not in SENT or payout.stripe_transfer_id is None:
        raise NotSent
    if not Money(0, payout.currency) < amount <= left_of(session, payout):
        raise TooMuch
    if any(row.state in ("proposed", "asking") for row in of_payout(session, payout_id)):
        raise AnotherIsOpen
    row = Reversal(
        payout_id=payout_id,
        stripe_transfer_id=payout.stripe_transfer_id,
        amount_minor=amount.minor,
        currency=amount.currency,
        cause=cause.code,
        words=cause.words.strip(),
        evidence=cause.evidence.strip(),
        request_key=key,
        proposed_by=by.id,
        proposed_at=at,
    )
    session.add(row)
    session.flush()  # the audit names its id
    audit.record(session, "reversal.proposed", by=by.id, subject=f"reversal:{row.id}")
    return row


def say(session: Session, reversal_id: int, cause: Cause, *, by: User, at: datetime) -> Reversal:
    """Say what a reversal was that was made at the rail by hand; another has to agree."""
    row, payout = _locked(session, reversal_id)
    if row.state is not ReversalState.FOUND:
        raise Settled
    _check(payout, cause, by)
    said = (cause.code, cause.words.strip(), cause.evidence.strip(), by.id)
    if said == (row.cause, row.words, row.evidence, row.proposed_by):
        return row  # the second click
    row.cause, row.words, row.evidence, row.proposed_by = said
    row.proposed_at = at
    audit.record(session, "reversal.explained", by=by.id, subject=f"reversal:{row.id}")
    return row


def withdraw(session: Session, reversal_id: int, *, by: User, at: datetime) -> Reversal:
    """Let a proposal go."""
    row, _payout = _locked(session, reversal_id)
    if row.state is ReversalState.WITHDRAWN:
        return row  # the second click
    if row.state is not ReversalState.PROPOSED:
        raise Settled
    row.state, row.ended_at = ReversalState.WITHDRAWN, at
    audit.record(session, "reversal.withdrawn", by=by.id, subject=f"reversal:{row.id}")
    return row


def agree(session: Session, reversal_id: int, *, by: User, at: datetime) -> Reversal:
    """Agree as the second person: the decision is taken, told, and carried out."""
    row, payout = _locked(session, reversal_id)
    if row.agreed_by == by.id:
        return row  # the second click
    is_said = row.state is ReversalState.FOUND and row.cause is not None
    if row.state is not ReversalState.PROPOSED and not is_said:
        raise Settled
    if row.proposed_by == by.id:
        raise NeedsASecond
    if payout.expert_id == by.id:
        raise OwnPayout
    decision = _decide(session, row, payout, by, at)
    row.agreed_by, row.decision_id = by.id, decision.key
    decision_letters.tell(session, decision)
    audit.record(session, "reversal.agreed", by=by.id, subject=f"reversal:{row.id}")
    if is_said:
        _book(session, row, payout, at)
        return row
    row.state, row.asked_at = ReversalState.ASKING, at
    session.flush()  # the job must find it
    _defer(session, row)
    return row


def ask(reversal_id: int, rail: ReversalRail) -> str:
    """Ask the rail for what was agreed, or find that it has done it already."""
    with transaction() as session:
        row = session.get(Reversal, reversal_id)
    if row is None or row.state is not ReversalState.ASKING:
        return "nothing to do"
    try:
        told = rail.taken_back(row.stripe_transfer_id)
        made = next((one for one in told if one.reference == row.reference), None)
        made = made or rail.take_back(row.stripe_transfer_id, row.amount, reference=row.reference)
    except PayoutRefused as refusal:
        with transaction() as session:
            return _record_refused(session, reversal_id, refusal, at=now())
    except RailDown:
        return "the rail cannot be asked"  # the sweep asks again, and looks first
    with transaction() as session:
        return _record_done(session, reversal_id, made, at=now())


def to_ask(session: Session, at: datetime) -> list[int]:
    """Return reversals that were agreed to and whose answer is overdue."""
    question = select(Reversal.id).where(
        Reversal.state == ReversalState.ASKING, col(Reversal.asked_at) < at - ASK_AGAIN_AFTER
    )
    return [one for one in session.exec(question.limit(100)) if one is not None]


def notice(session: Session, entry: KeptEntry) -> bool:
    """Keep a reversal that was made at the rail by hand, for a person to say what it was."""
    if entry.kind != "transfer_refund" or not entry.parent_id or not entry.source_id:
        return False
    told = RailReversal(entry.source_id, entry.id, entry.amount, entry.reference, entry.happened_at)
    return keep_found(session, entry.parent_id, told)


def look_for(transfer_id: str, rail: ReversalRail) -> int:
    """Keep all reversals of a transfer that were made by hand; return how many were new."""
    told = rail.taken_back(transfer_id)
    with transaction() as session:
        for one in told:
            if (other := _other_currency(session, transfer_id, one)) is not None:
                raise ForeignMoney(other)
        return sum(keep_found(session, transfer_id, one) for one in told)


def keep_found(session: Session, transfer_id: str, told: RailReversal) -> bool:
    """Keep a reversal that the rail tells of, unless it is ours or known."""
    question = select(Payout).where(Payout.stripe_transfer_id == transfer_id)
    payout = session.exec(question).first()
    if payout is None or _is_ours(session, payout, told.reference):
        return False
    if _other_currency(session, transfer_id, told) is not None:
        return False  # its line stays foreign, and a person looks
    made = session.execute(
        insert(Reversal)
        .values(
            payout_id=payout.id,
            stripe_transfer_id=transfer_id,
            stripe_reversal_id=told.id,
            stripe_entry_id=told.entry_id,
            amount_minor=told.amount.minor,
            currency=told.amount.currency,
            state=ReversalState.FOUND,
            request_key=uuid4().hex,
            proposed_at=told.at,
        )
        .on_conflict_do_nothing()
        .returning(col(Reversal.id))
    ).first()
    if made is not None:
        audit.record(session, "reversal.found", by=None, subject=f"reversal:{made[0]}")
    return made is not None


def make_good(session: Session, decision: Decision, by: User, at: datetime) -> None:
    """Owe the expert again what an appeal found was rightly theirs."""
    row = _of_decision(session, decision)
    if row is None or row.cause != ReversalCause.SENT_TWICE or row.state is not ReversalState.DONE:
        return
    payout = answers.of(session, row.payout_id)
    owed = ledger.owed(payout.expert_id, row.currency)
    ledger.post(
        session,
        f"reversal:{row.id}:made-good",
        [ledger.Entry("amount", ledger.losses(row.currency), owed, row.amount)],
        at=at,
        narration="reversal made good",
        cause=f"reversal:{row.id}",
    )
    audit.record(session, "reversal.made_good", by=by.id, subject=f"reversal:{row.id}")


def is_in_force(session: Session, decision: Decision) -> bool:
    """Return whether what a decision took back is still taken from the expert."""
    row = _of_decision(session, decision)
    if row is None or row.cause != ReversalCause.SENT_TWICE:
        return False
    is_taken = row.state in (ReversalState.ASKING, ReversalState.DONE)
    return is_taken and not ledger.posted(session, f"reversal:{row.id}:made-good")


def _record_done(session: Session, reversal_id: int, made: RailReversal, *, at: datetime) -> str:
    row, payout = _locked(session, reversal_id)
    if row.state is ReversalState.ASKING:
        row.stripe_reversal_id, row.stripe_entry_id = made.id, made.entry_id
        _book(session, row, payout, made.at)
    return str(row.state)


def _record_refused(
    session: Session, reversal_id: int, refusal: PayoutRefused, *, at: datetime
) -> str:
    row, payout = _locked(session, reversal_id)
    if row.state is ReversalState.ASKING:
        row.state, row.trouble, row.ended_at = ReversalState.REFUSED, refusal.code, at
        audit.record(session, "reversal.refused", by=None, subject=f"reversal:{row.id}")
        expert = session.get_one(User, payout.expert_id)
        messages.write(session, to=expert, template="payouts/not_taken_back", reversal=row)
    return str(row.state)


def _book(session: Session, row: Reversal, payout: Payout, at: datetime) -> None:
    """Book the money to whom the cause says, under the rail's own line."""
    code = row.currency
    is_theirs = row.cause == ReversalCause.NOT_REACHED
    target = ledger.owed(payout.expert_id, code) if is_theirs else ledger.losses(code)
    line = rail_lines.Line(row.stripe_entry_id or "", row.amount, Money(0, code), at)
    narration = "payout taken back, owed again" if is_theirs else "second payout taken back"
    rail_lines.book(session, line, target, narration=narration, cause=f"reversal:{row.id}")
    row.state, row.ended_at = ReversalState.DONE, at
    audit.record(session, "reversal.done", by=None, subject=f"reversal:{row.id}")
    session.flush()  # it counts from here on
    if is_theirs and not left_of(session, payout):
        payout.state, payout.reason, payout.ended_at = PayoutState.FAILED, statements.TAKEN_BACK, at


def _check(payout: Payout, cause: Cause, by: User) -> None:
    if payout.expert_id == by.id:
        raise OwnPayout
    if not cause.is_whole:
        raise ReasonNeeded


def _other_currency(session: Session, transfer_id: str, told: RailReversal) -> str | None:
    """Return the currency of a reversal that is not the one of its payout."""
    question = select(Payout.currency).where(Payout.stripe_transfer_id == transfer_id)
    code = session.exec(question).first()
    return told.amount.currency if code not in (None, told.amount.currency) else None


def _is_ours(session: Session, payout: Payout, reference: str | None) -> bool:
    return any(row.reference == reference for row in of_payout(session, payout.id or 0))


def _locked(session: Session, reversal_id: int) -> tuple[Reversal, Payout]:
    found = session.get(Reversal, reversal_id)
    if found is None:
        raise NotFound
    # The payout first, as whoever proposes does.
    payout = answers.of(session, found.payout_id, lock=True)
    row = session.get_one(Reversal, reversal_id, with_for_update=True, populate_existing=True)
    return row, payout


def _of_decision(session: Session, decision: Decision) -> Reversal | None:
    return session.exec(select(Reversal).where(Reversal.decision_id == decision.id)).first()


def _defer(session: Session, row: Reversal) -> None:
    jobs.defer(
        session,
        "payouts.take_back",
        queue="money",
        queueing_lock=f"reversal:{row.id}",
        reversal_id=row.id,
    )


def _decide(session: Session, row: Reversal, payout: Payout, by: User, at: datetime) -> Decision:
    proposer = session.get_one(User, row.proposed_by)
    language = proposer.locale or "en"
    words, evidence = row.words or "", row.evidence or ""
    is_theirs = row.cause == ReversalCause.NOT_REACHED
    after = _l("The amount is owed to you again, and leaves once your account can receive it.")
    nothing = _l("What you have earned stays yours; only the second transfer is taken back.")
    return decisions.record(
        session,
        DecisionKind.PAYOUT_WITHHELD,
        About(
            person_id=payout.expert_id,
            subject=f"payout:{payout.id}",
            title=decisions.said(lambda: _("Payout %(number)s", number=payout.id)),
            path="/earnings",
        ),
        taken=Taken(by=row.proposed_by, second_by=by.id),
        reason=Reason(
            code=row.cause or "",
            words=decisions.said(lambda: f"{CAUSES[row.cause or '']} {words}"),
            evidence=[Evidence(words={language: evidence}, at=at)],
            would_change=decisions.said(lambda: str(after if is_theirs else nothing)),
        ),
        at=at,
        contest_until=at + CONTEST_FOR,
    )
