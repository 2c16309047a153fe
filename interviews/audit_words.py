"""What the audit trail says of interviews."""

from flask_babel import lazy_gettext as _l

from core.audit_words import Row

ACTIONS = {
    "interview.started": _l("Interview started"),
    "interview.left": _l("Interview left"),
    "interview.expired": _l("Interview expired"),
    "interview.review": _l("Interview goes to a person to read"),
    "interview.passed": _l("Interview passed"),
    "interview.failed": _l("Interview not passed"),
    "interview.contested": _l("Interview result contested"),
    "interview.second_look_changed": _l("Second look at an interview: result changed"),
    "interview.second_look_stands": _l("Second look at an interview: result stands"),
    "interview.switched": _l("Interview goes on in another way"),
    "interview.corrected": _l("Answer of an interview corrected by its person"),
    "interview.texts_deleted": _l("Answers of an interview deleted"),
    "interview.signals_opened": _l("Signals of an interview go to a person"),
    "interview.signals_explained": _l("Signals explained by the candidate"),
    "interview.signals_concluded": _l("Signals of an interview looked at"),
    "interview.transcribed": _l("Speech turned into words in an interview"),
    "accommodation.asked": _l("Accommodation asked for"),
    "accommodation.granted": _l("Accommodation granted"),
    "accommodation.declined": _l("Accommodation not granted, with reasons"),
    "accommodation.ended": _l("Accommodation ended by its person"),
    "declaration.made": _l("Told of oneself for the fairness report"),
    "declaration.erased": _l("What was told for the fairness report erased"),
    "fairness.read": _l("Fair-hiring report read"),
    "interview.read": _l("Transcript of another person read"),
}
ROWS = {
    "accommodation": Row(_l("Request %(id)s")),
    "fairness": Row(_l("Fair-hiring report"), "fairness.operator_report"),
    "interview": Row(_l("Interview %(id)s"), "interviews_operator.one_interview", "interview_id"),
}
