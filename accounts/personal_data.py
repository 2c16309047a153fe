"""What the tables of accounts hold of people, and what must be solved before an erasure."""

from collections.abc import Iterable
from datetime import datetime

from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import text
from sqlmodel import Session

from accounts import retention
from core.personal_data import Blank, Blocker, Delete, Keep, Rule, Table, nobody

OPEN_APPEALS = text("""
    SELECT decision.id FROM appeal JOIN decision ON decision.id = appeal.decision_id
    WHERE decision.person_id = :person AND appeal.outcome IS NULL ORDER BY decision.id
""")
# Organisations that would be left without an admin, and whether others are in them.
LEFT_ALONE = text("""
    SELECT organisation.id, organisation.name,
        EXISTS (SELECT 1 FROM membership other WHERE other.organisation_id = organisation.id
                AND other.user_id <> :person) AS has_others
    FROM membership mine
    JOIN organisation ON organisation.id = mine.organisation_id
    WHERE mine.user_id = :person AND mine.role = 'admin'
      AND NOT EXISTS (SELECT 1 FROM membership other WHERE other.organisation_id = organisation.id
                      AND other.role = 'admin' AND other.user_id <> :person)
    ORDER BY organisation.id
""")
LAST_OPERATOR = text("""
    SELECT count(*) FILTER (WHERE user_role.user_id = :person) > 0
       AND count(*) FILTER (WHERE user_role.user_id <> :person AND user_account.active) = 0
    FROM user_role JOIN role ON role.id = user_role.role_id AND role.name = 'operator'
    JOIN user_account ON user_account.id = user_role.user_id
""")
MINE_ALONE = (
    "id IN (SELECT organisation_id FROM membership WHERE user_id = :person)"
    " AND NOT EXISTS (SELECT 1 FROM membership other WHERE other.organisation_id = organisation.id"
    " AND other.user_id <> :person)"
)

