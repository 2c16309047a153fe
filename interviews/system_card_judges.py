"""What the system card says of judges by a language model and of the gates they have to pass.

The one place for it: where judges run, this module says so, with their figures.
"""

from flask_babel import gettext as _
from sqlmodel import Session

from core.settings import Settings


def lines(session: Session, settings: Settings) -> list[tuple[str, str]]:
    """Return what judges there are, and which gate lets one be used, as names and words."""
    return [
        (_("Judges"), _("None: no language model judges answers here.")),
        (_("Gates"), _("None is needed: there is nothing to let through.")),
    ]
