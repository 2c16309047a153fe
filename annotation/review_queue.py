"""What waits for an owner's verdict: answers side by side, and refusals to look at again."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, literal, tuple_
from sqlalchemy import select as select_columns
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from accounts import appeals, organisations
from accounts.models import Appeal, Decision, User
from annotation import agreement, gold, review, shown
from annotation.gold import GoldScore
from annotation.label_config import LabelConfig, parse
from annotation.models import IN_HAND, Annotation, Assignment, State, Task
from annotation.shown import Shown
from experts.models import Expert
from projects.models import Project, Validation, id_of

COMPARED = (State.SUBMITTED, State.ACCEPTED, State.PARTLY_ACCEPTED, State.REJECTED)
BULK = 200
REACHED = 500  # tasks, the most urgent, that the pages of a queue lead to
COUNTED = 1000  # whoever has so many waiting reads no number


@dataclass(frozen=True)
class ReviewAnswer:
    """One expert's answer beside the others'."""

    assignment: Assignment
    pseudonym: str
    shown: Shown
    # None without a known answer, or where no measure can compare it.
    gold: GoldScore | None
    agrees: bool | None
    alone: frozenset[Any]

    @property
    def waits(self) -> bool:
        """Whether it has no verdict yet."""
        return self.assignment.state is State.SUBMITTED


@dataclass(frozen=True)
class ReviewTask:
    """A task with its answers, and how far they agree."""

    task: Task
    text: str
    answers: tuple[ReviewAnswer, ...]
    consensus: str | None
    agreement: float | None
    known: str | None
    still_open: int

    @property
    def drawn(self) -> frozenset[str]:
        """The pictures that stand beside the answers with what was drawn on them."""
        return frozenset(
            drawing.picture for answer in self.answers for drawing in answer.shown.drawings
        )

    @property
    def review_by(self) -> datetime | None:
        """When the first of its answers is accepted by itself."""
        return min(
            (a.assignment.review_by for a in self.answers if a.waits and a.assignment.review_by),
            default=None,
        )


@dataclass(frozen=True)
class Bulk:
    """What accepting all that agree has done."""

    accepted: int
    more: bool


def tasks(project: Project, *, all_waiting: bool = False) -> Any:
    """Select the tasks that wait for a verdict, the most urgent first.

    Where agreement decides, only those that it could not decide: all have answered. With
    `all_waiting` also those whose other answers are still to come.
    """
    question = (
        select_columns(Task)
        .join(Assignment, col(Assignment.task_id) == col(Task.id))
        .where(
            col(Assignment.project_id) == project.id,
            col(Assignment.state) == State.SUBMITTED,
            ~_waits_longer(),
        )
        .order_by(col(Assignment.review_by), col(Assignment.task_id))
    )
    if all_waiting or project.validation is Validation.REVIEW:
        return question
    return question.where(col(Task.slots_left) == 0, ~_is_in_hand())


def compare(session: Session, project: Project, found: Iterable[Task]) -> list[ReviewTask]:
    """Set the answers to some tasks side by side."""
    listed = list(found)
    answers = _answers(session, [id_of(task) for task in listed])
    return [_compare(project, task, answers.get(id_of(task), [])) for task in listed]


def contested(session: Session, project: Project, user: User) -> list[tuple[Appeal, Task, bool]]:
    """Return the open appeals against refusals of a project, their tasks, and if one may answer."""
    rows = session.execute(
        select_columns(Appeal, Task, appeals.answerable(session, user))
        .join(Decision, col(Decision.id) == col(Appeal.decision_id))
        .join(Assignment, col(Assignment.decision_id) == col(Appeal.decision_id))
        .join(Task, col(Task.id) == col(Assignment.task_id))
        .where(col(Assignment.project_id) == project.id, col(Appeal.outcome).is_(None))
        .order_by(col(Appeal.id))
    )
    return [(appeal, task, may_answer) for appeal, task, may_answer in rows]


def count_contested(project_id: Any, *also: Any) -> Any:
    """Return the question of how many refusals of projects are contested and not answered."""
    return (
        select_columns(func.count())
        .select_from(Appeal)
        .join(Decision, col(Decision.id) == col(Appeal.decision_id))
        .join(Assignment, col(Assignment.decision_id) == col(Appeal.decision_id))
        .where(project_id(col(Assignment.project_id)), col(Appeal.outcome).is_(None), *also)
    )


def accept_consensus(session: Session, project: Project, *, by: User, at: datetime) -> Bulk:
    """Accept, as a person, what agrees with the majority of its task; some at a time."""
    listed = session.execute(tasks(project).limit(BULK + 1)).scalars().all()
    agreeing = [
        answer.assignment
        for task in compare(session, project, listed[:BULK])
        for answer in task.answers
        if answer.waits and answer.agrees and not (answer.gold and answer.gold.is_missed)
    ]
    locked = session.exec(
        select(Assignment)
        .where(
            col(Assignment.id).in_([one.id for one in agreeing]),
            Assignment.state == State.SUBMITTED,
            Assignment.expert_id != by.id,
        )
        .order_by(col(Assignment.id))
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    for one in review.in_order_of_pay(locked):
        review.decide(session, one, review.ACCEPT, by=by, at=at)
    return Bulk(len(locked), len(listed) > BULK)


def waiting_by_project(session: Session, user: User) -> list[Any]:
    """Return (project, answers without a verdict, when the first accepts itself, looks, all).

    Answers are counted up to one more than `COUNTED`. `looks` counts the contested refusals that
    this person may answer, `all` also the others.
    """

    def looks(*also: Any) -> Any:
        of_project = count_contested(lambda of: of == col(Project.id), *also)
        return of_project.correlate(Project).scalar_subquery()

    waits = (
        select_columns(col(Assignment.review_by))
        .where(
            col(Assignment.project_id) == col(Project.id), col(Assignment.state) == State.SUBMITTED
        )
        .correlate(Project)
    )
    some = waits.limit(COUNTED + 1).lateral()
    number = select_columns(func.count()).select_from(some).scalar_subquery()
    first = waits.order_by(col(Assignment.review_by)).limit(1).scalar_subquery()
    question = (
        select_columns(Project, number, first, looks(appeals.answerable(session, user)), looks())
        .where(col(Project.organisation_id).in_(list(organisations.ids_of(session, user.id))))
        .order_by(first.nulls_last(), col(Project.id).desc())
    )
    return [row for row in session.execute(question) if row[1] or row[4]]


def waiting_of(session: Session, project: Project) -> tuple[int, datetime | None]:
    """Return how many answers of a project have no verdict, and when the first accepts itself.

    They are counted up to one more than `COUNTED`.
    """
    waits = select_columns(col(Assignment.review_by)).where(
        col(Assignment.project_id) == project.id, col(Assignment.state) == State.SUBMITTED
    )
    first = session.execute(waits.order_by(col(Assignment.review_by)).limit(1)).scalar()
    return _count_some(session, waits, COUNTED + 1), first


def count_waiting(session: Session, user: User) -> int:
    """Count the answers without a verdict and contested refusals that wait for a person.

    Answers that agreement may still decide are not counted: nobody has to act on them. Nor are
    appeals that others have to answer. Many are not counted to the end.
    """
    mine = select(Project.id).where(
        col(Project.organisation_id).in_(list(organisations.ids_of(session, user.id)))
    )
    by_people = mine.where(col(Project.validation) == Validation.REVIEW)
    waits = (
        select_columns(literal(1))
        .select_from(Assignment)
        .where(col(Assignment.state) == State.SUBMITTED)
    )
    found = _count_some(session, waits.where(col(Assignment.project_id).in_(by_people)))
    if found < COUNTED:
        undecided = waits.join(Task, col(Task.id) == col(Assignment.task_id)).where(
            col(Assignment.project_id).in_(mine),
            col(Assignment.project_id).not_in(by_people),
            col(Task.slots_left) == 0,
            ~_is_in_hand(),
        )
        found += _count_some(session, undecided)
    looks = count_contested(lambda of: of.in_(mine), appeals.answerable(session, user))
    return int(found + session.execute(looks).scalar_one())


def _count_some(session: Session, question: Any, most: int = COUNTED) -> int:
    """Count as far as anybody reads: the number stands on every page."""
    some = question.limit(most).subquery()
    return int(session.execute(select_columns(func.count()).select_from(some)).scalar_one())


def _waits_longer() -> Any:
    """Return whether another answer to the same task is accepted by itself before this one."""
    other = aliased(Assignment)
    earlier = tuple_(col(other.review_by), col(other.id)) < tuple_(
        col(Assignment.review_by), col(Assignment.id)
    )
    longer = select(other.id).where(
        other.task_id == col(Assignment.task_id), other.state == State.SUBMITTED, earlier
    )
    return longer.correlate(Assignment).exists()


def _is_in_hand() -> Any:
    held = aliased(Assignment)
    in_hand = select(held.id).where(held.task_id == col(Task.id), col(held.state).in_(IN_HAND))
    return in_hand.correlate(Task).exists()


def _answers(
    session: Session, task_ids: list[int]
) -> dict[int, list[tuple[Assignment, Annotation, str]]]:
    rows = session.exec(
        select(Assignment, Annotation, Expert.pseudonym)
        .join(Annotation, col(Annotation.assignment_id) == col(Assignment.id))
        .join(Expert, col(Expert.user_id) == col(Assignment.expert_id))
        .where(col(Assignment.task_id).in_(task_ids), col(Assignment.state).in_(COMPARED))
        .order_by(col(Assignment.id))
    )
    found: dict[int, list[tuple[Assignment, Annotation, str]]] = {}
    for assignment, annotation, pseudonym in rows:
        found.setdefault(assignment.task_id, []).append((assignment, annotation, pseudonym))
    return found


def _compare(
    project: Project, task: Task, rows: list[tuple[Assignment, Annotation, str]]
) -> ReviewTask:
    config = parse(project.label_config)
    counting = [row for row in rows if row[0].state is not State.REJECTED]
    answers = [agreement.answer(annotation.result) for _, annotation, _ in counting]
    leading = agreement.consensus(answers) if len(answers) > 1 else None
    in_all = (
        frozenset.intersection(
            *(agreement.spans(annotation.result) for _, annotation, _ in counting)
        )
        if counting
        else frozenset()
    )
    return ReviewTask(
        task=task,
        text=shown.text_of(config, task.data),
        answers=tuple(
            ReviewAnswer(
                assignment=assignment,
                pseudonym=pseudonym,
                shown=shown.answer(config, task.data, annotation.result),
                gold=_scored(config, annotation.result, task.gold),
                agrees=None if leading is None else agreement.answer(annotation.result) == leading,
                alone=agreement.spans(annotation.result) - in_all
                if len(counting) > 1
                else frozenset(),
            )
            for assignment, annotation, pseudonym in rows
        ),
        consensus=_words(leading),
        agreement=agreement.pairwise(answers),
        known=agreement.label(task.gold) if task.gold is not None else None,
        still_open=task.slots_left,
    )


def _scored(
    config: LabelConfig, result: agreement.Result, known: agreement.Result | None
) -> GoldScore | None:
    score = gold.score(config, result, known) if known is not None else None
    return score if score is not None and score.is_comparable else None


def _words(answer: agreement.Answer | None) -> str | None:
    return None if answer is None else ", ".join(one for _, some in answer for one in some)
