"""The operator's page of money: our ledger against Stripe, and what needs a person."""

from typing import Any

from flask import flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from core import audit
from core.access import recently_signed_in, requires
from core.clock import now
from core.db import db_session, transaction
from core.ports import PayoutRefused, RailDown, ports
from core.web import wants_json
from payouts import answers, attention, ledger, reconciliation, sending, words
from payouts.blueprint import bp
from payouts.models import PayoutState


@bp.get("/operator/money")
@requires("money.see")
def operator_money() -> ResponseReturnValue:
    """Show what we hold, what Stripe says, and what needs a person."""
    if wants_json():
        return _as_json()
    session = db_session()
    return render_template(
        "payouts/operator_money.html",
        held=reconciliation.held(session),
        latest={row.currency: row for row in reconciliation.latest(session)},
        needs=attention.needed(session, at=now()),
        counts=attention.payout_counts(session),
        words=words,
    )


@bp.post("/operator/money/compare")
@requires("money.see")
@recently_signed_in
def compare_now() -> ResponseReturnValue:
    """Compare the ledger with Stripe now."""
    db_session().close()  # nothing stays open while the rail is asked
    try:
        reconciliation.run(ports().payout_rail)
    except (RailDown, PayoutRefused):
        flash(_("Stripe cannot be reached at the moment. Nothing was compared."), "error")
    else:
        flash(_("Compared just now."), "success")
    return redirect(url_for(".operator_money"))


@bp.post("/operator/money/payouts/<int:payout_id>/look")
@requires("money.see")
@recently_signed_in
def look_now(payout_id: int) -> ResponseReturnValue:
    """Look a lost payout up now, before its next look is due."""
    me = current_user.id
    db_session().close()  # nothing stays open while the rail is asked
    with transaction() as session:
        payout = answers.of(session, payout_id, lock=True)
        if payout.state is PayoutState.UNKNOWN:
            payout.try_at = now()
            audit.record(session, "payout.looked_up", by=me, subject=f"payout:{payout_id}")
    state = sending.look_up(payout_id, ports().payout_rail)
    if state is PayoutState.UNKNOWN:
        flash(_("Stripe still gives no answer. Nothing was sent again."), "info")
    else:
        flash(_("Looked up: we know now."), "success")
    return redirect(url_for(".operator_money"))


def _as_json() -> ResponseReturnValue:
    """Tell programs of the operator the same, with Stripe asked just now."""
    session = db_session()
    held = {one.currency: one for one in reconciliation.held(session)}
    answer: dict[str, Any] = {
        "payouts": attention.payout_counts(session),
        "needs_a_person": [need.subject for need in attention.needed(session, at=now())],
    }
    if request.args.get("recount"):  # reads every move
        answer["ledger_problems"] = ledger.problems(session)
    db_session().close()  # nothing stays open while the rail is asked
    try:
        balances = {one.available.currency: one for one in ports().payout_rail.balances()}
    except (RailDown, PayoutRefused) as trouble:
        return jsonify({**answer, "currencies": None, "trouble": str(trouble)})
    answer["currencies"] = {
        code: _currency_json(held.get(code), balances.get(code))
        for code in sorted(held.keys() | balances.keys())
    }
    return jsonify(answer)


def _currency_json(ours: reconciliation.Held | None, theirs: Any) -> dict[str, Any]:
    total = ours.total.minor if ours else 0
    available = theirs.available.minor if theirs else 0
    pending = theirs.pending.minor if theirs else 0
    return {
        "ledger": total,
        "parts": {kind: amount.minor for kind, amount in ours.parts.items()} if ours else {},
        "stripe_available": available,
        "stripe_pending": pending,
        "difference": available + pending - total,
    }
