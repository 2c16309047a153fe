"""Raw SQL that would bring about an adverse state without its reasons: all of it is refused.

Each state is tried with no decision, one of another kind, one about somebody else and one about
another row, and once it stands, with its decision taken away. The same statement with the right
decision has to pass, so that nothing is refused for another cause. Everything happens in
savepoints of the caller's transaction.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from accounts import decisions
from accounts.decisions import About, Evidence, Reason, Taken
from accounts.models import BY_TWO, Decision, DecisionKind, User
from annotation.models import State
from core.clock import now
from experts.models import Expert
from payouts import earnings
from tests.factories.accounts import make_user
from tests.factories.annotation import make_assignment, make_desk
from tests.factories.decisions import contest, decision_of, make_refused
from tests.factories.experts import make_expert, make_licence
from tests.factories.interviews import make_interview
from tests.factories.questions import make_question
from tests.factories.samples import make_sample, make_sample_desk

SAID = {"en": "A sentence that gives the reason in words."}
REASON = Reason("copied_answers", SAID, [Evidence(SAID)], SAID)

_REFUSED_WORK = (
    "UPDATE assignment SET state = '{0}', verdict = '{0}', decided_at = now(), decided_by = :by,"
    " reason_code = 'x', reason_clause = '1', reason_words = repeat('x', 30),"
    " decision_id = :decision WHERE id = :row"
)
_STANDING = "UPDATE expert SET standing = '{0}', decision_id = :decision WHERE user_id = :row"

# By kind of decision: what its subject begins with, the table and its key, and the statement.
STATES: dict[DecisionKind, tuple[str, str, str, str]] = {
    DecisionKind.WORK_REJECTED: (
        "assignment",
        "assignment",
        "id",
        _REFUSED_WORK.format("rejected"),
    ),
    DecisionKind.WORK_PARTLY_ACCEPTED: (
        "assignment",
        "assignment",
        "id",
        _REFUSED_WORK.format("partly_accepted"),
    ),
    DecisionKind.INTERVIEW_FAILED: (
        "interview",
        "interview",
        "id",
        "UPDATE interview SET state = 'failed', finished_at = now(), level = 0.2,"
        " scorecard = '{\"x\": 1}', decided_at = now(), decided_by = :by,"
        " reason_code = 'total_below',"
        ' reason_words = \'{"en": "x"}\', evidence = \'["x"]\', would_change = \'{"en": "x"}\','
        " contest_until = now() + interval '1 day', retake_from = now(),"
        " decision_id = :decision WHERE id = :row",
    ),
    DecisionKind.SAMPLE_FAILED: (
        "work_sample",
        "work_sample",
        "id",
        "UPDATE work_sample SET state = 'failed', finished_at = now(), score = 0.2,"
        " scorecard = '{\"x\": 1}', decided_at = now(), decided_by = :by,"
        " contest_until = now() + interval '1 day', decision_id = :decision WHERE id = :row",
    ),
    DecisionKind.QUESTION_HIDDEN: (
        "task_question",
        "task_question",
        "id",
        "UPDATE task_question SET hidden_at = now(), hidden_by = :by,"
        " hidden_reason = 'It names a person of the contract.', decision_id = :decision"
        " WHERE id = :row",
    ),
    DecisionKind.EXPERT_RESTRICTED: ("expert", "expert", "user_id", _STANDING.format("restricted")),
    DecisionKind.EXPERT_REMOVED: ("expert", "expert", "user_id", _STANDING.format("removed")),
    DecisionKind.CREDENTIAL_REFUSED: (
        "licence",
        "licence",
        "id",
        "UPDATE licence SET refused_at = now(), decision_id = :decision WHERE id = :row",
    ),
    DecisionKind.PAYOUT_WITHHELD: (
        "expert",
        "payout_hold",
        "expert_id",
        "INSERT INTO payout_hold (expert_id, decision_id, held_at) VALUES (:row, :decision, now())",
    ),
}
# What a whole decision lacks when one column is set so.
PARTS = [
    ("reason_code", "'  '"),
    ("reason_words", "'{}'"),
    ("reason_words", '\'{"en": "  "}\''),
    ("reason_words", "'{\"en\": 7}'"),
    ("evidence", "'[]'"),
    ("evidence", "'{}'"),
    ("evidence", "'[{}]'"),
    ("evidence", "'[null]'"),
    ("evidence", '\'[{"words": {"en": " "}}]\''),
    ("would_change", "'{}'"),
    ("title", "'{}'"),
    ("decided_by", "NULL"),
    ("decided_by", "person_id"),
    ("rule", "'XX'"),
    ("contest_until", "NULL"),
    ("contest_until", "decided_at"),
    ("effective_at", "decided_at - interval '1 day'"),
    ("llm_model", "'m'"),
    ("prompt_version", "'p'"),
    ("kind", "'expert_restricted'"),
    ("kind", "'expert_removed'"),
]
CHANGES = [
    "UPDATE decision SET reason_code = 'other'",
    'UPDATE decision SET reason_words = \'{"en": "other"}\'',
    "UPDATE decision SET evidence = '[\"other\"]'",
    "UPDATE decision SET contest_until = now()",
    "UPDATE decision SET decided_by = second_by",
    "DELETE FROM decision",
    "TRUNCATE decision CASCADE",
    "DELETE FROM appeal",
    "TRUNCATE appeal CASCADE",
    "UPDATE appeal SET words = repeat('y', 40)",
    "UPDATE appeal SET answer_by = answer_by + interval '1 year'",
    "UPDATE appeal SET outcome = 'stands', answered_at = now()",
    "UPDATE appeal SET escalated_at = NULL",
]
ANSWER = (
    "UPDATE appeal SET outcome = 'stands', reply = repeat('x', 30), answered_at = now(),"
    " answered_by = :by WHERE decision_id = :decision"
)


@dataclass
class Outcome:
    """What the attempts came to."""

    tried: int = 0
    passed: int = 0
    gaps: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.tried} attempts by raw SQL refused, {self.passed} with the right decision taken"
        )


@dataclass(frozen=True)
class _Row:
    kind: DecisionKind
    id: int
    person_id: int


def attempts(session: Session) -> Outcome:
    """Try everything; rows are made in the session's transaction, which the caller rolls back."""
    found = Outcome()
    deciders = [make_user(session, "operator") for _ in range(2)]
    for kind in STATES:
        row, other = _row(session, kind), _row(session, kind)
        _state(session, found, row, other, deciders)
    _part_payment(session, found)
    _parts(session, found, deciders)
    _changes(session, found, deciders)
    return found


