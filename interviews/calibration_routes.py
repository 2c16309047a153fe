"""Pages on which operators look at calibrations of a bank and let curves count."""

import numpy as np
from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user
from sqlmodel import select

from core import charts, formats, jobs
from core.access import requires
from core.charts import Figure, Plan, Series
from core.clock import now
from core.db import db_session, find
from core.errors import NotFound
from core.settings import current_settings
from interviews import ability, banks, calibration, curves
from interviews.ability import Curve
from interviews.calibration_models import CalibrationRun, ItemCalibration, ItemVerdict
from interviews.items import Bank

bp = Blueprint("calibration", __name__)
SHOWN = ("all", "flagged", "fine", "few", "counting")
FLAGGED = (ItemVerdict.MISFIT, ItemVerdict.DRIFT, ItemVerdict.LANGUAGE)
ABILITIES = np.arange(-3, 3.25, 0.5)


@bp.get("/operator/interviews/calibration")
@requires("interview.review")
def of_bank() -> ResponseReturnValue:
    """Show the latest calibration of a bank, or how many answers it still needs."""
    bank = _bank(request.args.get("field"))
    session, at = db_session(), now()
    run = calibration.latest(session, bank.field)
    found = calibration.items_of(session, run) if run else []
    counting = calibration.counting(session, bank, at)
    chosen = request.args.get("show", "all")
    chosen = chosen if chosen in SHOWN else "all"
    return render_template(
        "interviews/calibration.html",
        bank=bank,
        banks=list(banks.every(session).values()),
        run=run,
        progress=calibration.progress(session, bank, current_settings().calibration_interviews),
        rows=[one for one in found if _is_shown(one, chosen, counting)],
        total=len(found),
        flagged=sum(one.verdict in FLAGGED for one in found),
        counting=counting,
        is_under_way=jobs.is_under_way(session, _lock(bank)),
        chosen=chosen,
        titles={item.id: item.title.in_(_language()) for item in bank.items},
        current=calibration.contents(bank),
        few=calibration.FEW,
    )


@bp.get("/operator/interviews/calibration/<int:run_id>/<item_id>")
@requires("interview.review")
def of_item(run_id: int, item_id: str) -> ResponseReturnValue:
    """Show what a run found of one item, with its curve."""
    run, bank, one = _found(run_id, item_id)
    item = bank.item(item_id)
    return render_template(
        "interviews/calibration_item.html",
        run=run,
        one=one,
        item=item,
        bank=bank,
        drawn=_curves(one, curves.prior(item)),
        seen=_seen(one) if one.bins else None,
        counts=calibration.counting(db_session(), bank, now()).get(item_id),
        language=_language(),
    )


@bp.post("/operator/interviews/calibration/<int:run_id>/accept")
@requires("interview.review")
def accept(run_id: int) -> ResponseReturnValue:
    """Let the chosen curves count for interviews that begin from now on."""
    run = find(CalibrationRun, run_id, lock=True)
    chosen = request.form.getlist("items")
    count = calibration.accept(
        db_session(), run, chosen, _bank(run.field), by=current_user, at=now()
    )
    words = ngettext(
        "One curve counts from now on, for interviews that begin later.",
        "%(num)s curves count from now on, for interviews that begin later.",
        count,
    )
    flash(words if count else _("These curves count already."), "success" if count else "info")
    return redirect(url_for(".of_bank", field=run.field.value))


@bp.post("/operator/interviews/calibration/<int:run_id>/<item_id>/withdraw")
@requires("interview.review")
def withdraw(run_id: int, item_id: str) -> ResponseReturnValue:
    """Let an item count by what its authors said again."""
    run = find(CalibrationRun, run_id, lock=True)
    calibration.withdraw(db_session(), run, item_id, _bank(run.field), by=current_user, at=now())
    flash(_("Interviews that begin from now on use what the authors said of it."), "success")
    return redirect(url_for(".of_bank", field=run.field.value))


@bp.post("/operator/interviews/calibration/work-out")
@requires("interview.review")
def work_out() -> ResponseReturnValue:
    """Let a worker calibrate a bank now."""
    bank, session = _bank(request.form.get("field")), db_session()
    if jobs.is_under_way(session, _lock(bank)):
        flash(_("It is being worked out already, so nothing more was asked for."), "info")
        return redirect(url_for(".of_bank", field=bank.field.value))
    jobs.defer(
        session,
        "interviews.calibrate_field",
        queueing_lock=_lock(bank),
        field=bank.field.value,
    )
    return redirect(url_for(".of_bank", field=bank.field.value))


def _lock(bank: Bank) -> str:
    return f"calibrate:{bank.field}"


def _bank(name: str | None) -> Bank:
    every = banks.every(db_session())
    if name is None:
        return next(iter(every.values()))
    found = next((bank for field, bank in every.items() if field == name), None)
    if found is None:
        raise NotFound
    return found


def _found(run_id: int, item_id: str) -> tuple[CalibrationRun, Bank, ItemCalibration]:
    run = find(CalibrationRun, run_id)
    bank = _bank(run.field)
    query = select(ItemCalibration).where(
        ItemCalibration.run_id == run_id, ItemCalibration.item == item_id
    )
    one = db_session().exec(query).first()
    if one is None or item_id not in calibration.contents(bank):
        raise NotFound
    return run, bank, one


def _is_shown(one: ItemCalibration, chosen: str, counting: dict[str, int]) -> bool:
    match chosen:
        case "flagged":
            return one.verdict in FLAGGED
        case "counting":
            return one.item in counting
        case "fine" | "few":
            return one.verdict == chosen
        case _:
            return True


def _curves(one: ItemCalibration, prior: Curve) -> Figure:
    found = Curve(one.discrimination, tuple(one.thresholds))
    shares = [ability.expected_shares([curve], ABILITIES).tolist() for curve in (found, prior)]
    return charts.lines(
        Plan(
            caption=_("Points that the curve foresees"),
            alt=_("The share of points by ability, by the answers and by the authors."),
            axis=_("Ability"),
            labels=[formats.number(float(at), 1) for at in ABILITIES],
            series=[
                Series(_("by the answers"), shares[0]),
                Series(_("by the authors"), shares[1]),
            ],
            note=_("0 is the line of a junior professional, as the authors mean it."),
            half=True,
            every=2,
            show=formats.percent,
        )
    )


def _seen(one: ItemCalibration) -> Figure:
    return charts.lines(
        Plan(
            caption=_("Points that people earned"),
            alt=_("The share of points earned and foreseen in five groups of ability."),
            axis=_("Ability"),
            labels=[formats.number(bin_["ability"], 1) for bin_ in one.bins],
            series=[
                Series(_("earned"), [bin_["earned"] for bin_ in one.bins]),
                Series(_("foreseen"), [bin_["foreseen"] for bin_ in one.bins]),
            ],
            note=_("Five groups of equal size, by their other answers."),
            half=True,
            show=formats.percent,
        )
    )


def _language() -> str:
    return str(formats.locale().language)
