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
    "declaration.made": _l("Told of oneself for the fairness report"),
    "declaration.erased": _l("What was told for the fairness report erased"),
    "fairness.read": _l("Fair-hiring report read"),
    "interview.late_warned": _l("Operators told that an interview is about to be late"),
    "calibration.proposed": _l("Calibration of a bank worked out"),
    "calibration.accepted": _l("Curves of a calibration accepted"),
    "calibration.withdrawn": _l("Curve of a calibration taken back"),
    "interview.outage_noted": _l("Interview broken off by an outage, so it does not count"),
    "interview.template_set": _l("Template of the interviews in a field set"),
    "project.interview_set": _l("What a project asks of experts set"),
    "project.qualified": _l("Expert qualified for a project"),
    "interview.read": _l("Transcript of another person read"),
    "item_bank.begun": _l("Item bank: editing begun"),
    "item_bank.published": _l("Item bank: version published"),
    "item_bank.item_retired": _l("Item bank: item retired"),
    "item_bank.item_restored": _l("Item bank: retired item taken up again"),
    "item_bank.item_discarded": _l("Item bank: unpublished item discarded"),
    "item_bank.item_taken_back": _l("Item bank: item taken back to a version"),
    "item_bank.taken_back": _l("Item bank: taken back to a version"),
    "item_bank.imported": _l("Item bank: file imported"),
    "item_bank.starter_taken": _l("Item bank: newer starter bank looked at"),
    "item_bank.exported": _l("Item bank: file taken out"),
}
ROWS = {
    "fairness": Row(_l("Fair-hiring report"), "fairness.operator_report"),
    "calibration": Row(_l("Calibration %(id)s"), "calibration.of_bank"),
    "item_bank": Row(_l("Item bank %(id)s"), "item_banks.bank", "bank_id"),
    "interview_template": Row(_l("Template of interviews %(id)s")),
    "interview": Row(_l("Interview %(id)s"), "interviews_operator.one_interview", "interview_id"),
}
