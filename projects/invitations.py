"""Invitations: offered to experts, answered by them alone, and never held against them.

A project offers as many places as it needs. Every act may be repeated: a second click, a second
letter or two workers at once change nothing.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from accounts.models import Organisation, User
from core import audit, messages
from core.errors import Conflict
from payouts import budgets
from projects import entry, letters, lifecycle, matching, rates
from projects.matching import Candidate
from projects.models import Answer, Invitation, Project, State, id_of

ANSWER_WITHIN = timedelta(days=7)


class TakenBack(Conflict):
    """The owner has taken this invitation back. It has no effect on later invitations."""


class NoPlaceLeft(Conflict):
    """All places in the project are taken for now. Nothing else changes for you."""


class Ended(Conflict):
    """The project takes nobody in at the moment: it is paused or completed."""


class AlreadyAnswered(Conflict):
    """The expert has answered this invitation, so it cannot be taken back."""


@dataclass(frozen=True)
class Places:
    """How the places of a project stand."""

    needed: int
    taken: int
    offered: int

    @property
    def free(self) -> int:
        """How many more experts may say yes."""
        return max(0, self.needed - self.taken)

    @property
    def to_offer(self) -> int:
        """How many more invitations to send."""
        return max(0, self.needed - self.taken - self.offered)


def is_member(session: Session, project_id: int, expert_id: int) -> bool:
    """Return whether an expert takes part in a project."""
    found = session.exec(
        select(Invitation.id).where(
            Invitation.project_id == project_id,
            Invitation.expert_id == expert_id,
            Invitation.state == Answer.ACCEPTED,
        )
    )
    return found.first() is not None


def of_expert(session: Session, expert_id: int, *states: Answer) -> list[Invitation]:
    """Return the invitations of an expert in some states, the newest first."""
    query = select(Invitation).where(
        Invitation.expert_id == expert_id, col(Invitation.state).in_(states or tuple(Answer))
    )
    return list(session.exec(query.order_by(col(Invitation.offered_at).desc())))


def to_answer(session: Session, expert_id: int) -> int:
    """Return how many invitations wait for an expert's answer."""
    query = (
        select(func.count())
        .select_from(Invitation)
        .join(Project, col(Project.id) == col(Invitation.project_id))
        .where(
            Invitation.expert_id == expert_id,
            Invitation.state == Answer.OFFERED,
            Project.state == State.OPEN,
        )
    )
    return session.exec(query).one()


def places(session: Session, project: Project, at: datetime) -> Places:
    """Count the places of a project. An offer that nobody answered in time holds no place."""
    taken = func.count().filter(col(Invitation.state) == Answer.ACCEPTED)
    waiting = func.count().filter(
        col(Invitation.state) == Answer.OFFERED, col(Invitation.answer_by) > at
    )
    query = select(taken, waiting).where(Invitation.project_id == project.id)
    accepted, offered = session.exec(query).one()
    return Places(project.experts_needed, accepted, offered)


def offer_needed(session: Session, project_id: int, at: datetime) -> int:
    """Invite as many experts as a project still needs; return how many were invited."""
    # Two workers at once would each fill the same places.
    project = session.get(Project, project_id, with_for_update=True, populate_existing=True)
    if project is None or project.state is not State.OPEN:
        return 0
    wanted = places(session, project, at).to_offer
    if wanted == 0:
        return 0
    chosen = matching.shortlist(session, project, wanted, at=at)
    return sum(offer(session, project, candidate, at=at) is not None for candidate in chosen)


def offer(
    session: Session,
    project: Project,
    candidate: Candidate,
    *,
    at: datetime,
    by: User | None = None,
) -> Invitation | None:
    """Invite an expert and write the letter; nothing when they were invited before."""
    made = session.execute(
        insert(Invitation)
        .values(
            project_id=project.id,
            expert_id=candidate.expert.user_id,
            state=Answer.OFFERED,
            score=candidate.score,
            reasons=candidate.reasons,
            offered_at=at,
            answer_by=at + ANSWER_WITHIN,
            words="",
        )
        .on_conflict_do_nothing()
        .returning(col(Invitation.id))
    ).scalar()
    if made is None:
        return None
    invitation = session.get_one(Invitation, made)
    _write_letter(session, project, invitation)
    _record(session, invitation, "invitation.offered", by, rule=matching.RULE)
    return invitation


def accept(session: Session, invitation: Invitation, *, by: User, at: datetime) -> None:
    """Say yes. A place that is free is all it takes, also after the day to answer by."""
    if invitation.state is Answer.ACCEPTED:
        return
    if invitation.state is Answer.WITHDRAWN:
        raise TakenBack
    # The last place goes to one of two who say yes at the same time.
    project = session.get_one(
        Project, invitation.project_id, with_for_update=True, populate_existing=True
    )
    if project.state is not State.OPEN:
        raise Ended
    if places(session, project, at).free == 0:
        raise NoPlaceLeft
    entry.admit(session, project, invitation.expert_id, at)
    _answer(session, invitation, Answer.ACCEPTED, "", by, at)


def decline(
    session: Session, invitation: Invitation, *, words: str = "", by: User, at: datetime
) -> None:
    """Say no, or leave; with a reason or without. It counts nowhere."""
    if invitation.state is Answer.WITHDRAWN:
        raise TakenBack
    if invitation.state is Answer.DECLINED:
        invitation.words = words or invitation.words
        return
    _answer(session, invitation, Answer.DECLINED, words, by, at)
    project = session.get_one(Project, invitation.project_id)
    if project.state is State.OPEN:
        lifecycle.find_experts(session, project)


def withdraw(session: Session, invitation: Invitation, *, by: User, at: datetime) -> None:
    """Take an unanswered invitation back."""
    if invitation.state is Answer.WITHDRAWN:
        return
    if invitation.state is not Answer.OFFERED:
        raise AlreadyAnswered
    invitation.state, invitation.answered_at = Answer.WITHDRAWN, at
    _record(session, invitation, "invitation.withdrawn", by)


def _answer(
    session: Session, invitation: Invitation, to: Answer, words: str, by: User, at: datetime
) -> None:
    invitation.state, invitation.answered_at, invitation.words = to, at, words
    _record(session, invitation, f"invitation.{to}", by)
    session.flush()  # so that the places are counted with this answer


def _write_letter(session: Session, project: Project, invitation: Invitation) -> None:
    person = session.get_one(User, invitation.expert_id)
    organisation = session.get_one(Organisation, project.organisation_id)
    messages.write(
        session,
        to=person,
        template="projects/invitation",
        project=project,
        invitation=invitation,
        organisation=organisation,
        **letters.facts(
            project,
            invitation,
            budgets.available(session, id_of(project)),
            rates.of(session, project),
        ),
    )


def _record(
    session: Session, invitation: Invitation, action: str, by: User | None, **details: object
) -> None:
    audit.record(
        session,
        action,
        by=by.id if by else None,
        subject=f"invitation:{id_of(invitation)}",
        details={"project_id": invitation.project_id, **details},
    )
