"""What the tables of judges and readings hold of people."""

from flask_babel import lazy_gettext as _l

from core.personal_data import Delete, Table, nobody

MY_ANSWERS = (
    "response_id IN (SELECT response.id FROM interview_response response"
    " JOIN interview ON interview.id = response.interview_id WHERE interview.expert_id = :person)"
)

OF_THE_SET = (
    "frozen_id IN (SELECT frozen.id FROM frozen_answer frozen"
    " JOIN interview_response response ON response.id = frozen.response_id"
    " JOIN interview ON interview.id = response.interview_id WHERE interview.expert_id = :person)"
)

TABLES = (
    nobody(
        "judge_version",
        _l("Judges of answers as they were used"),
        "digest",
        "prompts",
        "models",
        "form",
    ),
    Table(
        "answer_judging",
        _l("What judges read in your answers"),
        whose=MY_ANSWERS,
        words=("readings",),
        codes=("version",),
        erase=Delete(),
    ),
    Table(
        "interview_reading",
        _l("How far the reading of your answers was"),
        whose="interview_id IN (SELECT id FROM interview WHERE expert_id = :person)",
        codes=("version",),
        erase=Delete(),
    ),
    Table(
        "answer_to_read",
        _l("Your answers that waited for a person, or that you had open to read"),
        whose=MY_ANSWERS,
        acts=("held_by",),
        erase=Delete(),
    ),
    Table(
        "answer_reading",
        _l("What people read in your answers, or you in those of others"),
        whose=MY_ANSWERS,
        acts=("reader_id",),
        words=("readings", "forms", "judges"),
        codes=("version",),
        erase=Delete(),
    ),
    Table(
        "frozen_answer",
        _l("Your answers by which judges are measured, or those that you put up"),
        whose=MY_ANSWERS,
        acts=("added_by",),
        words=("words",),
        codes=("key", "item_id", "rubric", "language"),
        erase=Delete(),
    ),
    Table(
        "frozen_reading",
        _l("What people found in your answers by which judges are measured"),
        whose=OF_THE_SET,
        acts=("reader_id",),
        codes=("met",),
        erase=Delete(),
    ),
    Table(
        "judge_run",
        _l("Checks of judges that you asked for"),
        acts=("asked_by",),
        codes=("version", "results"),
    ),
    Table(
        "judge_run_reading",
        _l("What judges found in your answers when they were measured"),
        whose=OF_THE_SET,
        codes=("met",),
        erase=Delete(),
    ),
    Table(
        "judge_gate",
        _l("Gates of judges that you closed"),
        acts=("by",),
        words=("words",),
        codes=("version",),
        own_words=("words",),
    ),
)
