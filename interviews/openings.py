"""What the interviewer asks before the questions: only what a profile lacks or leaves unclear."""

import re

from sqlmodel import Session

from experts import profile
from experts.models import Expert

MOST = 3
SHORT = 80  # an account of somebody's experience that is shorter leaves much open
STUDIES = re.compile(
    r"\b(degree|diploma|bachelor|master|ph\.?d|doctora\w*|llm|ll\.m|mba|m\.?d\b|universit\w*|"
    r"school|college|studied|graduat\w*|dipl[ôo]m\w*|licence|facult[ée]|[ée]cole|[ée]tudi\w*)",
    re.IGNORECASE,
)


def topics(session: Session, expert: Expert) -> list[str]:
    """Return what to ask about, what matters most first."""
    licences = profile.licences(session, expert.user_id)
    told = " ".join([expert.headline, expert.about, *(one.title for one in licences)])
    lacks = {
        "employment": not expert.headline or len(expert.about.strip()) < SHORT,
        "education": STUDIES.search(told) is None,
        "licences": not licences,
        "years": expert.years is None,
    }
    return [topic for topic, is_open in lacks.items() if is_open][:MOST]


def told(session: Session, expert: Expert) -> str:
    """Return a profile in words, as the model is told: no name, no pseudonym, no address."""
    lines = [
        f"Line: {expert.headline or '-'}",
        f"Years of practice: {expert.years if expert.years is not None else '-'}",
        f"About: {expert.about[:1500] or '-'}",
    ]
    lines += [
        f"Licence: {one.title}, {one.issuer}" for one in profile.licences(session, expert.user_id)
    ]
    return "\n".join(lines)
