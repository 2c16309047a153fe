"""What the tables of annotation hold of people, and which work must be settled first."""

from collections.abc import Iterable
from datetime import datetime

from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from sqlalchemy import func
from sqlmodel import Session, col, select

from annotation import assignment as leases
from annotation import media_end, sample_course
from annotation.models import IN_HAND, Assignment, State
from core.personal_data import Blank, Blocker, Delete, Keep, Rule, Table, nobody

MINE = "expert_id = :person"
OF_MINE = "assignment_id IN (SELECT id FROM assignment WHERE expert_id = :person)"

TABLES = (
    nobody("task", _l("Tasks, which owners hand in"), "external_id", "data", "gold", "group_key"),
    Table(
        "task_media",
        _l("Files that tasks show, which you added to projects"),
        acts=("added_by",),
        words=("name",),
        codes=("kind", "sha256"),
        hidden=("upload_key",),
    ),
    nobody("task_media_use", _l("Which task shows which file")),
    nobody("media_watch", _l("How far the files on the disk were looked at")),
    nobody("media_end", _l("When files of completed projects go")),
    nobody("validation_due", _l("Which tasks agreement is to be asked about")),
    nobody("work_tally", _l("How much work of a project is left and decided")),
    Table(
        "media_upload",
        _l("Files that you began to send"),
        whose="by_user_id = :person",
        words=("name", "stamp"),
        hidden=("key",),
        erase=Delete(),
    ),
    Table(
        "assignment",
        _l("Tasks that you took, and what was decided about your work or by you"),
        whose=MINE,
        acts=("decided_by",),
        words=("skip_reason", "reason_words", "reason_clause"),
        codes=("currency", "terms", "reason_code", "decided_rule"),
        own_words=("reason_words", "reason_clause"),
        subject="assignment",
        erase=Blank(
            {
                "skip_reason": "CASE WHEN skip_reason IS NULL THEN NULL ELSE 'erased' END",
                "reason_words": "CASE WHEN reason_words IS NULL THEN NULL"
                " ELSE 'erased with the account' END",
            },
            _l(
                "Terms, dates, verdicts and codes stay under the random key, since pay rests on"
                " them; reasons in words go."
            ),
        ),
    ),
    Table(
        "annotation",
        _l("Your answers to tasks"),
        whose=MINE,
        words=("result", "push_trouble"),
        erase=Blank(
            {"result": "'[]'"},
            _l(
                "Answers that were accepted are what was paid for. They stay under the random key,"
                " word for word, so that datasets can be made again. Refused answers go. Copies in"
                " Label Studio stand under your old pseudonym, which leads to nobody."
            ),
            where="expert_id = :person AND assignment_id IN (SELECT id FROM assignment"
            " WHERE state NOT IN ('accepted', 'partly_accepted', 'submitted'))",
        ),
    ),
    Table(
        "claim_place",
        _l("Where you stopped in the order of a project’s tasks"),
        whose=MINE,
        erase=Delete(),
    ),
    Table("draft", _l("What you typed so far"), whose=OF_MINE, words=("result",), erase=Delete()),
    Table(
        "task_question",
        _l("Questions that you asked owners, with their answers, or that you answered"),
        whose=MINE,
        acts=("answered_by", "hidden_by"),
        words=("words", "answer", "hidden_reason"),
        codes=("reference",),
        own_words=("answer", "hidden_reason"),
        subject="task_question",
        erase=Blank(
            {"words": "'erased'"},
            _l("What owners answered stays, since other experts work by it; your own words go."),
        ),
    ),
    Table(
        "work_sample_rule",
        _l("What your projects ask of experts before their first task"),
        acts=("made_by",),
    ),
    Table(
        "work_sample",
        _l("Work samples that you took, tried out or decided about"),
        whose="expert_id = :person",
        acts=("decided_by", "tried_by"),
        words=("scorecard",),
        codes=("currency", "decided_rule"),
        hidden=("seed",),
        subject="work_sample",
        erase=Keep(
            _l("Scores, states and dates stay under the random key: they say who could work.")
        ),
    ),
    Table(
        "work_sample_answer",
        _l("Your answers in work samples"),
        whose="sample_id IN (SELECT id FROM work_sample WHERE :person IN (expert_id, tried_by))",
        words=("draft", "result", "skip_reason", "parts"),
        erase=Blank(
            {
                "draft": "NULL",
                "result": "CASE WHEN result IS NULL THEN NULL ELSE '[]'::jsonb END",
                "skip_reason": "CASE WHEN skip_reason IS NULL THEN NULL ELSE 'erased' END",
            },
            _l("Scores stay under the random key; the answers themselves go."),
        ),
    ),
    Table(
        "work_sample_grant",
        _l("What an owner granted you by hand, or you granted"),
        whose="expert_id = :person",
        acts=("made_by",),
        words=("words",),
        own_words=("words",),
        erase=Blank(
            {"words": "'erased'"},
            _l("Who was let in and when stays under the random key; the reasons in words go."),
        ),
    ),
    Table(
        "outside_edit",
        _l("What you changed in Label Studio, or decided about such changes"),
        whose="author_id = :person",
        acts=("decided_by",),
        words=("result", "troubles", "author_name"),
        erase=Blank(
            {"author_name": "'erased'"},
            _l("The edit stays under the random key: it tells why an answer looks otherwise."),
        ),
    ),
    nobody("mirror_look", _l("How far Label Studio’s copy of a project was read"), "trouble"),
    Table(
        "mirror_run",
        _l("Comparisons and repairs of Label Studio’s copies that you began"),
        acts=("begun_by",),
        codes=("found", "trouble"),
    ),
    nobody("mirror_extra", _l("Skips and known answers that Label Studio has"), "push_trouble"),
    nobody("mirror_prediction", _l("Predictions of models that Label Studio has"), "push_trouble"),
    nobody(
        "mirror_verdict",
        _l("Verdicts that Label Studio was told of"),
        "push_trouble",
        "review_trouble",
    ),
    nobody("mirror_shown", _l("How far predictions were brought to Label Studio")),
    Table(
        "mirror_gate",
        _l("For whom you opened or shut the way into Label Studio"),
        acts=("changed_by",),
    ),
    nobody("backend_check", _l("How Label Studio is set up"), "facts", "trouble"),
    Table(
        "model_run",
        _l("Predictions that you uploaded, or asked of a model"),
        acts=("made_by",),
        codes=("source", "model_version", "address", "state", "trouble", "troubles"),
    ),
    nobody("prediction", _l("What models say of tasks"), "model_version", "result"),
    Table(
        "prediction_rule",
        _l("What your projects show of predictions"),
        acts=("made_by",),
        codes=("shows", "model_version"),
    ),
    Table(
        "answer_origin",
        _l("Whether your answers began with a prediction, and left it unchanged"),
        whose=OF_MINE,
        codes=("model_version", "origin"),
        erase=Keep(_l("Where an answer comes from belongs to it, under the random key.")),
    ),
    Table(
        "task_order",
        _l("Orders of tasks by a model’s doubt that you set"),
        acts=("made_by",),
        codes=("model_version", "state", "spread"),
    ),
    nobody("model_answer", _l("Which model gave which answer that is compared"), "model"),
    Table(
        "answer_placing",
        _l("Where the answers stood that you compared, and how you placed them"),
        whose=OF_MINE,
        erase=Keep(_l("It is part of an answer, under the random key.")),
    ),
    nobody("label_studio_project", _l("Which project of Label Studio mirrors which of ours")),
    Table(
        "shadow_user",
        _l("Which number stands for you in Label Studio"),
        whose=MINE,
        erase=Delete(),
    ),
)

RETENTION = (
    Rule(
        media_end.RULE,
        _l("Media files of completed projects, thirty days after a letter to their owner"),
        media_end.DUE,
        media_end.remove,
    ),
)


def blockers(session: Session, person: int) -> Iterable[Blocker]:
    """Say how much work of an expert waits for a verdict."""
    waiting = session.exec(
        select(func.count()).where(
            Assignment.expert_id == person, col(Assignment.state) == State.SUBMITTED
        )
    ).one()
    if waiting:
        yield Blocker(
            ngettext(
                "One task that you handed in waits for its verdict, and may still be paid.",
                "%(num)s tasks that you handed in wait for their verdicts, and may still be paid.",
                waiting,
            ),
            url_for("annotation.work"),
            _("Open your work"),
        )


def give_back(session: Session, person: int, at: datetime) -> None:
    """Return the tasks that somebody has in hand; whoever asks to be erased works no more."""
    held = select(Assignment).where(
        Assignment.expert_id == person, col(Assignment.state).in_(IN_HAND)
    )
    found = session.exec(held.order_by(col(Assignment.id)).with_for_update()).all()
    leases.give_back_all(session, found, at=at)


BLOCKERS = (blockers,)
CLOSING = (give_back, sample_course.close_all)
