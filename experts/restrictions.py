"""Restricting and removing experts: one operator proposes, another one confirms, nobody alone.

What is in hand may be finished and what is owed is paid. Lifting takes one person: it is in the
expert's favour.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlmodel import Session, col, select

from accounts import decision_letters, decisions, operators
from accounts.decisions import About, Evidence, Reason, Taken
from accounts.models import Decision, DecisionKind, User
from core import audit, messages
from core.errors import Conflict, Invalid, NotAllowed
from core.settings import current_settings
from experts.models import AccountStanding, Expert, RestrictionProposal

CONTEST_FOR = timedelta(days=180)
WORDS_AT_LEAST = 20
KINDS = {
    AccountStanding.RESTRICTED: DecisionKind.EXPERT_RESTRICTED,
    AccountStanding.REMOVED: DecisionKind.EXPERT_REMOVED,
}
REASONS: dict[str, Any] = {
    "false_identity": _l("The account is not of the person that it names."),
    "shared_account": _l("Several people work under one account."),
    "copied_answers": _l("Answers were copied from others or from a program."),
    "harassment": _l("Others were threatened or insulted."),
    "false_credential": _l("A licence or diploma was declared that is not held."),
}


class WordsNeeded(Invalid):
    """Say why, on what evidence, and what would have changed it, in 20 characters at least each."""


class OneAtATime(Conflict):
    """Something is proposed against this expert already. Confirm or decline it first."""


class AnotherPerson(NotAllowed):
    """You proposed it, or it is about you, so another operator confirms it."""


class Answered(Conflict):
    """Somebody has answered this proposal already."""


class Restricted(NotAllowed):
    """Your account is restricted, so you cannot take this. The reasons are under “Decisions”."""


@dataclass(frozen=True)
class Proposal:
    """What is proposed, with its reasons."""

    standing: AccountStanding
    reason_code: str
    words: str
    evidence: str
    would_change: str

    @property
    def is_whole(self) -> bool:
        """Whether no reason is missing."""
        said = (self.words, self.evidence, self.would_change)
        return self.reason_code in REASONS and all(
            len(one.strip()) >= WORDS_AT_LEAST for one in said
        )


def waiting(session: Session) -> list[tuple[RestrictionProposal, Expert]]:
    """Return the proposals that nobody has answered, the oldest first."""
    found = session.exec(
        select(RestrictionProposal, Expert)
        .join(Expert, col(Expert.user_id) == col(RestrictionProposal.expert_id))
        .where(col(RestrictionProposal.answered_at).is_(None))
        .order_by(col(RestrictionProposal.id))
    )
    return list(found)


def leaves_a_reviewer(session: Session, proposal: RestrictionProposal) -> bool:
    """Return whether somebody is left to answer an appeal: one operator confirms, one answers."""
    return len(operators.besides(session, {proposal.proposed_by, proposal.expert_id})) > 1


def open_for(session: Session, expert_id: int) -> RestrictionProposal | None:
    """Return what is proposed against an expert and not answered."""
    return session.exec(
        select(RestrictionProposal).where(
            RestrictionProposal.expert_id == expert_id,
            col(RestrictionProposal.answered_at).is_(None),
        )
    ).first()


def propose(
    session: Session, expert: Expert, proposal: Proposal, *, by: User, at: datetime
) -> RestrictionProposal:
    """Propose a restriction or removal; `expert` is locked. Nothing changes for them yet."""
    if by.id == expert.user_id:
        raise AnotherPerson
    if not proposal.is_whole:
        raise WordsNeeded
    if open_for(session, expert.user_id) is not None:
        raise OneAtATime
    made = RestrictionProposal(
        expert_id=expert.user_id,
        standing=proposal.standing,
        reason_code=proposal.reason_code,
        language=by.locale or "en",
        words=proposal.words.strip(),
        evidence=proposal.evidence.strip(),
        would_change=proposal.would_change.strip(),
        proposed_by=by.id or 0,
        proposed_at=at,
    )
    session.add(made)
    _record(session, expert.user_id, f"expert.{proposal.standing}_proposed", by)
    _ask_others(session, made)
    return made


def confirm(
    session: Session, proposal: RestrictionProposal, *, by: User, at: datetime
) -> Decision | None:
    """Confirm a proposal as the second person, once; `proposal` is locked by the caller."""
    if proposal.confirmed and proposal.answered_by == by.id:
        return None
    if proposal.answered_at is not None:
        raise Answered
    if by.id in (proposal.proposed_by, proposal.expert_id):
        raise AnotherPerson
    expert = session.get_one(Expert, proposal.expert_id, with_for_update=True)
    decision = _decide(session, proposal, by, at)
    expert.standing, expert.decision_id = proposal.standing, decision.id
    proposal.answered_by, proposal.answered_at, proposal.confirmed = by.id, at, True
    session.add_all([expert, proposal])
    decision_letters.tell(session, decision)
    return decision


def decline(session: Session, proposal: RestrictionProposal, *, by: User, at: datetime) -> None:
    """Drop a proposal, whoever made it."""
    if proposal.answered_at is not None:
        if proposal.confirmed is False:
            return
        raise Answered
    proposal.answered_by, proposal.answered_at, proposal.confirmed = by.id, at, False
    session.add(proposal)
    _record(session, proposal.expert_id, "expert.proposal_declined", by)


def lift(session: Session, expert: Expert, *, by: User, at: datetime) -> None:
    """Let an expert be invited and take tasks again; `expert` is locked."""
    if expert.standing is AccountStanding.ACTIVE:
        return
    if by.id == expert.user_id:
        raise AnotherPerson
    expert.standing, expert.decision_id = AccountStanding.ACTIVE, None
    session.add(expert)
    messages.write(
        session, to=session.get_one(User, expert.user_id), template="experts/restriction_lifted"
    )
    _record(session, expert.user_id, "expert.restriction_lifted", by)


def check_may_work(session: Session, expert_id: int) -> None:
    """Refuse what a restricted or removed expert may not begin."""
    if not may_be_invited(session, expert_id):
        raise Restricted


def may_be_invited(session: Session, expert_id: int) -> bool:
    """Return whether nothing decided against an expert keeps new work from them."""
    expert = session.get(Expert, expert_id)
    return expert is None or expert.standing is AccountStanding.ACTIVE


def is_removed(session: Session, expert_id: int) -> bool:
    """Return whether an expert is removed from work."""
    expert = session.get(Expert, expert_id)
    return expert is not None and expert.standing is AccountStanding.REMOVED


def _ask_others(session: Session, proposal: RestrictionProposal) -> None:
    """Write to the operators who may confirm; neither the reasons nor a name leaves by letter."""
    url = f"{current_settings().public_url.rstrip('/')}/operator/experts/{proposal.expert_id}"
    removes = proposal.standing is AccountStanding.REMOVED
    for one in operators.besides(session, {proposal.proposed_by, proposal.expert_id}):
        messages.write(
            session, to=one, template="experts/restriction_proposed", url=url, removes=removes
        )


def _decide(session: Session, proposal: RestrictionProposal, by: User, at: datetime) -> Decision:
    language = proposal.language
    return decisions.record(
        session,
        KINDS[proposal.standing],
        About(
            person_id=proposal.expert_id,
            subject=f"expert:{proposal.expert_id}",
            title=decisions.said(lambda: _("Account as an expert")),
            path="/profile",
        ),
        taken=Taken(by=proposal.proposed_by, second_by=by.id),
        reason=Reason(
            code=proposal.reason_code,
            words=decisions.said(lambda: f"{REASONS[proposal.reason_code]} {proposal.words}"),
            evidence=[Evidence(words={language: proposal.evidence}, at=proposal.proposed_at)],
            would_change={language: proposal.would_change},
        ),
        at=at,
        contest_until=at + CONTEST_FOR,
    )


def _record(session: Session, expert_id: int, action: str, by: User) -> None:
    audit.record(session, action, by=by.id, subject=f"expert:{expert_id}")
