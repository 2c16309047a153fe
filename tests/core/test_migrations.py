"""The migrations make what the models say, and can be taken back."""

from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import CheckConstraint, text
from sqlalchemy.engine import Engine
from sqlmodel import SQLModel

from tests import database

OTHERS = ("procrastinate_", "alembic_version")


def test_a_migrated_database_is_what_the_models_say(engine: Engine, worker_app: object) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "include_name": _ours}
        )
        differences = compare_metadata(context, SQLModel.metadata)

    assert differences == []


def test_the_check_constraints_of_models_and_migrations_are_the_same(
    engine: Engine, worker_app: object
) -> None:
    with engine.connect() as connection:
        in_database = {
            row.name
            for row in connection.execute(
                text(
                    "select conname as name from pg_constraint where contype = 'c'"
                    " and connamespace = 'public'::regnamespace"
                    " and conrelid::regclass::text not like 'procrastinate%'"
                )
            )
        }
    in_models = {
        str(constraint.name)
        for table in SQLModel.metadata.tables.values()
        for constraint in table.constraints
        if type(constraint).__name__ == "CheckConstraint"
    }
    named = {
        f"ck_{table.name}_{constraint.name}"
        if not str(constraint.name).startswith("ck_")
        else str(constraint.name)
        for table in SQLModel.metadata.tables.values()
        for constraint in table.constraints
        if type(constraint).__name__ == "CheckConstraint"
    }
    assert in_models
    assert in_database == named


def test_a_function_that_checks_a_table_has_the_rules_of_its_model(
    engine: Engine, worker_app: object
) -> None:
    told = {
        table.name: (str(constraint.sqltext), constraint.info["rules"])
        for table in SQLModel.metadata.tables.values()
        for constraint in table.constraints
        if isinstance(constraint, CheckConstraint) and "rules" in constraint.info
    }
    assert told
    question = text("""
        select c.conrelid::regclass::text as name, pg_get_constraintdef(c.oid) as called, p.prosrc
        from pg_constraint c join pg_proc p on p.proname = c.conrelid::regclass::text || '_is_sound'
        where c.contype = 'c' and c.conname = 'ck_' || c.conrelid::regclass::text || '_sound'
    """)
    with engine.connect() as connection:
        made = {row.name: (row.called, row.prosrc) for row in connection.execute(question)}

    assert made.keys() == told.keys()
    for name, (called, rules) in told.items():
        assert made[name][0] == f"CHECK ({called})"
        body = " ".join(made[name][1].split())
        for rule, words in rules.items():
            assert f"({words}) is not false" in body.replace("( ", "("), rule
            assert f"when ({words}) is false then 'ck_{name}_{rule}'" in body.replace("( ", "(")
        assert body.count(" is not false") == len(rules) == body.count(" is false then ")


def test_migrations_go_down_and_up_again(postgres: str) -> None:
    with database.copy(postgres) as url, database.engine_for(url) as engine:
        config = Config()
        config.set_main_option("script_location", str(database.ROOT / "migrations"))
        config.attributes["url"] = url

        command.downgrade(config, "base")
        with engine.connect() as connection:
            left = connection.execute(
                text("select tablename from pg_tables where schemaname = 'public'")
            ).scalars()
            assert set(left) <= {"alembic_version"}
        command.upgrade(config, "head")

        with engine.connect() as connection:
            assert connection.execute(text("select count(*) from role")).scalar_one() == 4


def test_migrations_are_numbered_one_after_another_and_import_nothing_of_ours() -> None:
    files = sorted(Path(database.ROOT / "migrations" / "versions").glob("*.py"))

    numbers = [int(file.name[:4]) for file in files]

    assert numbers == list(range(1, len(files) + 1))
    for file in files:
        words = file.read_text()
        assert "from core" not in words
        assert "import app" not in words


def _ours(name: str | None, kind: str, _parents: object) -> bool:
    return not (kind == "table" and (name or "").startswith(OTHERS))