TABLES = (
    Table(
        "user_account",
        _l("Your account"),
        whose="id = :person",
        words=("email", "name"),
        codes=("locale", "theme", "tf_primary_method"),
        hidden=(
            "password",
            "fs_uniquifier",
            "fs_webauthn_user_handle",
            "tf_totp_secret",
            "mf_recovery_codes",
        ),
        erase=Blank(
            {
                "email": "'erased-' || :key || '@erased.invalid'",
                "name": "''",
                "password": "NULL",
                "active": "false",
                "fs_uniquifier": ":uniquifier",
                "fs_webauthn_user_handle": "NULL",
                "confirmed_at": "NULL",
                "locale": "NULL",
                "theme": "NULL",
                "tf_primary_method": "NULL",
                "tf_totp_secret": "NULL",
                "tf_last_counter": "NULL",
                "mf_recovery_codes": "NULL",
            },
            _l(
                "An empty shell with a random key stays, so that accounts add up and datasets can"
                " be made again. Nobody can sign in to it, and nothing in it leads to you."
            ),
        ),
    ),
    Table(
        "sign_in",
        _l("Browsers in which you are or were signed in"),
        whose="user_id = :person",
        words=("address", "browser", "system"),
        hidden=("secret_hash",),
        erase=Delete(),
    ),
    Table(
        "passkey",
        _l("Your passkeys: their names and public halves"),
        whose="user_id = :person",
        words=("name",),
        codes=("transports", "device_type", "extensions", "usage"),
        hidden=("credential_id", "public_key"),
        erase=Delete(),
    ),
    Table(
        "user_role",
        _l("What you are here: expert, owner, ML team, operator"),
        whose="user_id = :person",
        erase=Delete(),
    ),
    nobody("role", _l("The roles that there are"), "name", "description"),
    Table(
        "organisation",
        _l("Your organisations"),
        whose="id IN (SELECT organisation_id FROM membership WHERE user_id = :person)",
        words=("name", "slug"),
        subject="organisation",
        erase=Blank(
            {"name": "'erased'", "slug": "'erased-' || id"},
            _l(
                "An organisation belongs to all its members and keeps its name. One that has no"
                " other member loses it."
            ),
            where=MINE_ALONE,
        ),
    ),
    Table(
        "membership", _l("Your places in organisations"), whose="user_id = :person", erase=Delete()
    ),
    Table(
        "member_invitation",
        _l("Invitations to organisations, to you or by you"),
        whose="user_id = :person OR (user_id IS NULL AND email = :email)",
        acts=("invited_by",),
        words=("email",),
        erase=Delete(),
    ),
    Table(
        "email_change",
        _l("Another e-mail address that you asked for (kept one day)"),
        whose="user_id = :person",
        words=("email",),
        # Which letter was written says whether the address is somebody's.
        hidden=("token_hash", "letter_id"),
        erase=Delete(),
    ),
    Table(
        "api_token",
        _l("Your tokens for programs, and those that you made for organisations"),
        whose="user_id = :person",
        acts=("made_by",),
        words=("name",),
        codes=("shown", "scopes"),
        hidden=("token_hash",),
        own_words=("name",),
        subject="token",
        erase=Delete(
            why=_l(
                "Tokens of an organisation stay its own, whoever made them, while it has members."
            )
        ),
    ),
    Table(
        "webhook_endpoint",
        _l("Webhooks that you set up for organisations"),
        acts=("made_by",),
        words=("name", "url"),
        codes=("events",),
        hidden=("secret", "previous_secret"),
        own_words=("name", "url"),
        subject="webhook",
    ),
    nobody(
        "webhook_message", _l("What webhooks tell; people by number only"), "uid", "type", "body"
    ),
    nobody("webhook_delivery", _l("Messages of webhooks on their way")),
    nobody("webhook_attempt", _l("Tries to deliver them"), "trouble", "excerpt"),
    nobody(
        "consent_text",
        _l("The words that can be agreed to"),
        "digest",
        "version",
        "language",
        "words",
    ),
    Table(
        "consent",
        _l("What you agreed to and withdrew"),
        whose="user_id = :person",
        words=("address",),
        codes=("text",),
        erase=Blank(
            {},
            _l("That somebody agreed at that time stays; who, and from which address, goes."),
            function="erase_consents",
        ),
    ),
    Table(
        "decision",
        _l("Decisions about you, with their reasons, or taken by you"),
        whose="person_id = :person",
        acts=("decided_by", "second_by"),
        words=("title", "reason_words", "evidence", "would_change"),
        codes=(
            "subject",
            "path",
            "rule",
            "rule_version",
            "llm_model",
            "prompt_version",
            "reason_code",
        ),
        own_words=("reason_words", "would_change"),
        erase=Blank(
            {},
            _l(
                "The law asks that decisions can be counted and checked. Kind, code, rule and date"
                " stay under the random key; every word, quote and title goes."
            ),
            function="erase_words",
        ),
    ),
    Table(
        "appeal",
        _l("What you contested and the answers, or what you answered"),
        whose="decision_id IN (SELECT id FROM decision WHERE person_id = :person)",
        acts=("answered_by",),
        words=("words", "reply"),
        own_words=("reply",),
        erase=Blank(
            {},
            _l("Ground, outcome and dates stay with the decision. Your words and the reply go."),
            function="erase_words",
        ),
    ),
    Table(
        "appeal_file",
        _l("Which files belong to which appeal of yours"),
        whose="upload_id IN (SELECT id FROM upload WHERE by_user_id = :person)",
        erase=Delete(),
    ),
    Table(
        "data_export",
        _l("The copies of your data that you asked for"),
        whose="user_id = :person",
        codes=("language", "trouble"),
        hidden=("key",),
        erase=Delete(),
    ),
    Table(
        "erasure",
        _l("What you asked to be erased, and when"),
        whose="user_id = :person",
        codes=("language", "files"),
        hidden=("key",),
        erase=Keep(_l("That and when an erasure was done: numbers and dates.")),
    ),
)


# Two signs that a person has been here: a confirmed address, or an erasure that made a shell of it.
UNCONFIRMED = "FROM user_account WHERE confirmed_at IS NULL AND active AND created_at < :before"
OLD_FILES = (
    "FROM appeal_file WHERE appeal_id IN"
    " (SELECT id FROM appeal WHERE outcome IS NOT NULL AND answered_at < :before)"
)
# Decisions that still do something to somebody, however old: the reasons are owed while they do.
# Tables by their names, since none of the packages that have them may be imported here.
IN_FORCE = (
    "SELECT user_id FROM expert WHERE decision_id IS NOT NULL"
    " UNION ALL SELECT expert_id FROM licence WHERE decision_id IS NOT NULL"
    " AND (removed_at IS NULL OR removed_at >= :before)"
    " UNION ALL SELECT expert_id FROM payout_hold WHERE lifted_at IS NULL"
    " UNION ALL SELECT expert_id FROM tax_request WHERE decision_id IS NOT NULL"
    " AND closed_at IS NULL"
)
# By person, since their words are blanked by person: the newest decision has to be old enough.
OLD_DECISIONS = (
    "FROM (SELECT person_id FROM decision GROUP BY person_id"  # noqa: S608
    " HAVING max(greatest(decided_at, coalesce(contest_until, decided_at))) < :before"
    " AND bool_or(title <> erased_words())"
    " AND NOT EXISTS (SELECT 1 FROM appeal JOIN decision mine ON mine.id = appeal.decision_id"
    " WHERE mine.person_id = decision.person_id AND (appeal.outcome IS NULL"
    " OR appeal.answered_at >= :before))"
    f" AND person_id NOT IN ({IN_FORCE})) AS settled"
)


