"""The decisions behind results of interviews, with what they rest on.

A decision against a person is stored before the state: the database refuses the state without it.
"""

from collections.abc import Sequence
from datetime import datetime

from flask_babel import gettext as _
from sqlmodel import Session

from accounts import decisions
from accounts.decisions import About, Evidence, Reason, Taken
from accounts.models import Decision, DecisionKind
from core import formats
from interviews.items import Bank, Short
from interviews.models import Interview, Response
from interviews.scoring import Scorecard
from projects.models import Project


def record_failed(
    session: Session,
    interview: Interview,
    bank: Bank,
    responses: Sequence[Response],
    *,
    at: datetime,
) -> Decision:
    """Store the decision that an interview is not passed; the row holds its words already."""
    return decisions.record(
        session,
        DecisionKind.INTERVIEW_FAILED,
        _about(session, interview),
        taken=_taken(interview, bank),
        reason=Reason(
            code=str(interview.reason_code),
            words=interview.reason_words or {},
            evidence=[_whole(interview), *_weak(interview, bank, responses)],
            would_change=interview.would_change or {},
        ),
        at=at,
        contest_until=interview.contest_until,
    )


def record_passed_by_rule(
    session: Session, interview: Interview, bank: Bank, card: Scorecard, *, at: datetime
) -> None:
    """Store that the rule alone let an interview pass."""
    decision = decisions.record(
        session,
        DecisionKind.INTERVIEW_PASSED,
        _about(session, interview),
        taken=_taken(interview, bank),
        reason=Reason(
            code="above_the_mark",
            words=decisions.said(
                lambda: _(
                    "Your answers earned %(share)s of the points; the mark is %(mark)s.",
                    share=formats.percent(card.total.share),
                    mark=formats.percent(bank.rule.pass_mark),
                )
            ),
            evidence=[_whole(interview)],
            would_change=decisions.said(
                lambda: _(
                    "Fewer than %(mark)s of the points, or a competency below its floor.",
                    mark=formats.percent(bank.rule.pass_mark),
                )
            ),
        ),
        at=at,
    )
    interview.decision_id = decision.id


def _about(session: Session, interview: Interview) -> About:
    with session.no_autoflush:  # half-decided, it is what the database refuses
        title = decisions.said(lambda: _title(session, interview))
    return About(
        person_id=interview.expert_id,
        subject=f"interview:{interview.id}",
        title=title,
        path=f"/interviews/{interview.id}/result",
    )


def _title(session: Session, interview: Interview) -> str:
    field = interview.field.label
    if interview.project_id is None:
        return str(_("Interview: %(field)s", field=field))
    title = session.get_one(Project, interview.project_id).title
    return str(_("Interview for the project “%(title)s”: %(field)s", title=title, field=field))


def _taken(interview: Interview, bank: Bank) -> Taken:
    if interview.decided_by is not None:
        return Taken(by=interview.decided_by)
    return Taken(rule=bank.rule.code, rule_version=str(bank.rule.version))


def _whole(interview: Interview) -> Evidence:
    return Evidence(
        words=decisions.said(lambda: _("The answers with their points, and the levels.")),
        path=f"/interviews/{interview.id}/result",
        at=interview.finished_at,
    )


def _weak(interview: Interview, bank: Bank, responses: Sequence[Response]) -> list[Evidence]:
    """Return the answers that lost points, in the person's own words where they used words."""
    return [
        _lost(interview, bank, one)
        for one in responses
        if one.points < 1 and one.answer is not None
    ]


def _lost(interview: Interview, bank: Bank, response: Response) -> Evidence:
    item = bank.item(response.item_id)
    in_words = isinstance(item.question, Short) and response.answer is not None
    return Evidence(
        words=decisions.said(
            lambda: _(
                "Question %(number)s, “%(title)s”: %(points)s of 1 point.",
                number=response.position,
                title=item.title.in_(formats.locale().language),
                points=formats.number(round(response.points, 2)),
            )
        ),
        quote=(response.answer or {}).get("text", "") if in_words else "",
        language=response.language if in_words else "",
        path=f"/interviews/{interview.id}/result#answers",
        at=response.answered_at,
    )
