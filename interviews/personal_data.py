"""What the tables of interviews hold of people."""

from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import text
from sqlmodel import Session

from core.clock import now
from core.personal_data import Blank, Delete, Rule, Table, nobody
from interviews import judge_personal_data, transcripts
from interviews.models import Interview

ERASED = "CASE WHEN {0} IS NULL THEN NULL ELSE jsonb_build_object('en', 'erased') END"

TABLES = (
    nobody("bank_edition", _l("The questions, word for word"), "digest", "content"),
    Table(
        "interview",
        _l("Your interviews and their results, or those that you looked at"),
        whose="expert_id = :person",
        acts=("decided_by",),
        words=("scorecard", "reason_words", "evidence", "would_change"),
        codes=("edition", "plan", "consent_version", "decided_rule", "llm_model"),
        hidden=("seed",),
        own_words=("reason_words",),
        subject="interview",
        erase=Blank(
            {
                "reason_words": ERASED.format("reason_words"),
                "evidence": "CASE WHEN evidence IS NULL THEN NULL ELSE jsonb_build_object() END",
                "would_change": ERASED.format("would_change"),
                "state": "CASE WHEN state IN ('active', 'review') THEN 'abandoned' ELSE state END",
                "finished_at": "coalesce(finished_at, now())",
            },
            _l(
                "Points, level, outcome and dates stay under the random key, so that the"
                " fairness of interviews can be counted; reasons in words go."
            ),
        ),
    ),
    Table(
        "interview_response",
        _l("Your answers in interviews"),
        whose="interview_id IN (SELECT id FROM interview WHERE expert_id = :person)",
        words=("answer", "mark", "remark"),
        codes=("item_id", "language"),
        erase=Delete(),
    ),
    Table(
        "answer_correction",
        _l("What you corrected in your answers"),
        whose="response_id IN (SELECT response.id FROM interview_response response"
        " JOIN interview ON interview.id = response.interview_id"
        " WHERE interview.expert_id = :person)",
        words=("words",),
        codes=("language",),
        # Append-only: `erase_consents` has deleted them when the answers' turn comes.
        erase=Delete(),
    ),
    Table(
        "self_declaration",
        _l("What you declared of yourself, for the fairness report only"),
        whose="user_id = :person",
        erase=Delete(),
    ),
    *judge_personal_data.TABLES,
)

# Interviews that were not passed and whose answers their person agreed to keep, once nobody can
# contest the result any more. All others lose their answers then in any case.
OLD_ANSWERS = (
    "FROM interview WHERE state = 'failed' AND texts_deleted_at IS NULL"
    " AND greatest(decided_at, contest_until) < :before"
    " AND NOT EXISTS (SELECT 1 FROM appeal WHERE appeal.decision_id = interview.decision_id"
    " AND (outcome IS NULL OR answered_at >= :before))"
)


def _delete_answers(session: Session, before: datetime) -> int:
    query = text(f"SELECT id {OLD_ANSWERS} ORDER BY id FOR UPDATE SKIP LOCKED")
    found = list(session.execute(query, {"before": before}).scalars())
    for interview_id in found:
        transcripts.delete(session, session.get_one(Interview, interview_id), now())
    return len(found)


RETENTION = (
    Rule(
        "transcripts",
        _l("Answers of interviews that were not passed, kept because their person agreed"),
        OLD_ANSWERS,
        _delete_answers,
    ),
)
