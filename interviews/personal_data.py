"""What the tables of interviews hold of people."""

from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import text
from sqlmodel import Session

from core.clock import now
from core.personal_data import Blank, Delete, Rule, Table, nobody
from interviews import judge_personal_data, template_data, transcripts
from interviews.models import Interview

ERASED = "CASE WHEN {0} IS NULL THEN NULL ELSE jsonb_build_object('en', 'erased') END"
OF_INTERVIEW = "interview_id IN (SELECT id FROM interview WHERE expert_id = :person)"

BANKS_AND_INTERVIEWS = (
    nobody("bank_edition", _l("The questions, word for word"), "digest", "content"),
    nobody(
        "calibration_run", _l("What answers said of items"), "field", "edition", "answers_digest"
    ),
    nobody(
        "item_calibration",
        _l("Curves of items by answers"),
        *("item", "content", "thresholds", "bins", "verdict"),
    ),
    Table(
        "calibration_choice",
        _l("Curves of items that you let count or took back"),
        acts=("by_user_id",),
        codes=("item", "kind"),
    ),
    Table(
        "interview_hold",
        _l("Interviews near the line that you took to read"),
        whose="by_user_id = :person",
        erase=Delete(),
    ),
    Table(
        "interview_look",
        _l("Interviews whose marks you looked at before reading, or that were looked at"),
        whose="interview_id IN (SELECT id FROM interview WHERE expert_id = :person)",
        acts=("by_user_id",),
        words=("reason",),
        erase=Delete(),
    ),
    nobody("late_warning", _l("Interviews about which a warning went out")),
    nobody("system_card", _l("The card of the interview system as it was"), "digest", "content"),
    Table(
        "bank_draft",
        _l("Item banks that you edit for the instance or your organisation"),
        acts=("made_by", "edited_by"),
        codes=("field", "starter"),
        hidden=("content",),  # the right answers; they are the bank's and nobody's own
        subject="item_bank",
    ),
    Table(
        "bank_publication",
        _l("Versions of item banks that you published"),
        acts=("published_by",),
        words=("note",),
        codes=("digest", "summary"),
        own_words=("note",),
    ),
    Table(
        "interview",
        _l("Your interviews and their results, or those that you looked at"),
        whose="expert_id = :person",
        acts=("decided_by",),
        words=("scorecard", "reason_words", "evidence", "would_change"),
        codes=("edition", "plan", "consent_version", "decided_rule", "llm_model", "part"),
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
    *template_data.TABLES,
    Table(
        "interview_turn",
        _l("What was said in your interviews with a language model"),
        whose=OF_INTERVIEW,
        words=("text", "remark"),
        codes=("role", "kind", "language", "written_by", "measured"),
        erase=Blank(
            {"text": "NULL", "remark": "''", "measured": "NULL"},
            _l("Who spoke when stays under the random key; the words go."),
        ),
    ),
    Table(
        "interview_talk",
        _l("The language and the topics of your interviews with a language model"),
        whose=OF_INTERVIEW,
        codes=("language", "topics"),
        hidden=("claim",),
        erase=Delete(),
    ),
    Table(
        "model_outage",
        _l("When the language model of your interviews did not answer"),
        whose=OF_INTERVIEW,
        erase=Delete(),
    ),
    Table(
        "profile_suggestion",
        _l("What you said in interviews, suggested for your profile"),
        whose=OF_INTERVIEW,
        words=("value", "quote", "own"),
        codes=("part", "llm_model", "state"),
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

OF_ANSWER = (
    "response_id IN (SELECT response.id FROM interview_response response"
    " JOIN interview ON interview.id = response.interview_id"
    " WHERE interview.expert_id = :person)"
)
OF_INTERVIEW = "interview_id IN (SELECT id FROM interview WHERE expert_id = :person)"
PEOPLE_TABLES = (
    Table(
        "answer_signal",
        _l("How your answers in words reached the page, in counts"),
        whose=OF_ANSWER,
        codes=("item_id", "rules", "found"),
        erase=Delete(),
    ),
    Table(
        "answer_print",
        _l("Hashes of your answers in words, by which the same text is found"),
        whose=OF_ANSWER,
        erase=Delete(),
    ),
    Table(
        "integrity_note",
        _l("What was noted of how you wrote, and your explanation, or reviews that you concluded"),
        whose=OF_INTERVIEW,
        acts=("noted_by",),
        words=("words", "found"),
        codes=("rules", "by_rule"),
        erase=Delete(),
    ),
    Table(
        "accommodation",
        _l("What you asked for to take interviews, or requests that you answered"),
        whose="expert_id = :person",
        acts=("answered_by",),
        words=("words", "reply"),
        own_words=("reply",),
        erase=Delete(),
    ),
    Table(
        "interview_accommodation",
        _l("What held in your interviews, such as a longer time"),
        whose=OF_INTERVIEW,
        erase=Delete(),
    ),
)
TABLES = (*BANKS_AND_INTERVIEWS, *PEOPLE_TABLES)
GONE_PRINTS = "FROM answer_print WHERE at < :before"

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
    Rule(
        "answer_prints",
        _l("Hashes of answers in words, by which the same text is found"),
        GONE_PRINTS,
        f"DELETE {GONE_PRINTS}",
    ),
)
