"""What the tables of templates, proofs and qualifications hold of people (`personal_data`)."""

from flask_babel import lazy_gettext as _l

from core.personal_data import Delete, Keep, Table, nobody

TABLES = (
    Table(
        "interview_template",
        _l("What interviews in fields and projects ask, written by you"),
        acts=("written_by",),
        codes=("digest", "content"),
        subject="interview_template",
    ),
    Table(
        "competency_proof",
        _l("What your interviews have proven in single competencies"),
        whose="expert_id = :person",
        codes=("competency", "edition", "rule"),
        erase=Keep(
            _l(
                "A competency, a level and dates under the random key: they stand behind"
                " qualifications for projects."
            )
        ),
    ),
    Table(
        "bank_withdrawal",
        _l("Own banks of your organisation that you withdrew or took up again"),
        acts=("withdrawn_by", "ended_by"),
        words=("words",),
        own_words=("words",),
    ),
    nobody(
        "template_gap",
        _l("Of which gaps in what a project asks its owners were told"),
        *("digest", "lacking"),
    ),
    Table(
        "project_qualification",
        _l("Projects that you have qualified for, and by what"),
        whose="expert_id = :person",
        codes=("proofs", "levels", "reference"),
        erase=Keep(_l("That the random key qualified for a project stays, with levels and dates.")),
    ),
    Table(
        "interview_outage",
        _l("Interviews of yours that broke off for a fault of ours"),
        whose="interview_id IN (SELECT id FROM interview WHERE expert_id = :person)",
        acts=("noted_by",),
        words=("words",),
        own_words=("words",),
        erase=Delete(),
    ),
)
