"""What consents are called on pages, and what holds without them."""

from flask_babel import lazy_gettext as _l

from accounts.models import Purpose

TITLES = {
    Purpose.AI_INTERVIEW: _l("Interviews with a language model"),
    Purpose.TRANSCRIPTS: _l("Keeping your interview answers"),
    Purpose.SHARE_PROFILE: _l("Your name and profile for owners"),
    Purpose.NAME_IN_PROVENANCE: _l("Your name in datasets"),
    Purpose.VOICE: _l("Dictating answers in interviews"),
}
WITHOUT = {
    Purpose.AI_INTERVIEW: _l(
        "Without it: you take the same interview from the fixed questions, or with a person who"
        " decides. Neither counts less."
    ),
    Purpose.TRANSCRIPTS: _l(
        "Without it: your answers are deleted once the result can no longer be contested. Your"
        " result counts the same."
    ),
    Purpose.SHARE_PROFILE: _l(
        "Without it: owners see your pseudonym and what you have proven. Invitations, work and"
        " pay are the same."
    ),
    Purpose.NAME_IN_PROVENANCE: _l(
        "Without it: datasets carry a random key for you. Work and pay are the same."
    ),
    Purpose.VOICE: _l(
        "Without it: you type your answers. Nothing is recorded, and the result counts the same."
    ),
}