def _delete_files(session: Session, before: datetime) -> int:
    """Delete the rows of files of appeals that ended; the sweep of uploads takes their bytes."""
    gone = session.execute(
        text(f"DELETE {OLD_FILES} RETURNING upload_id"), {"before": before}
    ).scalars()
    ids = list(gone)
    session.execute(
        text("DELETE FROM upload WHERE id = ANY(:ids) AND purpose = 'appeal'"), {"ids": ids}
    )
    return len(ids)


RETENTION = (
    Rule(
        "unconfirmed",
        _l("Accounts whose address was never confirmed"),
        UNCONFIRMED,
        retention.erase_unconfirmed,
    ),
    Rule("appeal_files", _l("Files of appeals that ended"), OLD_FILES, _delete_files),
    Rule(
        "decisions",
        _l(
            "Words in decisions and appeals of people whose newest decision is that old, and none"
            " is in force"
        ),
        OLD_DECISIONS,
        f"SELECT erase_words(person_id) {OLD_DECISIONS}",
    ),
)

# What an organisation had that has no other member; and letters to others that name the person,
# or quote them.
OF_MINE_ALONE = f"organisation_id IN (SELECT id FROM organisation WHERE {MINE_ALONE})"  # noqa: S608
ALSO_DELETE = (
    ("letter", "id IN (SELECT letter_id FROM email_change WHERE user_id = :person)"),
    ("api_token", OF_MINE_ALONE),
    (
        "webhook_delivery",
        f"endpoint_id IN (SELECT id FROM webhook_endpoint WHERE {OF_MINE_ALONE})",  # noqa: S608
    ),
    ("webhook_message", OF_MINE_ALONE),
    ("webhook_endpoint", OF_MINE_ALONE),
    (
        "letter",
        "template = 'accounts/member_invitation' AND address IN"
        " (SELECT email FROM member_invitation WHERE invited_by = :person)",
    ),
    (
        "letter",
        "template LIKE 'accounts/appeal%' AND EXISTS (SELECT 1 FROM appeal"
        " JOIN decision ON decision.id = appeal.decision_id WHERE decision.person_id = :person"
        " AND letter.body ~ ('/appeals/' || appeal.id || '(\\D|$)'))",
    ),
)


def left_alone(session: Session, person: int) -> list[tuple[int, str, bool]]:
    """Return the organisations whose last admin somebody is, and whether others are members."""
    found = session.execute(LEFT_ALONE, {"person": person})
    return [(id_, name, has_others) for id_, name, has_others in found]


def last_admin(organisation_id: int, name: str) -> Blocker:
    """Return the words for somebody without whom an organisation would have no admin."""
    return Blocker(
        _(
            "You are the last admin of %(name)s, which has projects, money or other members. Make"
            " somebody else an admin first.",
            name=name,
        ),
        url_for("accounts.organisation", organisation_id=organisation_id),
        _("Open its members"),
    )


def blockers(session: Session, person: int) -> Iterable[Blocker]:
    """Say which appeals are open, which organisations need somebody, and who runs the instance."""
    who = {"person": person}
    for (decision_id,) in session.execute(OPEN_APPEALS, who):
        yield Blocker(
            _("An appeal of yours is open. Wait for its answer, or withdraw it."),
            url_for("decisions.one", decision_id=decision_id),
            _("Open the decision"),
        )
    for organisation_id, name, has_others in left_alone(session, person):
        if has_others:
            yield last_admin(organisation_id, name)
    if session.execute(LAST_OPERATOR, who).scalar_one():
        yield Blocker(
            _("You are the last operator of this instance. Make somebody else an operator first.")
        )


BLOCKERS = (blockers,)
