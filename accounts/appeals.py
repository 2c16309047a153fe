"""Appeals: a person asks, a person who did not decide looks again, and what was done is repaired.

Nobody who took a decision answers an appeal against it; the database refuses that too. Where an
organisation has nobody else, or lets the time run, the operator answers.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import starmap
from typing import Any

from sqlalchemy import ColumnElement, Double, and_, cast, or_
from sqlmodel import Session, col, func, select

from accounts import decision_letters, decisions, operators, organisations, repairs
from accounts.models import (
    IN_FAVOUR,
    Appeal,
    AppealFile,
    AppealGround,
    AppealOutcome,
    Decision,
    DecisionKind,
    Membership,
    RoleName,
    User,
)
from accounts.repairs import Repair
from core import audit, uploads
from core.errors import Conflict, Invalid, NotAllowed
from core.models import Upload

WORDS_AT_LEAST, WORDS_MOST = 20, 4000
ESCALATED_BEFORE = timedelta(days=4)


class NothingToContest(Conflict):
    """This decision is in your favour, so there is nothing to contest."""


class TooLate(Conflict):
    """The time to contest this decision is over."""


class WordsNeeded(Invalid):
    """Say why in at least %(letters)s characters: the other side reads your words."""


class AlreadyAnswered(Conflict):
    """Somebody has answered this appeal already."""


class OwnDecision(NotAllowed):
    """You took the decision, or it is about you, so another person looks at it again."""


class NotYours(NotAllowed):
    """This appeal is answered by the organisation that decided, until it is with the operator."""


@dataclass(frozen=True)
class Asked:
    """What a person says against a decision."""

    ground: AppealGround
    words: str
    upload_ids: tuple[int, ...] = ()


@dataclass(frozen=True)
class Answer:
    """What a second look has come to, in words."""

    outcome: AppealOutcome
    words: str


@dataclass(frozen=True)
class Tally:
    """How decisions of a kind fared; `days` is the median from appeal to answer."""

    kind: DecisionKind
    decisions: int
    appeals: int
    changed: int
    stands: int
    withdrawn: int
    waiting: int
    days: float | None


def of(session: Session, decision_id: int) -> Appeal | None:
    """Return the appeal against a decision, if there is one."""
    return session.exec(select(Appeal).where(Appeal.decision_id == decision_id)).first()


def against(session: Session, listed: Iterable[Decision]) -> dict[int, Appeal]:
    """Return the appeals against some decisions, by the decision."""
    keys = [one.key for one in listed]
    query = select(Appeal).where(col(Appeal.decision_id).in_(keys))
    return {one.decision_id: one for one in session.exec(query)}


def is_in_force(session: Session, decision: Decision, appeal: Appeal | None) -> bool:
    """Return whether a decision still holds: not changed on appeal, and not ended by itself."""
    if appeal is not None and appeal.outcome is AppealOutcome.CHANGED:
        return False
    return repairs.is_in_force(session, decision)


def files(session: Session, appeal: Appeal) -> list[Upload]:
    """Return the files that were handed in with an appeal."""
    query = select(AppealFile.upload_id).where(AppealFile.appeal_id == appeal.id)
    return uploads.of(session, session.exec(query))


def can_be_filed(session: Session, decision: Decision, at: datetime) -> bool:
    """Say whether a person may contest a decision now."""
    return (
        decision.is_adverse
        and decision.contest_until is not None
        and at <= decision.contest_until
        and of(session, decision.key) is None
    )


def file(
    session: Session, decision: Decision, asked: Asked, *, answer_within: timedelta, at: datetime
) -> Appeal:
    """Contest a decision, once; a second click returns the first appeal.

    `decision` is locked by the caller, so that of two clicks at once one waits for the other.
    """
    earlier = of(session, decision.key)
    if earlier is not None:
        return earlier
    if not decision.is_adverse:
        raise NothingToContest
    if decision.contest_until is None or at > decision.contest_until:
        raise TooLate
    made = Appeal(
        decision_id=decision.key,
        ground=asked.ground,
        words=_checked(asked.words),
        asked_at=at,
        answer_by=at + answer_within,
        # Where an organisation has nobody else, it is the operator's from the start.
        escalated_at=None if _has_reviewers(session, decision) else at,
    )
    session.add(made)
    session.flush()  # the letters and files name the appeal
    for upload_id in asked.upload_ids:
        session.add(AppealFile(appeal_id=made.id or 0, upload_id=upload_id))
    _tell_person(session, decision, made, "appeal_received")
    _tell_reviewers(session, decision, made)
    _record(session, decision, made, "filed", by=decision.person_id)
    return made


def withdraw(session: Session, decision: Decision, appeal: Appeal, *, at: datetime) -> None:
    """Take an appeal back; `appeal` is locked. A second click changes nothing."""
    if appeal.outcome is AppealOutcome.WITHDRAWN:
        return
    if not appeal.is_open:
        raise AlreadyAnswered
    appeal.outcome, appeal.answered_at = AppealOutcome.WITHDRAWN, at
    session.add(appeal)
    _record(session, decision, appeal, "withdrawn", by=decision.person_id)


def answer(
    session: Session,
    appeal: Appeal,
    given: Answer,
    *,
    repairs: Mapping[DecisionKind, Repair],
    by: User,
    at: datetime,
) -> None:
    """Say what a second look has come to, once, and repair what the decision did.

    `appeal` is locked by the caller.
    """
    if appeal.outcome is given.outcome and appeal.answered_by == by.id:
        return  # the second click
    if not appeal.is_open:
        raise AlreadyAnswered
    decision = session.get_one(Decision, appeal.decision_id)
    check_may_answer(session, decision, appeal, by)
    # All facts at once: the database refuses an outcome without its reasons.
    reply = _checked(given.words)
    appeal.outcome, appeal.reply = given.outcome, reply
    appeal.answered_by, appeal.answered_at = by.id, at
    session.add(appeal)
    if given.outcome is AppealOutcome.CHANGED:
        repairs[decision.kind](session, decision, by, at)
    _tell_person(session, decision, appeal, "appeal_answered")
    _record(session, decision, appeal, str(given.outcome), by=by.id)


def check_may_answer(session: Session, decision: Decision, appeal: Appeal, by: User) -> None:
    """Raise unless a person is one who may answer, and did not decide."""
    if by.id in _barred(decision):
        raise OwnDecision
    if decision.organisation_id is None or appeal.escalated_at is not None:
        if by.has(RoleName.OPERATOR):
            return
        if decision.organisation_id is None:
            raise NotYours
    if decision.organisation_id not in organisations.ids_of(session, by.id):
        raise NotYours


def may_answer(session: Session, decision: Decision, appeal: Appeal, by: User) -> bool:
    """Say whether a person may answer an appeal."""
    try:
        check_may_answer(session, decision, appeal, by)
    except NotAllowed:
        return False
    return appeal.is_open


def visible_to(session: Session, user: User) -> Any:
    """Return the query of (appeal, decision) that a person may see as a reviewer, oldest due first.

    Operators see all, others those of their organisations; nobody sees those about themselves.
    """
    return (
        select(Appeal, Decision)
        .join(Decision, col(Decision.id) == col(Appeal.decision_id))
        .where(_visible(session, user))
        .order_by(col(Appeal.outcome).is_not(None), col(Appeal.answer_by), col(Appeal.id))
    )


def answerable(session: Session, user: User) -> ColumnElement[bool]:
    """Return the condition, on appeals joined with decisions, that a person may answer one now."""
    deciding = or_(col(Decision.decided_by) == user.id, col(Decision.second_by) == user.id)
    mine = list(organisations.ids_of(session, user.id))
    in_turn: ColumnElement[bool] = col(Decision.organisation_id).in_(mine)
    if user.has(RoleName.OPERATOR):
        in_turn = or_(
            in_turn, col(Decision.organisation_id).is_(None), col(Appeal.escalated_at).is_not(None)
        )
    return and_(
        col(Appeal.outcome).is_(None),
        in_turn,
        col(Decision.person_id) != user.id,
        func.coalesce(deciding, False).is_(False),
    )


def waiting_for(session: Session, user: User) -> int:
    """Count the appeals that a person may answer now."""
    query = (
        select(func.count())
        .select_from(Appeal)
        .join(Decision, col(Decision.id) == col(Appeal.decision_id))
        .where(answerable(session, user))
    )
    return session.exec(query).one()


def without_answerer(session: Session) -> list[int]:
    """Return the appeals that nobody may answer, now or once they are with the operator."""
    rows = session.exec(
        select(Appeal, Decision)
        .join(Decision, col(Decision.id) == col(Appeal.decision_id))
        .where(col(Appeal.outcome).is_(None))
        .order_by(col(Appeal.id))
    ).all()
    everybody = {one.id for one in operators.besides(session)} if rows else set()
    return [
        appeal.id or 0
        for appeal, decision in rows
        if not (everybody - _barred(decision) or _answers_itself(session, decision, appeal))
    ]


def escalate_due(session: Session, *, at: datetime) -> int:
    """Bring appeals that an organisation is about to leave unanswered before the operator."""
    rows = session.exec(
        select(Appeal)
        .where(
            col(Appeal.outcome).is_(None),
            col(Appeal.escalated_at).is_(None),
            col(Appeal.answer_by) <= at + ESCALATED_BEFORE,
        )
        .order_by(col(Appeal.id))
        .limit(100)
        .with_for_update(skip_locked=True)
    ).all()
    for appeal in rows:
        decision = session.get_one(Decision, appeal.decision_id)
        appeal.escalated_at = at
        session.add(appeal)
        _write(session, _operators(session, decision), "appeal_escalated", decision, appeal)
        _record(session, decision, appeal, "escalated", by=None)
    return len(rows)


def statistics(session: Session, *, since: datetime | None = None) -> list[Tally]:
    """Return how adverse decisions fared, by kind; only kinds of which there are any."""
    took = col(Appeal.answered_at) - col(Appeal.asked_at)
    days = cast(func.extract("epoch", took), Double) / 86_400
    answered = col(Appeal.outcome).in_([AppealOutcome.CHANGED, AppealOutcome.STANDS])

    def having(outcome: AppealOutcome) -> Any:
        return func.count().filter(col(Appeal.outcome) == outcome)

    query: Any = (
        select(  # type: ignore[call-overload]
            Decision.kind,
            func.count(),
            func.count(col(Appeal.id)),
            having(AppealOutcome.CHANGED),
            having(AppealOutcome.STANDS),
            having(AppealOutcome.WITHDRAWN),
            func.count().filter(col(Appeal.id).is_not(None), col(Appeal.outcome).is_(None)),
            func.percentile_cont(0.5).within_group(days).filter(answered),
        )
        .outerjoin(Appeal, col(Appeal.decision_id) == col(Decision.id))
        .where(col(Decision.kind).not_in(IN_FAVOUR))
        .group_by(Decision.kind)
        .order_by(Decision.kind)
    )
    if since is not None:
        query = query.where(Decision.decided_at >= since)
    return list(starmap(Tally, session.execute(query)))


def _visible(session: Session, user: User) -> ColumnElement[bool]:
    not_about_them: ColumnElement[bool] = col(Decision.person_id) != user.id
    if user.has(RoleName.OPERATOR):
        return not_about_them
    mine = list(organisations.ids_of(session, user.id))
    return and_(not_about_them, col(Decision.organisation_id).in_(mine))


def _answers_itself(session: Session, decision: Decision, appeal: Appeal) -> bool:
    """Whether the organisation that decided has somebody else, and still its turn."""
    if decision.organisation_id is None or appeal.escalated_at is not None:
        return False
    return bool(_members(session, decision))


def _has_reviewers(session: Session, decision: Decision) -> bool:
    return decision.organisation_id is None or bool(_members(session, decision))


def _members(session: Session, decision: Decision) -> list[User]:
    """Return the members of the organisation who neither decided nor are the person."""
    found = session.exec(
        select(User)
        .join(Membership, col(Membership.user_id) == col(User.id))
        .where(Membership.organisation_id == decision.organisation_id, col(User.active))
        .order_by(col(User.id))
    )
    return _others(found, decision)


def _operators(session: Session, decision: Decision) -> list[User]:
    return operators.besides(session, _barred(decision))


def _others(people: Iterable[User], decision: Decision) -> list[User]:
    barred = _barred(decision)
    return [one for one in people if one.id not in barred]


def _barred(decision: Decision) -> set[int]:
    return {decision.person_id, *decisions.deciders(decision)}


def _tell_reviewers(session: Session, decision: Decision, appeal: Appeal) -> None:
    with_operator = decision.organisation_id is None or appeal.escalated_at is not None
    people = _operators(session, decision) if with_operator else _members(session, decision)
    _write(session, people, "appeal_to_answer", decision, appeal)


def _tell_person(session: Session, decision: Decision, appeal: Appeal, template: str) -> None:
    _write(session, [session.get_one(User, decision.person_id)], template, decision, appeal)


def _write(
    session: Session, people: Iterable[User], template: str, decision: Decision, appeal: Appeal
) -> None:
    for person in people:
        decision_letters.write(session, person, template, decision, appeal)


def _checked(words: str) -> str:
    kept = words.strip()
    if len(kept) < WORDS_AT_LEAST:
        raise WordsNeeded(letters=WORDS_AT_LEAST)
    return kept[:WORDS_MOST]


def _record(
    session: Session, decision: Decision, appeal: Appeal, what: str, *, by: int | None
) -> None:
    audit.record(
        session,
        f"appeal.{what}",
        by=by,
        subject=decision.subject,
        details={"decision_id": decision.id, "appeal_id": appeal.id},
    )
