"""Tax details that the law asks for: asked once, reminded twice, then payouts wait for them.

EU directive 2021/514 (DAC7), annex V, section IV: payment may be withheld after two reminders
following the first request, and not before 60 days. The hold is a decision of a rule, with reasons
and an appeal like any other; completing the details lifts it at once, and so does an operator or
an appeal, which excuses the expert until the end of that year. Nothing owed is ever lost.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import func
from sqlmodel import Session, col, select

from accounts import decision_letters, decisions
from accounts.decisions import About, Evidence, Reason, Taken
from accounts.models import DecisionKind, User
from core import audit, formats, messages
from core.money import EXPONENTS, Money
from core.settings import Settings
from payouts import holds, payees, requests, sending, tax
from payouts.models import Account, AccountKind, Move, PayoutHold
from payouts.tax import Details
from payouts.tax_models import Outcome, TaxProfile, TaxRequest

RULE, VERSION = "TAX-1", "1"
AFTER_LATE_REMINDER = timedelta(days=14)  # where a reminder went out late, the hold waits for it


@dataclass(frozen=True)
class Terms:
    """From which amount in a year details are asked for, and after how many days what happens."""

    least: Mapping[str, Money]
    remind: timedelta
    remind_again: timedelta
    hold: timedelta

    @classmethod
    def of(cls, settings: Settings) -> "Terms":
        """Read the operator's terms."""
        first, second = settings.tax_reminder_days
        return cls(
            {
                code: Money(major * 10 ** EXPONENTS[code], code)
                for code, major in settings.tax_details_from.items()
            },
            timedelta(days=first),
            timedelta(days=second),
            timedelta(days=settings.tax_hold_days),
        )


def open_request(session: Session, expert_id: int) -> TaxRequest | None:
    """Return what was asked of an expert and is not answered."""
    question = select(TaxRequest).where(
        TaxRequest.expert_id == expert_id, col(TaxRequest.closed_at).is_(None)
    )
    return session.exec(question).first()


def keep(
    session: Session, expert_id: int, details: Details, *, seen: int, wants_w8: bool, at: datetime
) -> TaxProfile:
    """Save details, and send what waited for them as soon as they are complete."""
    saved = tax.save(session, expert_id, details, seen=seen, wants_w8=wants_w8, at=at)
    settle(session, expert_id, at=at)
    return saved


def to_ask(
    session: Session, least: Mapping[str, Money], *, at: datetime, limit: int = 200
) -> list[int]:
    """Return experts who were credited enough this year and have not stated all."""
    found: list[int] = []
    for code, amount in sorted(least.items()):
        question = _credited(code, at).having(func.sum(Move.amount) >= max(1, amount.minor))
        found += [expert_id for expert_id, _minor in session.exec(question.limit(limit))]
    return list(dict.fromkeys(found))[:limit]


def ask(session: Session, expert_id: int, terms: Terms, *, at: datetime) -> TaxRequest | None:
    """Ask an expert for their details by letter, with every date that follows; once."""
    payees.locked(session, expert_id, at=at)
    user = session.get(User, expert_id)
    if user is None or tax.is_complete(session, expert_id) or open_request(session, expert_id):
        return None
    credited = _most_credited(session, expert_id, terms, at)
    if credited is None:
        return None
    row = TaxRequest(
        expert_id=expert_id,
        currency=credited.currency,
        credited_minor=credited.minor,
        asked_at=at,
        remind_at=at + terms.remind,
        remind_again_at=at + terms.remind_again,
        hold_from=at + terms.hold,
    )
    session.add(row)
    session.flush()  # the database refuses a second open one
    messages.write(session, to=user, template="payouts/tax_asked", ask=row)
    audit.record(session, "tax.asked", by=None, subject=f"expert:{expert_id}")
    return row


def due(session: Session, at: datetime, limit: int = 500) -> list[int]:
    """Return experts with something to do: a reminder, a hold, or one that was lifted."""
    late = (
        (col(TaxRequest.reminded_at).is_(None) & (col(TaxRequest.remind_at) <= at))
        | (col(TaxRequest.reminded_again_at).is_(None) & (col(TaxRequest.remind_again_at) <= at))
        | (col(TaxRequest.hold_from) <= at)
    )
    question = (
        select(TaxRequest.expert_id)
        .where(col(TaxRequest.closed_at).is_(None), late)
        .order_by(col(TaxRequest.hold_from))
        .limit(limit)
    )
    return list(session.exec(question))


def go_on(session: Session, expert_id: int, *, at: datetime) -> str:
    """Take the next step with one expert: remind, remind again, withhold, or close."""
    payees.locked(session, expert_id, at=at)
    row = open_request(session, expert_id)
    if row is None or settle(session, expert_id, at=at):
        return "settled"
    if row.decision_id is not None:
        return _look_at_hold(session, row, at)
    if row.reminded_at is None:
        return _remind(session, row, 1, at) if row.remind_at <= at else "waits"
    if row.reminded_again_at is None:
        return _remind(session, row, 2, at) if row.remind_again_at <= at else "waits"
    if row.hold_from <= at and holds.of(session, expert_id) is None:
        _withhold(session, row, at)
        return "withheld"
    return "waits"


def settle(session: Session, expert_id: int, *, at: datetime) -> bool:
    """Close the request of an expert whose details are complete, and lift the hold it brought."""
    if not tax.is_complete(session, expert_id):
        return False
    row = open_request(session, expert_id)
    if row is None:
        return False
    row.closed_at, row.outcome = at, Outcome.COMPLETE
    session.add(row)
    held = holds.of(session, expert_id)
    if held is not None and held.decision_id == row.decision_id:
        _lift(session, held, at)
    return True


