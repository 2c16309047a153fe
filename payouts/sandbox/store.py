"""The state, in one SQLite file. The one rule: what was acknowledged is on disk.

Every request is one transaction. Objects are kept as the JSON that the API answers with; what
only the sandbox may know of an object stands under its key `_` and never leaves. Money is a
table of its own, so that a balance is always the sum of its balance transactions.
"""

import json
import re
import secrets
import sqlite3
import string
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from payouts.sandbox.settings import Settings

Doc = dict[str, Any]

SCHEMA = """
create table if not exists object (
    seq integer primary key autoincrement,
    id text not null unique,
    kind text not null,
    account text not null,            -- '' is the platform
    created integer not null,
    body text not null
);
create index if not exists object_list on object (kind, account, seq);
create index if not exists object_newest on object (kind, seq);
create index if not exists object_group on object (json_extract(body, '$.transfer_group'), kind);
create index if not exists object_source
    on object (json_extract(body, '$.source_transaction'), kind);
create index if not exists object_charge on object (json_extract(body, '$.charge'), kind);
create index if not exists object_intent on object (json_extract(body, '$.payment_intent'), kind);
create index if not exists object_status on object (kind, json_extract(body, '$.status'));
create table if not exists money (
    id text primary key references object (id),
    account text not null,
    currency text not null,
    net integer not null,
    available_on integer not null
) without rowid;
create index if not exists money_sum on money (account, currency, available_on, net);
create index if not exists money_due on money (available_on);
create table if not exists carried (  -- which moves an automatic payout took to the bank
    id text primary key references money (id),
    payout_id text not null references object (id)
) without rowid;
create index if not exists carried_by on carried (payout_id);
create table if not exists answer (
    scope text not null,
    key text not null,
    created integer not null,
    asked text not null,
    request_id text not null,
    status integer not null,
    body text not null,
    primary key (scope, key)
) without rowid;
create table if not exists delivery (
    id integer primary key autoincrement,
    event_id text not null references object (id),
    endpoint_id text not null,
    state text not null default 'pending' check (state in ('pending', 'sent', 'given_up')),
    attempts integer not null default 0,
    due_at real not null,
    said text not null default ''
);
create index if not exists delivery_due on delivery (state, endpoint_id, due_at);
create index if not exists delivery_event on delivery (event_id);
create table if not exists fact (name text primary key, value text not null) without rowid;
"""

_LETTERS = string.ascii_letters + string.digits
_FIELD = re.compile(r"[a-z_.]+")


class Store:
    """The file, and transactions on it."""

    def __init__(self, settings: Settings) -> None:
        settings.data.mkdir(parents=True, exist_ok=True)
        self.settings = settings
        self.path = settings.data / "sandbox.sqlite3"
        self.changed = threading.Event()  # set after each commit that wrote; the courier clears it
        # The last connection to close folds the log into the file, which is slow: this one stays.
        self._anchor = self._connect()
        self._anchor.execute("pragma journal_mode = wal")
        self._anchor.executescript(SCHEMA)

    def close(self) -> None:
        """Let go of the file."""
        self._anchor.close()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, timeout=30, isolation_level=None, check_same_thread=False
        )
        connection.row_factory = sqlite3.Row
        connection.execute("pragma synchronous = full")
        connection.execute("pragma foreign_keys = on")
        return connection

    @contextmanager
    def writing(self) -> Iterator["Tx"]:
        """Yield a transaction that nobody else writes beside; commit it unless it raises."""
        with self._transaction("begin immediate") as tx:
            yield tx
        if tx.wrote:
            self.changed.set()

    @contextmanager
    def reading(self) -> Iterator["Tx"]:
        """Yield a transaction that sees one moment of the state."""
        with self._transaction("begin") as tx:
            yield tx

    @contextmanager
    def _transaction(self, begin: str) -> Iterator["Tx"]:
        connection = self._connect()
        try:
            connection.execute(begin)
            tx = Tx(connection, self.settings)
            yield tx
            tx.wrote = connection.total_changes > 0
            connection.execute("commit")  # left out after an error: closing rolls back
        finally:
            connection.close()


