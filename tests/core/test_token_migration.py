"""Tokens of before the two kinds: those that worked go on, the others stay ended."""

from alembic import command
from alembic.config import Config
from sqlalchemy import text

from tests import database

PERSON = """
    insert into user_account (email, name, active, fs_uniquifier, created_at)
    values ('{0}@example.org', '{0}', {1}, '{0}', now()) returning id
"""
TOKEN = """
    insert into api_token (user_id, organisation_id, name, token_hash, shown, scopes, created_at,
        expires_at)
    values (:user, :organisation, :name, :name, 'dy_', '["releases:read"]', now(),
        now() + interval '1 day')
"""


def test_old_tokens_become_their_organisations_unless_nobody_could_use_them(postgres: str) -> None:
    with database.copy(postgres) as url, database.engine_for(url) as engine:
        config = Config()
        config.set_main_option("script_location", str(database.ROOT / "migrations"))
        with engine.connect() as connection:
            config.attributes["connection"] = connection
            command.downgrade(config, "0033")
            run = connection.execute
            organisation = run(
                text(
                    "insert into organisation (name, slug, kind, created_at)"
                    " values ('x', 'x', 'owner', now()) returning id"
                )
            ).scalar_one()
            for name, active, member in (
                ("in", True, True),
                ("left", True, False),
                ("closed", False, True),
            ):
                user = run(text(PERSON.format(name, active))).scalar_one()
                values = {"user": user, "organisation": organisation, "name": name}
                if member:
                    run(
                        text(
                            "insert into membership (organisation_id, user_id, role, joined_at)"
                            " values (:organisation, :user, 'member', now())"
                        ),
                        values,
                    )
                run(text(TOKEN), values)
            command.upgrade(config, "head")
            found = run(
                text(
                    "select name, kind, user_id, revoked_at is null as works from api_token"
                    " where made_by is not null order by name"
                )
            ).all()

    assert [tuple(one) for one in found] == [
        ("closed", "organisation", None, False),
        ("in", "organisation", None, True),
        ("left", "organisation", None, False),
    ]
