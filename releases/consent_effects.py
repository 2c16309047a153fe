"""What withdrawing a consent does to releases to come; what is published stays."""

from datetime import datetime

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlmodel import Session

from accounts.models import Purpose
from accounts.withdrawals import Effect, nothing
from releases import provenance


def describe(session: Session, user_id: int, _at: datetime) -> list[str]:
    """Say what holds for releases to come, and how many keep the name."""
    lines = [_("Releases that are built from now on carry a random key for you, and no name.")]
    published = provenance.naming(session, user_id)
    if published:
        lines.append(
            ngettext(
                "The %(num)s release that names you is published and keeps what it has.",
                "The %(num)s releases that name you are published and keep what they have.",
                published,
            )
        )
    return lines


# A build asks for the consent when it reads who is named, so nothing is left to do.
EFFECTS = {Purpose.NAME_IN_PROVENANCE: Effect(describe, nothing)}