def _state(session: Session, found: Outcome, row: _Row, other: _Row, deciders: list[User]) -> None:
    subject, table, key, statement = STATES[row.kind]
    mine = f"{subject}:{row.id}"
    wrong = next(kind for kind in STATES if kind not in (row.kind, *BY_TWO))
    against: dict[str, int | None] = {
        "no decision": None,
        "another kind": _decide(session, wrong, row.person_id, mine, deciders),
        "somebody else": _decide(session, row.kind, other.person_id, mine, deciders),
        "another row": _decide(session, row.kind, row.person_id, f"{subject}:{10**8}", deciders),
    }
    values = {"row": row.id, "by": deciders[0].id}
    for how, decision_id in against.items():
        _refuse(session, found, statement, f"{row.kind}: {how}", decision=decision_id, **values)
    right = _decide(session, row.kind, row.person_id, mine, deciders)
    if _fails(session, statement, keep=True, decision=right, **values):
        found.gaps.append(f"{row.kind}: refused with its own decision, so nothing is shown")
        return
    found.passed += 1
    _after_an_appeal(session, found, row, right, deciders)
    for how, decision_id in against.items():
        take_away = f"UPDATE {table} SET decision_id = :decision WHERE {key} = :row"  # noqa: S608
        said = f"{row.kind}: replaced afterwards by {how}"
        _refuse(session, found, take_away, said, decision=decision_id, row=row.id)


def _after_an_appeal(
    session: Session, found: Outcome, row: _Row, right: int, deciders: list[User]
) -> None:
    """A decision that an appeal has changed brings nothing about any more."""
    savepoint = session.begin_nested()
    appeal = contest(session, session.get_one(Decision, right))
    session.flush()
    values = {"by": make_user(session, "operator").id, "decision": right}
    session.execute(text(ANSWER.replace("'stands'", "'changed'")), values)
    statement = STATES[row.kind][3]
    again = {"decision": right, "row": row.id, "by": deciders[0].id}
    if row.kind is DecisionKind.PAYOUT_WITHHELD:
        statement = "UPDATE payout_hold SET held_at = now() WHERE decision_id = :decision"
    _refuse(session, found, statement, f"{row.kind}: again after appeal {appeal.id}", **again)
    savepoint.rollback()


