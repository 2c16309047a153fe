"""What the tables of experts hold of people."""

from flask_babel import lazy_gettext as _l

from core.personal_data import Blank, Delete, Keep, Table

MINE = "expert_id = :person"

TABLES = (
    Table(
        "expert",
        _l("Your profile as an expert"),
        whose="user_id = :person",
        words=("headline", "about", "country", "time_zone"),
        codes=("pseudonym",),
        erase=Blank(
            {
                "pseudonym": "'Erased-' || :key",
                "headline": "''",
                "about": "''",
                "country": "NULL",
                "years": "NULL",
                "time_zone": "'UTC'",
                "accepts_invitations": "false",
            },
            _l(
                "The row that your work hangs on stays, under a new random pseudonym and without"
                " anything that you wrote."
            ),
        ),
    ),
    Table(
        "expert_language",
        _l("Languages that you work in"),
        whose=MINE,
        codes=("language",),
        erase=Delete(),
    ),
    Table(
        "licence",
        _l("Licences and diplomas that you declared"),
        whose=MINE,
        words=("title", "issuer", "jurisdiction", "number"),
        subject="licence",
        erase=Delete(),
    ),
    Table(
        "skill",
        _l("What interviews have proven"),
        whose=MINE,
        erase=Keep(
            _l("A field, a level and dates under the random key: datasets say how work was proven.")
        ),
    ),
    Table(
        "restriction_proposal",
        _l("Restrictions that were proposed against you, or by you"),
        whose=MINE,
        acts=("proposed_by", "answered_by"),
        words=("words", "evidence", "would_change"),
        codes=("reason_code", "language"),
        own_words=("words", "would_change"),
        erase=Blank(
            {"words": "''", "evidence": "''", "would_change": "''"},
            _l("Code and dates stay with the decision; every word goes."),
        ),
    ),
)
