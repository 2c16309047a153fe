"""Letters about decisions and appeals; jobs write them as well, so addresses need no request."""

from functools import partial

from sqlmodel import Session

from accounts import decision_words, decisions, repairs
from accounts.models import Appeal, Decision, User
from core import messages
from core.settings import current_settings


def write(
    session: Session, to: User, template: str, decision: Decision, appeal: Appeal | None = None
) -> None:
    """Write one letter in the person's language."""
    base = current_settings().public_url.rstrip("/")
    language = to.locale or current_settings().languages[0]
    messages.write(
        session,
        to=to,
        template=f"accounts/{template}",
        decision=decision,
        appeal=appeal,
        said=decision_words.KINDS[decision.kind],
        who=decisions.said(partial(decision_words.who, decision)).get(language, ""),
        in_words=partial(_in, language),
        made_good=partial(repairs.made_good, session, decision),
        url=f"{base}/decisions/{decision.id}",
        review_url=f"{base}/appeals/{appeal.id}" if appeal else "",
    )


def tell(session: Session, decision: Decision) -> None:
    """Write to the person, with the whole reason; kinds with a letter of their own need it not."""
    write(session, session.get_one(User, decision.person_id), "decision", decision)


def _in(language: str, words: dict[str, str]) -> str:
    return decisions.in_language(words, language)[0]
