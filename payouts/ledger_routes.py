"""The whole ledger as a download, for the operator's bookkeeping."""

from collections.abc import Callable, Iterator

from flask import Response, request, stream_with_context
from flask.typing import ResponseReturnValue
from flask_login import current_user

from core import audit
from core.access import requires
from payouts import ledger_export
from payouts.blueprint import bp
from payouts.ledger_export import Period


@bp.get("/operator/money/ledger.csv")
@requires("money.see")
def ledger_csv() -> ResponseReturnValue:
    """Give the moves of a period as CSV."""
    return _download(ledger_export.as_csv, "ledger.csv", "text/csv")


@bp.get("/operator/money/ledger.beancount")
@requires("money.see")
def ledger_beancount() -> ResponseReturnValue:
    """Give the moves of a period as beancount, with the balances that they must come to."""
    return _download(ledger_export.beancount, "ledger.beancount", "text/plain")


def _download(
    write: Callable[[Period], Iterator[str]], name: str, kind: str
) -> ResponseReturnValue:
    first, last = (request.args.get(word, "").strip() for word in ("first", "last"))
    during = ledger_export.period(first, last)
    audit.record_reading(
        "ledger.exported",
        by=current_user.id,
        subject="ledger:0",
        file=name,
        first=first,
        last=last,
    )
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(stream_with_context(write(during)), mimetype=kind, headers=headers)
