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
    "interview.judged": _l("Answers of an interview read by judges"),
    "answer.read": _l("Answer in words read by a person"),
    "answer.read_undone": _l("Reading of an answer undone"),
    "frozen.proposed": _l("Answer put up for the frozen set"),
    "judges.check": _l("Check of the judges begun"),
    "judges.opened": _l("Gate of the judges opened"),
    "judges.closed": _l("Gate of the judges closed"),
    "declaration.made": _l("Told of oneself for the fairness report"),
    "declaration.erased": _l("What was told for the fairness report erased"),
    "fairness.read": _l("Fair-hiring report read"),
    "interview.read": _l("Transcript of another person read"),
}
ROWS = {
    "fairness": Row(_l("Fair-hiring report"), "fairness.operator_report"),
    "judge_version": Row(_l("Judges, version %(id)s"), "judge_health.page"),
    "interview": Row(_l("Interview %(id)s"), "interviews_operator.one_interview", "interview_id"),
}
