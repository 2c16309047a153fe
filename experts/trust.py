"""What experts' decisions did, undone when they are changed."""

from datetime import datetime

from sqlmodel import Session

from accounts.models import Decision, DecisionKind, User
from accounts.repairs import Force, Look
from experts import restrictions
from experts.models import Expert, Licence


def lift(session: Session, decision: Decision, by: User, at: datetime) -> None:
    """Lift the restriction that a decision brought, unless a later one stands."""
    expert = session.get_one(
        Expert, decision.person_id, with_for_update=True, populate_existing=True
    )
    if expert.decision_id == decision.id:
        restrictions.lift(session, expert, by=by, at=at)


def recognise(session: Session, decision: Decision, by: User, at: datetime) -> None:
    """Let a refused licence count again, unless a later decision refused it."""
    licence = session.get_one(
        Licence,
        int(decision.subject.removeprefix("licence:")),
        with_for_update=True,
        populate_existing=True,
    )
    if licence.decision_id == decision.id:
        licence.refused_at = licence.decision_id = None
        session.add(licence)


def stands(session: Session, decision: Decision) -> bool:
    """Return whether an expert is still restricted or removed by a decision."""
    expert = session.get(Expert, decision.person_id)
    return expert is not None and expert.decision_id == decision.id


def is_refused(session: Session, decision: Decision) -> bool:
    """Return whether a licence is still not recognised by a decision."""
    licence = session.get(Licence, int(decision.subject.removeprefix("licence:")))
    return licence is not None and licence.decision_id == decision.id


REPAIRS = {
    DecisionKind.EXPERT_RESTRICTED: lift,
    DecisionKind.EXPERT_REMOVED: lift,
    DecisionKind.CREDENTIAL_REFUSED: recognise,
}
LOOKS: dict[DecisionKind, Look] = {}
IN_FORCE: dict[DecisionKind, Force] = {
    DecisionKind.EXPERT_RESTRICTED: stands,
    DecisionKind.EXPERT_REMOVED: stands,
    DecisionKind.CREDENTIAL_REFUSED: is_refused,
}
