"""Whether experts see a model's predictions, by rule; and what the answers say of it.

A share of answers that were handed in unchanged is a sign to look, and decides nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlmodel import Session, col, select

from accounts.models import User
from annotation.loop_models import Prediction, PredictionRule, Shows
from core import audit
from core.errors import Invalid
from projects.models import Project, id_of

FEW = 20  # answers below which a share says little
HIGH = 0.9  # a share of unchanged answers worth a look
MOST_EXPERTS = 200
NUMBERS = text("""
    select o.model_version, a.expert_id, e.pseudonym,
        count(*) filter (where o.origin <> 'blank') as shown,
        count(*) filter (where o.origin = 'unchanged') as unchanged,
        count(*) filter (where o.origin = 'blank') as blank,
        count(*) filter (where o.origin = 'blank' and o.agrees) as agreed
    from answer_origin o
    join assignment a on a.id = o.assignment_id
    join expert e on e.user_id = a.expert_id
    where o.project_id = :project
    group by grouping sets ((o.model_version), (o.model_version, a.expert_id, e.pseudonym))
    order by o.model_version, e.pseudonym nulls first
    limit :most
""")


class NoSuchVersion(Invalid):
    """The project has no predictions of this model version."""


@dataclass(frozen=True)
class Wanted:
    """What an owner says about showing predictions."""

    shows: Shows
    model_version: str | None
    share_percent: int | None = None


@dataclass(frozen=True)
class Numbers:
    """How answers stand to the predictions of one version: of all experts, or of one."""

    model_version: str
    pseudonym: str | None
    shown: int
    unchanged: int
    blank: int
    agreed: int

    @property
    def unchanged_share(self) -> float | None:
        """The share of answers that began with a prediction and left it as it was."""
        return self.unchanged / self.shown if self.shown else None

    @property
    def agreed_share(self) -> float | None:
        """The share of answers that began blank and came to the same as the prediction."""
        return self.agreed / self.blank if self.blank else None

    @property
    def anchoring(self) -> float | None:
        """How much more often answers are the prediction where it was seen."""
        if min(self.shown, self.blank) < FEW:
            return None
        return self.unchanged / self.shown - self.agreed / self.blank

    @property
    def is_high(self) -> bool:
        """Whether so much is unchanged that a look is worth it."""
        share = self.unchanged_share
        return self.shown >= FEW and share is not None and share >= HIGH


def newest(session: Session, project_id: int) -> PredictionRule | None:
    """Return the rule of a project; without one everything is hidden."""
    question = select(PredictionRule).where(PredictionRule.project_id == project_id)
    return session.exec(question.order_by(col(PredictionRule.version).desc()).limit(1)).first()


def say(
    session: Session, project: Project, wanted: Wanted, *, by: User, at: datetime
) -> PredictionRule:
    """Set the rule for leases from now on; `project` is locked by the caller."""
    before = newest(session, id_of(project))
    if before and (before.shows, before.model_version, before.share_percent) == (
        wanted.shows,
        wanted.model_version,
        wanted.share_percent,
    ):
        return before  # the second click of one
    if wanted.model_version is not None:
        require_version(session, id_of(project), wanted.model_version)
    made = PredictionRule(
        project_id=id_of(project),
        version=before.version + 1 if before else 1,
        shows=wanted.shows,
        share_percent=wanted.share_percent,
        model_version=wanted.model_version,
        made_by=id_of(by),
        made_at=at,
    )
    project.uses_models = True
    session.add_all([made, project])
    audit.record(
        session,
        "predictions.rule_set",
        by=by.id,
        subject=f"project:{project.id}",
        details={"version": made.version, "shows": made.shows, "model": made.model_version},
    )
    return made


def require_version(session: Session, project_id: int, model_version: str) -> None:
    """Refuse a model version of which a project has no predictions."""
    question = select(Prediction.id).where(
        Prediction.project_id == project_id, Prediction.model_version == model_version
    )
    if session.exec(question.limit(1)).first() is None:
        raise NoSuchVersion


def numbers(session: Session, project_id: int) -> Sequence[Numbers]:
    """Return how answers stand to predictions, each version's experts after all of them."""
    rows = session.execute(NUMBERS, {"project": project_id, "most": MOST_EXPERTS})
    return [
        Numbers(one.model_version, one.pseudonym, one.shown, one.unchanged, one.blank, one.agreed)
        for one in rows
    ]