def _part_payment(session: Session, found: Outcome) -> None:
    """Work is not paid in part either, however the assignment stands."""
    lease = make_refused(session, make_desk(session), state=State.SUBMITTED)
    statement = (
        "UPDATE reservation SET state = 'earned', earned_minor = pay_minor / 2, ended_at = now()"
        " WHERE assignment_id = :row"
    )
    _refuse(session, found, statement, "work paid in part: no decision", row=lease.id)
    session.execute(
        text("UPDATE reservation SET submitted_at = now() WHERE assignment_id = :row"),
        {"row": lease.id},
    )
    statement = (
        "UPDATE reservation SET state = 'released', ended_at = now() WHERE assignment_id = :row"
    )
    _refuse(
        session, found, statement, "pay of work handed in given back: no decision", row=lease.id
    )
    earned = make_refused(session, make_desk(session), state=State.SUBMITTED)
    earnings.earn(session, earned.project_id, earned.id or 0, earned.expert_id, now())
    session.flush()
    _refuse(session, found, statement, "what is earned taken back", row=earned.id)


def _parts(session: Session, found: Outcome, deciders: list[User]) -> None:
    expert = make_expert(session)
    whole = _decide(
        session, DecisionKind.PAYOUT_WITHHELD, expert.user_id, f"expert:{expert.user_id}", deciders
    )
    columns = [one.name for one in Decision.__table__.columns if one.name != "id"]  # type: ignore[attr-defined]
    for column, value in PARTS:
        values = [value if name == column else name for name in columns]
        statement = (
            f"INSERT INTO decision ({', '.join(columns)})"  # noqa: S608
            f" SELECT {', '.join(values)} FROM decision WHERE id = {whole}"
        )
        _refuse(session, found, statement, f"a decision with {column} {value}")


def _changes(session: Session, found: Outcome, deciders: list[User]) -> None:
    desk = make_desk(session)
    lease = make_refused(session, desk)
    contest(session, decision_of(session, lease))
    session.flush()
    for statement in CHANGES:
        _refuse(session, found, statement, statement)
    for by in (desk.owner.id, lease.expert_id):
        said = "an appeal answered by who decided or whom it is about"
        _refuse(session, found, ANSWER, said, by=by, decision=lease.decision_id)


def _row(session: Session, kind: DecisionKind) -> _Row:
    """Make a row that stands in nobody's way yet."""
    if kind in (DecisionKind.WORK_REJECTED, DecisionKind.WORK_PARTLY_ACCEPTED):
        lease = make_refused(session, make_desk(session), state=State.SUBMITTED)
        return _Row(kind, lease.id or 0, lease.expert_id)
    if kind is DecisionKind.INTERVIEW_FAILED:
        interview = make_interview(session)
        return _Row(kind, interview.id or 0, interview.expert_id)
    if kind is DecisionKind.SAMPLE_FAILED:
        found = make_sample(session, make_sample_desk(session))
        return _Row(kind, found.key, found.expert_id or 0)
    if kind is DecisionKind.QUESTION_HIDDEN:
        question = make_question(session, make_assignment(session, make_desk(session).project))
        return _Row(kind, question.id or 0, question.expert_id)
    expert: Expert = make_expert(session)
    if kind is DecisionKind.CREDENTIAL_REFUSED:
        return _Row(kind, make_licence(session, expert).id or 0, expert.user_id)
    return _Row(kind, expert.user_id, expert.user_id)


def _decide(
    session: Session, kind: DecisionKind, person_id: int, subject: str, deciders: list[User]
) -> int:
    first, second = (one.id for one in deciders)
    at = now()
    made = decisions.record(
        session,
        kind,
        About(person_id, subject, SAID, "/profile"),
        taken=Taken(by=first, second_by=second if kind in BY_TWO else None),
        reason=REASON,
        at=at,
        contest_until=at + timedelta(days=14),
    )
    session.flush()
    return made.key


def _refuse(session: Session, found: Outcome, statement: str, said: str, **values: Any) -> None:
    found.tried += 1
    if not _fails(session, statement, **values):
        found.gaps.append(f"not refused: {said}")


def _fails(session: Session, statement: str, *, keep: bool = False, **values: Any) -> bool:
    savepoint = session.begin_nested()
    try:
        session.execute(text(statement), values)
    except DBAPIError:
        savepoint.rollback()
        return True
    (savepoint.commit if keep else savepoint.rollback)()
    return False
