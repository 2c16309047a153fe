"""Totals of years: an expert's own page and paper, and the files that an operator reports with."""

from collections.abc import Callable, Iterator

from flask import Response, render_template, request, stream_with_context
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlmodel import Session

from core import audit
from core.access import recently_signed_in, requires
from core.clock import now
from core.db import db_session, transaction
from core.errors import NotFound
from core.money import Money
from core.settings import current_settings
from experts import profile
from payouts import tax, tax_exports, tax_papers, totals
from payouts.blueprint import bp

Lines = Callable[[Session], Iterator[str]]


@bp.get("/earnings/years")
@requires("earnings.see")
def year_totals() -> ResponseReturnValue:
    """Show what was credited and paid in a year, by quarter and currency."""
    session, me = db_session(), current_user.id
    years = totals.years(session, me)
    year = _year(years[0] if years else now().year)
    return render_template(
        "payouts/year_totals.html",
        years=years,
        year=year,
        found=list(totals.of_year(session, year, me)),
        is_over=year < now().year,
        is_complete=tax.is_complete(session, me),
    )


@bp.get("/earnings/years.pdf")
@requires("earnings.see")
def year_pdf() -> ResponseReturnValue:
    """Give the totals of a year as a paper."""
    session, me, at = db_session(), current_user.id, now()
    year = _year(at.year)
    found = list(totals.of_year(session, year, me))
    who = profile.of(session, me)
    paper = tax_papers.year_pdf(found, year, name=current_user.name, pseudonym=who.pseudonym, at=at)
    headers = {"Content-Disposition": f'attachment; filename="totals-{year}.pdf"'}
    return Response(paper, mimetype="application/pdf", headers=headers)


@bp.get("/operator/money/tax")
@requires("money.see")
def tax_years() -> ResponseReturnValue:
    """Show what a year's reports hold, who lacks details, and where the files are."""
    session = db_session()
    years = totals.years_of_all(session)
    year = _year(years[0] if years else now().year)
    return render_template(
        "payouts/tax_years.html",
        years=years,
        year=year,
        counts=tax_exports.counts(session, year),
        threshold=_threshold(year),
        settings=current_settings(),
    )


@bp.get("/operator/money/tax/dac7.csv")
@requires("money.see")
@recently_signed_in
def dac7_csv() -> ResponseReturnValue:
    """Give the fields that DAC7 asks for, of everybody, as a file; each export is noted."""
    year = _year(now().year)
    return _streamed(f"dac7-{year}", year, lambda session: tax_exports.dac7(session, year))


@bp.get("/operator/money/tax/1099-nec.csv")
@requires("money.see")
@recently_signed_in
def nec_csv() -> ResponseReturnValue:
    """Give the boxes of form 1099-NEC, of US persons, as a file; each export is noted."""
    year = _year(now().year)
    least = _threshold(year)
    return _streamed(
        f"1099-nec-{year}", year, lambda session: tax_exports.nec(session, year, least)
    )


def _streamed(name: str, year: int, lines: Lines) -> Response:
    with transaction() as session:  # noted at once, whatever becomes of the file
        audit.record(
            session,
            "tax.exported",
            by=current_user.id,
            subject=f"tax_year:{year}",
            details={"file": name},
        )

    def written() -> Iterator[str]:
        with transaction() as session:  # the request's own is over before the last line is read
            yield from lines(session)

    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return Response(stream_with_context(written()), mimetype="text/csv", headers=headers)


def _threshold(year: int) -> Money:
    return tax_exports.threshold(current_settings().tax_1099_from, year)


def _year(default: int) -> int:
    wish = request.args.get("year", "")
    if not wish:
        return default
    try:
        return totals.year_of(wish)
    except ValueError:
        raise NotFound from None