def _lift(session: Session, held: PayoutHold, at: datetime) -> None:
    held.lifted_at = at
    session.add(held)
    session.flush()  # what is taken up must not find it
    payee = payees.locked(session, held.expert_id, at=at)
    sending.resume(session, payee)
    requests.make_up(session, payee, since=held.held_at, key=f"hold-{held.id}", at=at)
    user = session.get_one(User, held.expert_id)
    messages.write(session, to=user, template="payouts/hold_lifted")
    audit.record(session, "payout.hold_lifted", by=None, subject=f"expert:{held.expert_id}")


def _look_at_hold(session: Session, row: TaxRequest, at: datetime) -> str:
    held = holds.of(session, row.expert_id)
    if held is not None and held.decision_id == row.decision_id:
        return "waits"
    # A person has lifted it though details are missing: that stands until the year is over.
    row.closed_at, row.outcome = at, Outcome.EXCUSED
    session.add(row)
    audit.record(session, "tax.excused", by=None, subject=f"expert:{row.expert_id}")
    return "excused"


def _remind(session: Session, row: TaxRequest, number: int, at: datetime) -> str:
    if number == 1:
        row.reminded_at = at
        # Where the first went out late, the second keeps its distance.
        row.remind_again_at = max(row.remind_again_at, at + AFTER_LATE_REMINDER / 2)
        row.hold_from = max(row.hold_from, row.remind_again_at + AFTER_LATE_REMINDER)
    else:
        row.reminded_again_at = at
        row.hold_from = max(row.hold_from, at + AFTER_LATE_REMINDER)
    session.add(row)
    user = session.get_one(User, row.expert_id)
    messages.write(session, to=user, template="payouts/tax_reminder", ask=row, is_last=number == 2)
    audit.record(
        session,
        "tax.reminded",
        by=None,
        subject=f"expert:{row.expert_id}",
        details={"number": number},
    )
    return f"reminded {number}"


def _withhold(session: Session, row: TaxRequest, at: datetime) -> None:
    decision = decisions.record(
        session,
        DecisionKind.PAYOUT_WITHHELD,
        About(
            person_id=row.expert_id,
            subject=f"expert:{row.expert_id}",
            title=decisions.said(lambda: _("Payouts")),
            path="/earnings/tax",
        ),
        taken=Taken(rule=RULE, rule_version=VERSION),
        reason=Reason(
            code="tax_details",
            words=decisions.said(lambda: str(holds.REASONS["tax_details"])),
            evidence=_evidence(row),
            would_change=decisions.said(
                lambda: _(
                    "Complete your tax details: on the same day all that is owed is sent, without "
                    "anybody’s further decision."
                )
            ),
        ),
        at=at,
        contest_until=at + holds.CONTEST_FOR,
    )
    session.add(PayoutHold(expert_id=row.expert_id, decision_id=decision.key, held_at=at))
    row.decision_id = decision.key
    session.add(row)
    decision_letters.tell(session, decision)


def _evidence(row: TaxRequest) -> Sequence[Evidence]:
    def asked() -> str:
        return str(_("Details were asked for on %(day)s.", day=formats.day_long(row.asked_at)))

    def reminded() -> str:
        words = _(
            "Reminders were sent on %(first)s and %(second)s.",
            first=formats.day_long(row.reminded_at or row.remind_at),
            second=formats.day_long(row.reminded_again_at or row.remind_again_at),
        )
        return str(words)

    return [
        Evidence(words=decisions.said(asked), at=row.asked_at),
        Evidence(words=decisions.said(reminded), at=row.reminded_again_at),
    ]


def _most_credited(session: Session, expert_id: int, terms: Terms, at: datetime) -> Money | None:
    """Return what was credited this year in the first currency that is over its amount."""
    for code, least in sorted(terms.least.items()):
        question = _credited(code, at).where(Account.owner_id == expert_id)
        for _expert_id, minor in session.exec(question):
            if minor >= max(1, least.minor):
                return Money(int(minor), code)
    return None


def _credited(code: str, at: datetime):  # type: ignore[no-untyped-def]
    """Select experts and what work has credited to them this year, of those that may be asked."""
    year = datetime(at.astimezone(UTC).year, 1, 1, tzinfo=UTC)
    newest = (
        select(TaxProfile.is_complete)
        .where(TaxProfile.expert_id == Account.owner_id)
        .order_by(col(TaxProfile.version).desc())
        .limit(1)
        .scalar_subquery()
    )
    asked = select(TaxRequest.id).where(
        TaxRequest.expert_id == Account.owner_id,
        col(TaxRequest.closed_at).is_(None)
        | ((col(TaxRequest.outcome) == Outcome.EXCUSED) & (col(TaxRequest.closed_at) >= year)),
    )
    from_project = select(Account.id).where(
        col(Account.kind).in_((AccountKind.PROJECT_BUDGET, AccountKind.PROJECT_RESERVE))
    )
    return (
        select(Account.owner_id, func.sum(Move.amount))
        .join(Move, col(Move.credit_account_id) == col(Account.id))
        .join(User, col(User.id) == col(Account.owner_id))
        .where(
            Account.kind == AccountKind.EXPERT_OWED,
            Account.currency == code,
            col(Move.happened_at) >= year,
            col(Move.debit_account_id).in_(from_project),
            col(User.active).is_(True),
            ~func.coalesce(newest, False),
            ~asked.exists(),
        )
        .group_by(col(Account.owner_id))
        .order_by(col(Account.owner_id))
    )
