"""What a work sample comes to: by the rule where it is sure, by a person near the line.

A refusal's decision is stored before its state: the database refuses the state without it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from flask_babel import gettext as _
from sqlmodel import Session, col, select

from accounts import decisions, organisations
from accounts.decisions import About, Evidence, Reason, Taken
from accounts.models import DecisionKind, User
from annotation import sample, sample_score, sample_waiting
from annotation.measures import Measure, Part
from annotation.sample_models import SampleAnswer, SampleRule, SampleState, WorkSample
from annotation.sample_score import Card, Line, Outcome
from annotation.sample_waiting import READ_WITHIN
from core import audit, formats, messages
from core.errors import Conflict, Invalid, NotAllowed
from core.settings import current_settings
from projects.models import Project
from projects.terms import CONTEST_DAYS

WORDS_AT_LEAST = 20


class NotToRead(Conflict):
    """This work sample no longer waits for a person: somebody has decided."""


class OwnSample(NotAllowed):
    """It is your own work sample, so another person looks at it."""


class WordsNeeded(Invalid):
    """Give your reasons in at least %(letters)s characters: the expert reads them."""


def settle(
    session: Session,
    found: WorkSample,
    project: Project,
    answers: Sequence[SampleAnswer],
    *,
    at: datetime,
) -> None:
    """Score an attempt whose tasks are all handed in, and decide where the rule may."""
    # The row is written whole or not at all, so what is read is read before it is changed.
    rule, doubted = rule_of(session, found), sample.doubtful(session, found.project_id)
    card = _score(found, rule, answers)
    found.finished_at = at
    if found.is_trial:
        found.state = SampleState.TRIED
        session.add(found)
        return
    skipped = any(one.skip_reason for one in answers)
    in_doubt = skipped or any(one.task_id in doubted for one in answers)
    said = sample_score.outcome(card, line_of(rule), in_doubt=in_doubt)
    if skipped and said is Outcome.PASSED:
        said = Outcome.NEAR
    if said is Outcome.NEAR:
        _to_a_person(session, found, project, at)
    else:
        found.decided_rule, found.decided_at = rule.name, at
        if said is Outcome.PASSED:
            _record_passed(session, found, project, rule, ("above_the_mark", _met(card, rule)), at)
            _pass(session, found, rule, at)
        else:
            words = decisions.said(lambda: why(card, rule))
            change = decisions.said(lambda: what_would_change(card, rule))
            _fail(session, found, project, answers, words=words, change=change, at=at)
    session.add(found)
    _audit(session, found, by=None)


def let_pass(session: Session, found: WorkSample, *, by: User, at: datetime) -> None:
    """Decide that an attempt near the line is passed; `found` is locked by the caller."""
    if _was_decided(found, SampleState.PASSED, by):
        return
    rule = rule_of(session, found)
    found.decided_by, found.decided_at = by.id, at
    _pass(session, found, rule, at)
    session.add(found)
    _tell(session, found, "sample_passed")
    _audit(session, found, by=by.id)


def turn_down(
    session: Session, found: WorkSample, why: str, change: str, *, by: User, at: datetime
) -> None:
    """Decide that an attempt near the line is not passed, with reasons."""
    if _was_decided(found, SampleState.FAILED, by):
        return
    if any(len(words.strip()) < WORDS_AT_LEAST for words in (why, change)):
        raise WordsNeeded(letters=WORDS_AT_LEAST)
    language = by.locale or "en"
    project, _rule = session.get_one(Project, found.project_id), rule_of(session, found)
    query = select(SampleAnswer).where(SampleAnswer.sample_id == found.id)
    listed = list(session.exec(query.order_by(col(SampleAnswer.position))))
    found.decided_by, found.decided_at = by.id, at
    _fail(
        session,
        found,
        project,
        listed,
        words={language: why.strip()},
        change={language: change.strip()},
        at=at,
    )
    _audit(session, found, by=by.id)


def pass_unread(session: Session, *, at: datetime) -> bool:
    """Let one attempt pass that nobody looked at in time: silence is not held against anybody."""
    # Those on which a rule has nothing to say are left out here: many of them would hide others.
    query = select(WorkSample).where(
        sample_waiting.waits(),
        sample_waiting.passes_alone(),
        col(WorkSample.finished_at) <= at - READ_WITHIN,
    )
    order = query.order_by(col(WorkSample.finished_at)).with_for_update(skip_locked=True)
    for found in session.exec(order.limit(50)):
        rule, card = rule_of(session, found), card_of(found)
        if card.tasks < sample.LEAST or card.high < rule.pass_share:
            continue  # too little was answered to let anybody in: it goes on waiting
        project = session.get_one(Project, found.project_id)
        found.decided_rule, found.decided_at = rule.name, at
        _record_passed(session, found, project, rule, ("not_read_in_time", _unread()), at)
        _pass(session, found, rule, at)
        session.add(found)
        _tell(session, found, "sample_passed")
        _audit(session, found, by=None)
        return True
    return False


def pass_after_all(session: Session, found: WorkSample, *, at: datetime) -> None:
    """Let a refused attempt pass after an appeal; its first decision stays on record."""
    if found.state is SampleState.FAILED:
        _pass(session, found, rule_of(session, found), at)
        session.add(found)


def rule_of(session: Session, found: WorkSample) -> SampleRule:
    """Return the rule as it was when the attempt began."""
    return session.get_one(SampleRule, found.rule_id)


def line_of(rule: SampleRule) -> Line:
    """Return what a rule asks for."""
    return Line(rule.pass_share, rule.floor_share)


def card_of(found: WorkSample) -> Card:
    """Return what the tasks of a finished attempt came to."""
    kept = found.scorecard or {}
    return Card(
        kept.get("mean", 0.0),
        kept.get("low", 0.0),
        kept.get("high", 1.0),
        dict(kept.get("by_control", {})),
        kept.get("tasks", 0),
    )


def parts_of(answer: SampleAnswer) -> list[Part]:
    """Return how each question of the form was met in a task."""
    return [Part(**(kept | {"measure": Measure(kept["measure"])})) for kept in answer.parts or []]


def read_by(found: WorkSample) -> datetime | None:
    """Return until when a person is to have looked, where one is waited for."""
    if found.state is SampleState.REVIEW and found.finished_at:
        return found.finished_at + READ_WITHIN
    return None


def why(card: Card, rule: SampleRule) -> str:
    """Say why the rule does not let pass."""
    return str(
        _(
            "Your answers to %(tasks)s tasks met the known ones by %(mean)s in the mean;"
            " %(needed)s are needed. So few tasks leave it uncertain: your share over all such"
            " tasks lies below %(high)s with 90%% certainty, and that is below the mark as well.",
            tasks=card.tasks,
            mean=formats.percent(card.mean),
            needed=formats.percent(rule.pass_share),
            high=formats.percent(card.high),
        )
    )


def what_would_change(card: Card, rule: SampleRule) -> str:
    """Say what more would have let pass."""
    return str(
        _(
            "A mean of %(needed)s instead of %(mean)s would have passed.",
            needed=formats.percent(rule.pass_share),
            mean=formats.percent(card.mean),
        )
    )


def _score(found: WorkSample, rule: SampleRule, answers: Sequence[SampleAnswer]) -> Card:
    scored = [one for one in answers if one.score is not None]
    card = sample_score.card(
        [parts_of(one) for one in scored], [one.score or 0.0 for one in scored]
    )
    found.score = card.mean
    found.scorecard = vars(card) | {"pass_share": rule.pass_share, "floor_share": rule.floor_share}
    return card


def _pass(session: Session, found: WorkSample, rule: SampleRule, at: datetime) -> None:
    found.state = SampleState.PASSED
    found.valid_until = at + timedelta(days=rule.valid_days)


def _to_a_person(session: Session, found: WorkSample, project: Project, at: datetime) -> None:
    found.state = SampleState.REVIEW
    _tell(session, found, "sample_with_a_person", read_by=at + READ_WITHIN)
    for person in organisations.admins(session, project.organisation_id):
        messages.write(
            session,
            to=person,
            template="annotation/sample_to_read",
            project=project,
            read_by=at + READ_WITHIN,
            url=_address(f"/projects/{project.id}/work-sample/{found.id}"),
        )


def _fail(
    session: Session,
    found: WorkSample,
    project: Project,
    answers: Sequence[SampleAnswer],
    *,
    words: Mapping[str, str],
    change: Mapping[str, str],
    at: datetime,
) -> None:
    rule = session.get_one(SampleRule, found.rule_id)
    found.contest_until = at + timedelta(days=CONTEST_DAYS)
    with session.no_autoflush:  # the row is written whole or not at all
        made = decisions.record(
            session,
            DecisionKind.SAMPLE_FAILED,
            _about(found, project),
            taken=_taken(found, rule),
            reason=Reason(
                code="below_the_mark",
                words=words,
                evidence=[_whole(found), *(_task(found, one) for one in answers)],
                would_change=change,
            ),
            at=at,
            contest_until=found.contest_until,
        )
    found.state, found.decision_id = SampleState.FAILED, made.id
    found.retake_from = at + timedelta(days=rule.delay_days)
    session.add(found)
    said = {"words": words, "change": change, "decision_id": made.id}
    _tell(session, found, "sample_not_passed", **said)


def _record_passed(
    session: Session,
    found: WorkSample,
    project: Project,
    rule: SampleRule,
    because: tuple[str, Mapping[str, str]],
    at: datetime,
) -> None:
    """Store that a rule alone let an attempt pass, with a code and words."""
    with session.no_autoflush:
        made = decisions.record(
            session,
            DecisionKind.SAMPLE_PASSED,
            _about(found, project),
            taken=_taken(found, rule),
            reason=Reason(
                code=because[0],
                words=because[1],
                evidence=[_whole(found)],
                would_change=decisions.said(
                    lambda: _("A mean below %(needed)s.", needed=formats.percent(rule.pass_share))
                ),
            ),
            at=at,
        )
    found.decision_id = made.id


def _met(card: Card, rule: SampleRule) -> Mapping[str, str]:
    return decisions.said(
        lambda: _(
            "Your answers met the known ones by %(mean)s in the mean; the mark is %(needed)s.",
            mean=formats.percent(card.mean),
            needed=formats.percent(rule.pass_share),
        )
    )


def _unread() -> Mapping[str, str]:
    return decisions.said(
        lambda: _(
            "The result was near the line, and nobody of the project looked at it within 7 days."
            " That is not held against you."
        )
    )


def _was_decided(found: WorkSample, wanted: SampleState, by: User) -> bool:
    """Say whether this very decision was taken before; refuse where another was."""
    if found.state is wanted and found.decided_by == by.id:
        return True
    if found.state is not SampleState.REVIEW:
        raise NotToRead
    if by.id == found.expert_id:
        raise OwnSample
    return False


def _about(found: WorkSample, project: Project) -> About:
    return About(
        person_id=found.expert_id or 0,
        subject=f"work_sample:{found.id}",
        title=decisions.said(lambda: _("Work sample of “%(project)s”", project=project.title)),
        path=f"/work-samples/{found.id}/result",
        organisation_id=project.organisation_id,
    )


def _taken(found: WorkSample, rule: SampleRule) -> Taken:
    if found.decided_by is not None:
        return Taken(by=found.decided_by)
    return Taken(rule=f"WS-{rule.project_id}", rule_version=str(rule.version))


def _whole(found: WorkSample) -> Evidence:
    return Evidence(
        words=decisions.said(lambda: _("The tasks with their scores.")),
        path=f"/work-samples/{found.id}/result",
        at=found.finished_at,
    )


def _task(found: WorkSample, answer: SampleAnswer) -> Evidence:
    def words() -> str:
        if answer.score is None:
            return str(_("Task %(number)s: left with a reason.", number=answer.position))
        return str(
            _(
                "Task %(number)s: %(share)s of the known answer met.",
                number=answer.position,
                share=formats.percent(answer.score),
            )
        )

    return Evidence(
        words=decisions.said(words),
        quote=answer.skip_reason or "",
        path=f"/work-samples/{found.id}/result",
        at=answer.ended_at,
    )


def _tell(session: Session, found: WorkSample, template: str, **more: object) -> None:
    messages.write(
        session,
        to=session.get_one(User, found.expert_id),
        template=f"annotation/{template}",
        found=found,
        project=session.get_one(Project, found.project_id),
        url=_address(f"/work-samples/{found.id}/result"),
        **more,
    )


def _address(path: str) -> str:
    return f"{current_settings().public_url.rstrip('/')}{path}"


def _audit(session: Session, found: WorkSample, *, by: int | None) -> None:
    audit.record(
        session,
        f"sample.{found.state}",
        by=by,
        subject=f"work_sample:{found.id}",
        details={"rule": found.decided_rule, "score": found.score},
    )
