"""The hosted pages in a real Chromium: for everybody, at every width, in light and dark."""

from collections.abc import Iterator

import pytest

from tests.browser import Window, window

pytestmark = pytest.mark.browser


@pytest.fixture
def seen(chromium, bench) -> Iterator[Window]:
    with window(chromium, bench.url) as opened:
        yield opened


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_somebody_pays_after_a_card_that_was_declined(bench, seen, lang):
    french = lang == "fr"
    session = bench.session(
        success_url=f"{bench.url}/?paid={{CHECKOUT_SESSION_ID}}&lang={lang}", locale=lang
    )
    seen.open(session.url)
    seen.look(f"sandbox-pay-{lang}")
    number, button = (
        ("Numéro de carte", "Payer 500,00\xa0€") if french else ("Card number", "Pay €500.00")
    )

    seen.fill(number, "4000 0000 0000 0002")
    seen.press(button)
    seen.look(f"sandbox-declined-{lang}")
    assert seen.page.get_by_label(number).input_value() == "4000 0000 0000 0002"
    seen.fill(number, "4242 4242 4242 4242")
    seen.press(button)

    assert session.id in seen.page.url
    assert bench.v1.checkout.sessions.retrieve(session.id).status == "complete"


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_somebody_gives_their_details_after_a_slip(bench, seen, lang):
    french = lang == "fr"
    account = bench.account(onboarded=False)
    link = bench.v1.account_links.create(
        {
            "account": account,
            "type": "account_onboarding",
            "refresh_url": bench.url,
            "return_url": f"{bench.url}/?back=1&lang={lang}",
        }
    )
    seen.open(f"{link.url}&lang={lang}")
    seen.look(f"sandbox-onboard-{lang}")
    iban, button = (
        ("Compte bancaire (IBAN)", "Enregistrer et revenir")
        if french
        else ("Bank account (IBAN)", "Save and go back")
    )

    seen.fill(iban, "DE00")
    seen.press(button)
    seen.look(f"sandbox-slip-{lang}")
    seen.fill(iban, "DE89 3704 0044 0532 0130 00")
    seen.press(button)

    assert "back=1" in seen.page.url
    assert bench.v1.accounts.retrieve(account).payouts_enabled


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_the_dashboard_and_the_other_pages_are_for_everybody(bench, seen, lang):
    account = bench.account()
    for amount in (50000, 123456789 // 2):
        charge = bench.paid(amount).latest_charge.id
    bench.v1.transfers.create({"amount": 1234, "currency": "eur", "destination": account})
    bench.v1.refunds.create({"charge": charge, "amount": 100})
    bench.control(f"/charges/{charge}/dispute", amount=10)
    bench.v1.payouts.create({"amount": 200, "currency": "eur"}, {"stripe_account": account})

    seen.open(f"/?lang={lang}")
    seen.look(f"sandbox-dashboard-{lang}")
    seen.open(f"{bench.v1.accounts.login_links.create(account).url}&lang={lang}")
    seen.look(f"sandbox-express-{lang}")
    seen.open(f"/receipt/{charge}?lang={lang}")
    seen.look(f"sandbox-receipt-{lang}")
    seen.open(f"/pay/nothing?lang={lang}")
    seen.look(f"sandbox-nothing-{lang}")

    assert len(seen.seen) == 4
