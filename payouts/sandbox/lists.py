"""Lists as Stripe pages them: newest first, cursors before and after, `has_more`."""

from collections.abc import Callable
from typing import Any

from payouts.sandbox.calls import Call
from payouts.sandbox.errors import Refusal, missing
from payouts.sandbox.store import Doc, column

_SIGNS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


def page(
    call: Call,
    kind: str,
    *,
    account: str | None = None,
    where: Doc | None = None,
    extra: tuple[str, list[Any]] = ("", []),
    show: Callable[[Doc], Doc] | None = None,
) -> Doc:
    """Return one page of the objects that the request asks for.

    `where` names fields of the body and their values (None asks for nothing); `extra` is one more
    condition in SQL with its values.
    """
    parts, values = ["kind = ?", "account = ?"], [kind, account or call.account]
    for name, value in (where or {}).items():
        if value is not None:
            parts.append(f"{column(name)} = ?")
            values.append(value)
    _created(call.params.get("created"), parts, values)
    if extra[0]:
        parts.append(extra[0])
        values.extend(extra[1])
    docs, more = _cut(call, kind, parts, values)
    data = [show(doc) for doc in docs] if show else docs
    return {"object": "list", "url": call.path, "has_more": more, "data": data}


def _created(asked: Any, parts: list[str], values: list[Any]) -> None:
    if asked is None:
        return
    for name, moment in ({"gte": asked, "lte": asked} if isinstance(asked, int) else asked).items():
        parts.append(f"created {_SIGNS[name]} ?")
        values.append(moment)


def _cut(call: Call, kind: str, parts: list[str], values: list[Any]) -> tuple[list[Doc], bool]:
    limit = call.params.get("limit", 10)
    if not 1 <= limit <= 100:
        raise Refusal(
            "This value must be between 1 and 100.",
            code="parameter_invalid_integer",
            param="limit",
        )
    after, before = call.params.get("starting_after"), call.params.get("ending_before")
    if after and before:
        raise Refusal("You may only specify one of these parameters: ending_before, starting_after")
    if after:
        parts, values = [*parts, "seq < ?"], [*values, _seq(call, kind, after, "starting_after")]
    if before:
        parts, values = [*parts, "seq > ?"], [*values, _seq(call, kind, before, "ending_before")]
    rows = call.tx.bodies(
        f"where {' and '.join(parts)} order by seq {'asc' if before else 'desc'} limit {limit + 1}",
        values,
    )
    docs = rows[:limit]
    return (docs[::-1] if before else docs), len(rows) > limit


def _seq(call: Call, kind: str, id_: str, param: str) -> int:
    row = call.tx.sql.execute(
        "select seq from object where id = ? and kind = ?", (id_, kind)
    ).fetchone()
    if row is None:
        raise missing(kind, id_, param=param, status=400)
    return int(row["seq"])


def whole(url: str, docs: list[Doc]) -> Doc:
    """Return a list that is all there, as it stands inside another object."""
    return {"object": "list", "url": url, "has_more": False, "data": docs}
