"""The page on which an account holder says who they are and where their pay should go."""

from functools import partial

from flask import Blueprint, Response, request

from payouts.sandbox import accounts, balance, texts
from payouts.sandbox.account_links import FORM_SECONDS
from payouts.sandbox.page import Page, go
from payouts.sandbox.store import Doc, Store, Tx

TEST_NUMBERS = {
    "FR": "FR1420041010050500013M02606",
    "GB": "GB82WEST12345698765432",
    "CH": "CH9300762011623852957",
    "NL": "NL39RABO0300065264",
    "US": "000123456789",
    "CA": "000123456789",
}
_ANY = "DE89370400440532013000"


def blueprint(store: Store) -> Blueprint:
    """Return the page, and the account holder's own page."""
    bp = Blueprint("onboarding", __name__)
    bp.add_url_rule("/onboard/<account_id>", "show", partial(show, store))
    bp.add_url_rule("/onboard/<account_id>", "save", partial(save, store), methods=["POST"])
    bp.add_url_rule("/express/<account_id>", "express", partial(express, store))
    return bp


def show(store: Store, account_id: str) -> Response:
    """Ask for the details, or send a stale link back to the platform."""
    with store.reading() as tx:
        link, account = _link(tx, account_id)
    if link is None or account is None:
        return Page().nothing()
    if link["used"] or link["expires_at"] <= tx.now:
        return go(link["refresh_url"])
    typed = {"legal_name": account["legal_name"] or account["display_name"] or "", "iban": ""}
    return _form(_page(link), link, account, typed, {})


def save(store: Store, account_id: str) -> Response:
    """Keep the details, once, and go back to the platform."""
    names = ("legal_name", "country", "iban")
    typed = {name: request.form.get(name, "").strip() for name in names}
    with store.writing() as tx:
        link, account = _link(tx, account_id)
        if link is None or account is None:
            return Page().nothing()
        page = _page(link)
        if link["used"]:  # the same form sent twice has done its work the first time
            return _done(page, link)
        if link["created"] + FORM_SECONDS <= tx.now:
            return go(link["refresh_url"])
        number = accounts.bank_number(typed["iban"], account["country"])
        problems = _problems(page, account, typed, number)
        if problems or number is None:
            return _form(page, link, account, typed, problems, 422)
        tx.save({**link, "used": True})
        accounts.onboard(tx, account, legal_name=typed["legal_name"], number=number)
    return _done(page, link)


def express(store: Store, account_id: str) -> Response:
    """Show the account holder what they have and what was paid out."""
    with store.reading() as tx:
        link = tx.get("login_link", request.args.get("link"))
        account = tx.get("account", account_id)
        if link is None or account is None or link["account"] != account_id:
            return Page().nothing()
        return Page().answer(
            "express",
            account=account,
            balance=balance.shown(tx, account_id),
            payouts=tx.all("payout", account=account_id)[::-1][:20],
            payments=tx.all("charge", account=account_id)[::-1][:20],
        )


def _link(tx: Tx, account_id: str) -> tuple[Doc | None, Doc | None]:
    link = tx.get("account_link", request.args.get("link"))
    if link is None or link["account"] != account_id:
        return None, None
    return link, tx.get("account", account_id)


def _page(link: Doc) -> Page:
    return Page(link["return_url"], link["refresh_url"])


def _problems(
    page: Page, account: Doc, typed: dict[str, str], number: str | None
) -> dict[str, str]:
    problems = {}
    if len(typed["legal_name"]) < 2:
        problems["legal_name"] = page.say("Type your full legal name.")
    if typed["country"] not in ("", account["country"]):
        name = texts.country(account["country"], page.lang)
        words = "Choose %(country)s: the platform gave this country."
        problems["country"] = page.say(words, country=name)
    if number is None:
        problems["iban"] = page.say("Check the number: it is not a bank account number.")
    return problems


def _form(
    page: Page,
    link: Doc,
    account: Doc,
    typed: dict[str, str],
    problems: dict[str, str],
    status: int = 200,
) -> Response:
    return page.answer(
        "onboard",
        status,
        account=account,
        country=texts.country(account["country"], page.lang),
        has_iban=account["country"] not in ("US", "CA"),
        test_number=TEST_NUMBERS.get(account["country"], _ANY),
        leave_to=link["return_url"],
        typed=typed,
        problems=problems,
    )


def _done(page: Page, link: Doc) -> Response:
    if link["return_url"]:
        return go(link["return_url"])
    return page.answer(
        "message",
        title=page.say("Your details are saved"),
        words=page.say("You can close this page."),
    )
