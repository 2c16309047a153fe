"""The page on which a checkout session is paid. A second click pays nothing twice."""

import re
from functools import partial

from flask import Blueprint, Response, request

from payouts.sandbox import accounts, cards, checkout, debits
from payouts.sandbox.errors import Declined
from payouts.sandbox.page import Page, go, moment
from payouts.sandbox.store import Doc, Store

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_DECLINED: dict[str | None, str] = {
    "insufficient_funds": "Your card has insufficient funds. Try another card.",
    "expired_card": "Your card has expired. Try another card.",
    "incorrect_cvc": "Your card's security code is incorrect. Try another card.",
    "processing_error": "The card could not be processed. Try again in a moment.",
    "test_mode_live_card": "This is not a test card. Never type a real card here.",
}


def blueprint(store: Store) -> Blueprint:
    """Return the page."""
    bp = Blueprint("paying", __name__)
    bp.add_url_rule("/pay/<id_>", "show", partial(show, store))
    bp.add_url_rule("/pay/<id_>", "pay", partial(pay, store), methods=["POST"])
    bp.add_url_rule("/receipt/<id_>", "receipt", partial(receipt, store))
    return bp


def show(store: Store, id_: str) -> Response:
    """Show what is bought and ask for a card."""
    with store.reading() as tx:
        session = tx.get("checkout.session", id_)
    if session is None:
        return Page().nothing()
    typed = {"email": session["customer_email"] or ""}
    return _over(session, tx.now) or _form(_page(session), session, typed, {})


def pay(store: Store, id_: str) -> Response:
    """Charge the card, or ask the bank, once."""
    if "iban" in request.form:
        return _debit(store, id_)
    typed = {name: request.form.get(name, "").strip() for name in ("card_number", "email")}
    problems = _problems(typed)
    with store.writing() as tx:
        session = tx.get("checkout.session", id_)
        if session is None:
            return Page().nothing()
        over = _over(session, tx.now)
        if over or problems:
            return over or _form(_page(session), session, typed, problems, 422)
        digits = cards.number(typed["card_number"])
        refusal = checkout.pay(tx, session, digits, typed["email"] or None)
    if refusal is None:
        return go(_success(session))
    return _form(_page(session), session, typed, {"card_number": _why(refusal)}, 402)


def _debit(store: Store, id_: str) -> Response:
    typed = {name: request.form.get(name, "").strip() for name in ("iban", "email")}
    number = debits.number(typed["iban"])
    with store.writing() as tx:
        session = tx.get("checkout.session", id_)
        if session is None or debits.METHOD not in session["payment_method_types"]:
            return Page().nothing()
        over = _over(session, tx.now)
        if over is not None:
            return over
        if number not in debits.ACCOUNTS:
            is_one = accounts.bank_number(number, "FR") is not None
            words = (
                "This is not a test account. Never type a real one here."
                if is_one
                else "Check the number: it is not a bank account number."
            )
            return _form(_page(session), session, typed, {"iban": words}, 422)
        checkout.pay_by_debit(tx, session, number, None)
    return go(_success(session))


def receipt(store: Store, id_: str) -> Response:
    """Show that a charge was paid."""
    with store.reading() as tx:
        charge = tx.get("charge", id_, account="")
    if charge is None or not charge["paid"]:
        return Page().nothing()
    how = charge["payment_method_details"]
    return Page().answer(
        "receipt",
        charge=charge,
        day=moment(charge["created"], "%Y-%m-%d"),
        kind=how["type"],
        method=how[how["type"]],
    )


def _over(session: Doc, now: int) -> Response | None:
    """Return where a session leads on which nothing can be paid any more."""
    if session["status"] == "complete":
        return go(_success(session))
    if session["status"] == "open" and session["expires_at"] > now:
        return None
    page = _page(session)
    return page.answer(
        "message",
        410,
        title=page.say("This page has expired"),
        words=page.say("Nothing was paid. Go back and start again."),
        back=session["cancel_url"],
    )


def _why(refusal: Declined) -> str:
    reason = refusal.more.get("decline_code")
    return _DECLINED.get(reason) or _DECLINED.get(
        refusal.code, "Your card was declined. Try another card."
    )


def _page(session: Doc) -> Page:
    urls = (session["success_url"], session["cancel_url"])
    return Page(*urls, language=session["locale"])


def _success(session: Doc) -> str:
    return str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"])


def _problems(typed: dict[str, str]) -> dict[str, str]:
    problems = {}
    if not typed["card_number"]:
        problems["card_number"] = "Type a card number."
    elif cards.find(cards.number(typed["card_number"])).refused == "incorrect_number":
        problems["card_number"] = "Check the number: it is not a card number."
    if typed["email"] and not _EMAIL.fullmatch(typed["email"]):
        problems["email"] = "Type an e-mail address such as ada@example.org, or leave it empty."
    return problems


def _form(
    page: Page, session: Doc, typed: dict[str, str], problems: dict[str, str], status: int = 200
) -> Response:
    return page.answer(
        "pay",
        status,
        session=session,
        items=session["_"]["line_items"]["data"],
        typed=typed,
        problems={name: page.say(words) for name, words in problems.items()},
        declined=status == 402,
    )
