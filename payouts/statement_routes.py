"""Statements to keep: the months and payouts that have one, as PDF and as CSV."""

from collections.abc import Iterator
from datetime import datetime

from flask import Response, render_template, request, stream_with_context
from flask.typing import ResponseReturnValue
from flask_login import current_user

from core.access import require, requires
from core.clock import now
from core.db import db_session, find, transaction
from core.errors import NotFound
from core.web import page_of
from experts import profile
from payouts import overview, policy, sheets, statement_papers, statements
from payouts.blueprint import bp
from payouts.models import Payout
from payouts.sheets import Sheet

MONTHS_AT_ONCE = 24


@bp.get("/earnings/statements")
@requires("earnings.see")
def statements_list() -> ResponseReturnValue:
    """Show the months and the payouts that have a statement."""
    months = sheets.months(db_session(), current_user.id)
    every = "all" in request.args
    return render_template(
        "payouts/statements_list.html",
        found=page_of(statements.payouts(current_user.id)),
        months=months if every else months[:MONTHS_AT_ONCE],
        more=0 if every else max(0, len(months) - MONTHS_AT_ONCE),
        words_of=statement_papers.month_words,
        this_month=sheets.Month(now().year, now().month),
        number=statements.number,
    )


@bp.get("/earnings/month.pdf")
@requires("earnings.see")
def month_pdf() -> ResponseReturnValue:
    """Give the statement of a month as a paper."""
    session, me, at = db_session(), current_user.id, now()
    sheet = _asked(at)
    who = profile.of(session, me)
    paper = statement_papers.month_pdf(
        session, sheet, me, name=current_user.name, pseudonym=who.pseudonym, at=at
    )
    return _file(paper, "application/pdf", f"statement-{sheet.number}.pdf")


@bp.get("/earnings/month.csv")
@requires("earnings.see")
def month_csv() -> ResponseReturnValue:
    """Give every line of a month, for a spreadsheet."""
    me, sheet = current_user.id, _asked(now())

    def lines() -> Iterator[str]:
        with transaction() as session:  # the request's own is over before the last line is read
            found = sheets.lines(session, me, sheet.currency, sheet.month)
            yield from statement_papers.month_csv(sheet, found)

    name = f"statement-{sheet.number}.csv"
    return _file(stream_with_context(lines()), "text/csv", name)


@bp.get("/earnings/statements/<int:payout_id>.pdf")
@requires("earnings.see")
def statement_pdf(payout_id: int) -> ResponseReturnValue:
    """Give what one payout was made of as a paper."""
    session, payout = db_session(), _arrived(payout_id)
    it = statements.of(session, payout)
    who = profile.of(session, payout.expert_id)
    paper = statement_papers.payout_pdf(
        it, name=current_user.name, pseudonym=who.pseudonym, at=payout.sent_at or it.until
    )
    return _file(paper, "application/pdf", f"statement-{it.number}.pdf")


@bp.get("/earnings/statements/<int:payout_id>.csv")
@requires("earnings.see")
def statement_csv(payout_id: int) -> ResponseReturnValue:
    """Give what one payout was made of, for a spreadsheet."""
    it = statements.of(db_session(), _arrived(payout_id))
    whole = "".join(statement_papers.payout_csv(it))
    return _file(whole, "text/csv", f"statement-{it.number}.csv")


def _asked(at: datetime) -> Sheet:
    """Read which month is asked for, or this one; one that has not begun is not there."""
    try:
        month = sheets.month_of(request.args.get("month", f"{at:%Y-%m}"))
    except ValueError:
        raise NotFound from None
    usual = overview.currencies(db_session(), current_user.id)[0]
    code = request.args.get("currency", usual)
    if code not in policy.CURRENCIES or month.since > at:
        raise NotFound
    return sheets.of(db_session(), current_user.id, code, month, at=at)


def _arrived(payout_id: int) -> Payout:
    payout = find(Payout, payout_id)
    require("earnings.see", payout)
    if not statements.has_one(payout):
        raise NotFound
    return payout


def _file(content: object, kind: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, mimetype=kind, headers=headers)  # type: ignore[arg-type]
