"""What pages and letters say of decisions: their names, what they do and what they do not touch."""

from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from accounts import decisions
from accounts.models import AppealGround, Decision, DecisionKind


@dataclass(frozen=True)
class Said:
    """The name of a kind, and what such a decision does."""

    name: Any
    does: Any


KINDS = {
    DecisionKind.INTERVIEW_FAILED: Said(
        _l("Interview not passed"),
        _l(
            "The interview is not passed, so it proves no level in this field. Nothing else "
            "changes: your profile, your other skills, your work and your invitations stay as they "
            "are."
        ),
    ),
    DecisionKind.WORK_REJECTED: Said(
        _l("Work not accepted"),
        _l(
            "Your work on this task is not accepted and its pay returns to the project’s budget. "
            "Nothing else changes: your access, your other work and your invitations stay as they "
            "are."
        ),
    ),
    DecisionKind.WORK_PARTLY_ACCEPTED: Said(
        _l("Work accepted in part"),
        _l(
            "Your work on this task is accepted in part: a part of its pay is yours, the rest "
            "returns to the project’s budget. Nothing else changes."
        ),
    ),
    DecisionKind.EXPERT_RESTRICTED: Said(
        _l("Account restricted"),
        _l(
            "You get no new invitations and no new tasks until the restriction is lifted. What you "
            "have in hand you may finish, and all that is owed to you is paid as before."
        ),
    ),
    DecisionKind.EXPERT_REMOVED: Said(
        _l("Account removed from work"),
        _l(
            "You cannot take tasks or interviews here any more. All that is owed to you is paid as "
            "before, and you may see and export all that is held about you."
        ),
    ),
    DecisionKind.PAYOUT_WITHHELD: Said(
        _l("Payouts withheld"),
        _l(
            "What is owed to you stays yours and stays on record, but is not sent until this is "
            "settled. Your work and your invitations stay as they are."
        ),
    ),
    DecisionKind.CREDENTIAL_REFUSED: Said(
        _l("Licence not recognised"),
        _l(
            "The licence that you declared does not count here. Nothing else changes: your "
            "profile, your skills and your work stay as they are."
        ),
    ),
    DecisionKind.SAMPLE_FAILED: Said(
        _l("Work sample not passed"),
        _l(
            "The work sample is not passed, so this project gives you no tasks for now. Nothing "
            "else changes: your profile, your skills, your other work and your invitations stay as "
            "they are."
        ),
    ),
    DecisionKind.QUESTION_HIDDEN: Said(
        _l("Question hidden"),
        _l(
            "The other experts of the project do not read your question. It stays with you, with "
            "its answer. Nothing else changes: your work, your pay and your invitations stay as "
            "they are."
        ),
    ),
    DecisionKind.INTERVIEW_PASSED: Said(
        _l("Interview passed"), _l("Your level in this field is proven.")
    ),
    DecisionKind.WORK_ACCEPTED: Said(
        _l("Work accepted"), _l("Your work on this task is accepted and its pay is yours.")
    ),
    DecisionKind.SAMPLE_PASSED: Said(
        _l("Work sample passed"), _l("You can take tasks of this project.")
    ),
}

GROUNDS = {
    AppealGround.FACTS: _l("The facts: it was not as the decision says"),
    AppealGround.RULE: _l("The rule: it asks for something else, or does not fit here"),
    AppealGround.WEIGHT: _l("The weight: the decision is too severe"),
}


def who(decision: Decision) -> str:
    """Return who or what took a decision."""
    if decision.rule:
        words = _(
            "The rule %(rule)s, version %(version)s. No person took part.",
            rule=decision.rule,
            version=decision.rule_version,
        )
    elif decision.second_by:
        words = _(
            "Two people: %(first)s decided and %(second)s confirmed it.",
            first=decisions.reviewer(decision.decided_by),
            second=decisions.reviewer(decision.second_by),
        )
    else:
        words = _(
            "Reviewer %(reviewer)s, a person.", reviewer=decisions.reviewer(decision.decided_by)
        )
    if decision.llm_model:
        words += " " + _(
            "The language model %(model)s took part (prompt %(prompt)s).",
            model=decision.llm_model,
            prompt=decision.prompt_version,
        )
    return str(words)
