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
    "question.asked": _l("Owner asked about a task"),
    "question.changed": _l("Question put in other words"),
    "question.taken_back": _l("Question taken back"),
    "question.answered": _l("Question answered"),
    "question.answer_changed": _l("Answer to a question corrected"),
    "question.hidden": _l("Question hidden from other experts"),
    "question.shown": _l("Question no longer hidden"),
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
    "task_question": Row(_l("Question %(id)s")),
    "assignment": Row(_l("Assignment %(id)s")),
    "work_sample": Row(_l("Work sample %(id)s")),
}
