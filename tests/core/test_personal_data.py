"""Every table and every column is declared: what nobody declared is found, with what to write."""

from flask import Flask
from sqlalchemy import Column, ForeignKey, Integer, MetaData, Table, Text
from sqlmodel import SQLModel

from core import personal_data
from core.personal_data import Register


def test_every_table_says_what_it_holds_of_people(worker_app: Flask) -> None:
    register: Register = worker_app.extensions["doyen.personal_data"]

    found = list(personal_data.problems(register, SQLModel.metadata))

    assert found == [], "\n\n".join(["", *found])


def test_a_new_table_is_found_with_what_to_write(worker_app: Flask) -> None:
    metadata = MetaData()
    Table("user_account", metadata, Column("id", Integer, primary_key=True))
    Table(
        "passkey",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("user_id", Integer, ForeignKey("user_account.id")),
        Column("public_key", Text),
    )
    Table("rate_limit", metadata, Column("bucket", Text, primary_key=True))
    register = Register({"user_account": personal_data.nobody("user_account", _words())})

    found = list(personal_data.problems(register, metadata))

    assert len(found) == 2
    assert 'Table("passkey"' in found[0]
    assert 'whose="user_id = :person"' in found[0]
    assert '"public_key"' in found[0]
    assert 'nobody("rate_limit"' in found[1]


def test_a_new_column_is_found(worker_app: Flask) -> None:
    metadata = MetaData()
    Table("user_account", metadata, Column("id", Integer, primary_key=True))
    Table(
        "note",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("words", Text),
        Column("seen_by", Integer, ForeignKey("user_account.id")),
    )
    register = Register(
        {
            "user_account": personal_data.nobody("user_account", _words()),
            "note": personal_data.nobody("note", _words(), "gone"),
        }
    )

    found = list(personal_data.problems(register, metadata))

    assert [line.split()[0] for line in found] == ["note.words", "note.seen_by", "note"]


def _words() -> personal_data.LazyString:
    return personal_data._l("Something")
