"""Pages of fair hiring: what people declare of themselves, the operator's report, the summary."""

import csv
import io
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_timezone
from flask_babel import gettext as _
from flask_login import current_user

from core import audit
from core.access import public, requires
from core.clock import now
from core.db import db_session
from core.errors import NotFound
from core.settings import current_settings
from core.web import Problems, read
from experts.fields import Field
from interviews import fairness
from interviews.fairness import Period, Report
from interviews.fairness_forms import DeclarationForm
from interviews.impact import Row, Table

bp = Blueprint("fairness", __name__)
YEAR = timedelta(days=365)
COLUMNS = ("table", "by", "category", "people", "better", "rate", "impact_ratio", "note")


@bp.get("/account/fair-hiring")
@requires("interview.take")
def declaration() -> ResponseReturnValue:
    """Show what one has declared of oneself, and what it is for."""
    said = fairness.declared(db_session(), current_user.id)
    form = DeclarationForm(
        sex=(said.sex or "") if said else "", ethnicity=(said.ethnicity or "") if said else ""
    )
    return _declaration_page(form)


@bp.post("/account/fair-hiring")
@requires("interview.take")
def declare() -> ResponseReturnValue:
    """Keep what one declares, or forget it when it is nothing."""
    form = read(DeclarationForm)
    if isinstance(form, Problems):
        return _declaration_page(form.form), 422
    fairness.declare(db_session(), current_user.id, *form.said(), at=now())
    flash(_("Saved. You can change or erase it at any time."), "success")
    return redirect(url_for(".declaration"))


@bp.post("/account/fair-hiring/erase")
@requires("interview.take")
def erase() -> ResponseReturnValue:
    """Forget what one has declared."""
    fairness.erase(db_session(), current_user.id)
    flash(_("Erased. Nothing that you declared is kept."), "success")
    return redirect(url_for(".declaration"))


@bp.get("/operator/fair-hiring")
@requires("operator.see")
def operator_report() -> ResponseReturnValue:
    """Show the rates of a period to the operator."""
    found, field = _asked()
    return render_template(
        "interviews/operator_report.html",
        report=found,
        summary=fairness.summary(found),
        field=field,
        fields=list(Field),
        last=(found.period.until - timedelta(days=1)),
        words_of=fairness.words_of,
        settings=current_settings(),
        filled={name: value for name, value in request.args.items() if value},
    )


@bp.get("/operator/fair-hiring.csv")
@requires("operator.see")
def operator_csv() -> ResponseReturnValue:
    """Give the same as a table."""
    found, _field = _asked()
    headers = {"Content-Disposition": 'attachment; filename="fair-hiring.csv"'}
    return Response(_csv(found), mimetype="text/csv", headers=headers)


@bp.get("/fair-hiring")
@public
def public_report() -> ResponseReturnValue:
    """Show everybody the last twelve whole months, where the operator has chosen so."""
    settings = current_settings()
    if not settings.fair_hiring_public:
        raise NotFound
    whole = fairness.report(db_session(), _last_year(now()), small=_small())
    found = fairness.in_public(whole, settings.fair_hiring_public_at_least)
    return render_template(
        "interviews/public_report.html",
        report=found,
        summary=fairness.summary(found),
        last=(found.period.until - timedelta(days=1)),
        words_of=fairness.words_of,
        settings=settings,
    )


def _declaration_page(form: DeclarationForm) -> str:
    return render_template(
        "interviews/declaration.html",
        form=form,
        said=fairness.declared(db_session(), current_user.id),
        settings=current_settings(),
    )


def _asked() -> tuple[Report, Field | None]:
    """Return the report that the filters ask for, and note that it was read.

    A narrow period can speak of one person: who looks is on the audit trail.
    """
    field = next((one for one in Field if one == request.args.get("field")), None)
    period = _period()
    audit.record_reading(
        "fairness.read",
        by=current_user.id,
        subject="fairness:report",
        since=period.since.date().isoformat(),
        until=period.until.date().isoformat(),
        field=field,
    )
    return fairness.report(db_session(), period, small=_small(), field=field), field


def _period() -> Period:
    """Return the days that were asked for, both of them inclusive; at first the last year."""
    until = _day(request.args.get("until")) or _day(now().date().isoformat()) or now()
    since = _day(request.args.get("since")) or until - YEAR
    first, last = min(since, until), min(max(since, until), datetime.max.replace(tzinfo=UTC) - YEAR)
    return Period(first, last + timedelta(days=1))


def _day(words: str | None) -> datetime | None:
    try:
        day = datetime.combine(date.fromisoformat(words or ""), time(), tzinfo=get_timezone())
        return day.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _last_year(at: datetime) -> Period:
    """Return the last twelve whole months: two readings on two days cannot be told apart."""
    until = at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return Period(until.replace(year=until.year - 1), until)


def _small() -> Fraction:
    return Fraction(str(current_settings().fair_hiring_small_share))


def _csv(found: Report) -> Iterator[str]:
    yield _line(COLUMNS)
    yield _line(("period", "", found.period.since.date(), found.assessed, "", "", "", "assessed"))
    last = found.period.until - timedelta(days=1)
    yield _line(("period", "", last.date(), found.waiting, "", "", "", "waiting for a person"))
    middle = "" if found.middle is None else round(found.middle, 4)
    yield _line(("period", "", "", "", middle, "", "", "median score"))
    for name, tables in (("selection", found.selection), ("scoring", found.scoring)):
        for table in tables:
            for row in table.rows:
                yield _line((name, *_cells(table, row)))
            unknown = ("/".join(table.by), "unknown", table.unknown, table.unknown_hits)
            yield _line((name, *unknown, "", "", "not in the ratios"))


def _cells(table: Table, row: Row) -> tuple[Any, ...]:
    rate = "" if row.rate is None else f"{float(row.rate):.4f}"
    ratio = "" if row.ratio is None else f"{float(row.ratio):.4f}"
    note = "left out of the ratios: small" if row.left_out else ""
    return ("/".join(table.by), "/".join(row.key), row.count, row.hits, rate, ratio, note)


def _line(cells: Any) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(cells)
    return out.getvalue()
