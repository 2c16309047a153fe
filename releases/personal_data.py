"""What the tables of releases hold of people: only who asked for one."""

from flask_babel import lazy_gettext as _l
from sqlmodel import Session

from core.personal_data import Blank, Delete, Line, Rule, Table, nobody
from releases import provenance

TABLES = (
    nobody(
        "release_series",
        _l("Series of releases"),
        "name",
        "split_salt",
        "split_rule",
        "annotator_key",
        "visibility",
        "description",
    ),
    nobody("release_source", _l("Projects whose answers are in a release")),
    Table(
        "release",
        _l("Releases that you asked for on behalf of your organisation"),
        acts=("asked_by", "confirmed_by"),
        words=("title", "changelog", "limits"),
        codes=("licence", "trouble", "version", "commit", "manifest", "recipe", "waits_for"),
        own_words=("title", "changelog", "limits"),
        subject="release",
    ),
    Table(
        "release_download",
        _l("Files of releases that you loaded: which, when and how"),
        whose="user_id = :person",
        codes=("way", "path"),
        erase=Delete(),
    ),
    nobody("release_key", _l("Public keys that sign releases"), "id", "public_key"),
    nobody("release_signature", _l("Signatures of releases"), "key_id", "signature"),
    nobody("release_format", _l("Formats made from releases"), "name", "files", "reason"),
    Table(
        "noise_report",
        _l("Looks for doubtful labels that you asked for"),
        acts=("asked_by",),
        codes=("trouble",),
    ),
    Table(
        "noise_finding",
        _l("Doubtful labels that you sent back or said to be right"),
        acts=("decided_by",),
        codes=("control", "given", "likely", "votes", "reasons"),
    ),
    Table(
        "release_grant",
        _l("Who may read releases, when you allowed it"),
        acts=("granted_by",),
        codes=("versions",),
    ),
    Table(
        "release_request",
        _l("Requests to read releases that you made or answered for your organisation"),
        whose="asked_by = :person",
        acts=("answered_by",),
        words=("purpose", "reason"),
        codes=("use", "licence", "state"),
        own_words=("reason",),
        subject="release_request",
        erase=Blank(
            {"purpose": "'–'"},
            _l("That your organisation asked, and what came of it, stays. What you wrote goes."),
        ),
    ),
    nobody(
        "release_summary",
        _l("What the catalogue says of releases"),
        "field",
        "language",
        "tasks",
        "classes",
        "labels",
        "words",
    ),
    nobody("release_statistics", _l("What the columns of releases hold"), "found"),
)


def _credits(session: Session, person: int) -> Line:
    return Line(
        _l("Published datasets that name you in their credits"),
        provenance.naming(session, person),
        _l(
            "You agreed to it before they were built. A published dataset never changes, and others"
            " have loaded it."
        ),
    )


KEPT = (_credits,)

RETENTION = (
    Rule(
        "downloads",
        _l("Who loaded which file of a release"),
        "FROM release_download WHERE last_at < :before",
        "DELETE FROM release_download WHERE last_at < :before",
    ),
)
