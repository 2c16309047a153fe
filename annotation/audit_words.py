"""What the audit trail says of tasks and assignments."""

from flask_babel import lazy_gettext as _l

from core.audit_words import Row

ACTIONS = {
    "tasks.imported": _l("Tasks added"),
    "project.budget_short": _l("Owner told that the budget runs short"),
    "assignment.skipped": _l("Task skipped"),
    "assignment.extended": _l("Task given its time again"),
    "assignment.accepted": _l("Work accepted"),
    "assignment.partly_accepted": _l("Work accepted in part"),
    "assignment.rejected": _l("Work not accepted"),
    "assignment.contested": _l("Verdict contested"),
    "assignment.second_look_changed": _l("Second look at work: verdict changed"),
    "assignment.second_look_stands": _l("Second look at work: verdict stands"),
    "outside_edit.seen": _l("Answer edited in Label Studio"),
    "outside_edit.noted": _l("Edit made in Label Studio kept on record"),
    "outside_edit.put_back": _l("Edit made in Label Studio undone"),
    "mirror.compare": _l("Label Studio compared with our rows"),
    "mirror.repair": _l("Repair of Label Studio’s copy begun"),
    "mirror.gate_opened": _l("Way into Label Studio opened for an organisation"),
    "mirror.gate_shut": _l("Way into Label Studio shut for an organisation"),
    "mirror.opened": _l("Project opened in Label Studio"),
    "predictions.added": _l("Predictions of a model added"),
    "predictions.asked_for": _l("Model asked about tasks"),
    "predictions.asking_stopped": _l("Asking of a model stopped"),
    "predictions.asking_resumed": _l("Asking of a model taken up again"),
    "predictions.rule_set": _l("What experts see of predictions set"),
    "tasks.ordered": _l("Tasks put in the order of a model’s doubt"),
    "tasks.order_undone": _l("Tasks put back in their own order"),
    "comparisons.added": _l("Answers of models to compare added"),
    "sample.rule_set": _l("Work sample asked of experts"),
    "sample.rule_ended": _l("Work sample no longer asked"),
    "sample.let_in": _l("Expert let in without a work sample"),
    "sample.another_try": _l("Another try at a work sample granted"),
    "sample.started": _l("Work sample begun"),
    "sample.expired": _l("Time of a work sample over"),
    "sample.review": _l("Work sample near the line: with a person"),
    "sample.passed": _l("Work sample passed"),
    "sample.failed": _l("Work sample not passed"),
}
ROWS = {
    "assignment": Row(_l("Assignment %(id)s")),
    "outside_edit": Row(_l("Edit %(id)s")),
    "work_sample": Row(_l("Work sample %(id)s")),
}