class Tx:
    """One transaction: objects by id, lists of objects, facts, and the clock."""

    def __init__(self, connection: sqlite3.Connection, settings: Settings) -> None:
        self.sql = connection
        self.settings = settings
        self.now = int(time.time()) + int(self.fact("clock_ahead", 0))
        self.request: Doc = {"id": None, "idempotency_key": None}  # events say what caused them
        self.wrote = False

    @contextmanager
    def undoable(self) -> Iterator[None]:
        """Take back what the block wrote when it raises, and no more than that."""
        self.sql.execute("savepoint undoable")
        try:
            yield
        except BaseException:
            self.sql.execute("rollback to undoable")
            raise
        finally:
            self.sql.execute("release undoable")

    def add(self, doc: Doc, *, kind: str, account: str = "") -> Doc:
        """Keep a new object, of the platform or of a connected account."""
        self.sql.execute(
            "insert into object (id, kind, account, created, body) values (?, ?, ?, ?, ?)",
            (doc["id"], kind, account, self.now, json.dumps(doc)),
        )
        return doc

    def save(self, doc: Doc) -> Doc:
        """Keep what an object has become."""
        self.sql.execute("update object set body = ? where id = ?", (json.dumps(doc), doc["id"]))
        return doc

    def remove(self, id_: str) -> None:
        """Forget an object."""
        self.sql.execute("delete from object where id = ?", (id_,))

    def get(self, kind: str, id_: str | None, *, account: str | None = None) -> Doc | None:
        """Return an object of this kind, or None; with `account`, only one of that account."""
        query = "select body from object where id = ? and kind = ?"
        values = [id_, kind]
        if account is not None:
            query += " and account = ?"
            values.append(account)
        row = self.sql.execute(query, values).fetchone()
        return json.loads(row["body"]) if row else None

    def kind_of(self, id_: str) -> str | None:
        """Return the kind of whatever has this id."""
        row = self.sql.execute("select kind from object where id = ?", (id_,)).fetchone()
        return row["kind"] if row else None

    def owner_of(self, id_: str) -> str:
        """Return the account that an object lives in; '' is the platform."""
        row = self.sql.execute("select account from object where id = ?", (id_,)).fetchone()
        return str(row["account"])

    def all(self, kind: str, *, account: str | None = None, **fields: Any) -> list[Doc]:
        """Return objects, oldest first, whose fields have these values."""
        where, values = _where(kind, account, fields)
        return self.bodies(f"where {where} order by seq", values)

    def bodies(self, rest: str, values: list[Any]) -> list[Doc]:
        """Return the objects that a query finds; `rest` holds names of ours, never of a client."""
        rows = self.sql.execute(f"select body from object {rest}", values)  # noqa: S608
        return [json.loads(row["body"]) for row in rows]

    def fact(self, name: str, default: Any) -> Any:
        """Return a remembered value."""
        row = self.sql.execute("select value from fact where name = ?", (name,)).fetchone()
        return json.loads(row["value"]) if row else default

    def remember(self, name: str, value: Any) -> None:
        """Remember a value under a name."""
        self.sql.execute("replace into fact values (?, ?)", (name, json.dumps(value)))


def _where(kind: str, account: str | None, fields: dict[str, Any]) -> tuple[str, list[Any]]:
    parts, values = ["kind = ?"], [kind]
    if account is not None:
        parts.append("account = ?")
        values.append(account)
    for name, value in fields.items():
        parts.append(f"{column(name)} = ?")
        values.append(value)
    return " and ".join(parts), values


def column(field: str) -> str:
    """Return the SQL for a field of an object's body, as the indexes have it."""
    if not _FIELD.fullmatch(field):
        raise ValueError(field)
    return f"json_extract(body, '$.{field}')"


def new_id(prefix: str) -> str:
    """Return an id that nobody can guess, in Stripe's form."""
    return prefix + "".join(secrets.choice(_LETTERS) for _ in range(24))


def public(value: Any) -> Any:
    """Return a copy without what only the sandbox may know."""
    if isinstance(value, dict):
        return {key: public(each) for key, each in value.items() if key != "_"}
    if isinstance(value, list):
        return [public(each) for each in value]
    return value
