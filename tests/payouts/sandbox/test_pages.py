"""The hosted pages over plain HTTP, as a person without scripts would use them."""

import re
import threading
from html.parser import HTMLParser
from urllib.parse import urljoin

import pytest

from payouts.sandbox import texts

DECLINED = "4000 0000 0000 0002"
GOOD = "4242 4242 4242 4242"


class Form(HTMLParser):
    """The fields and the words of a page."""

    def __init__(self, text):
        super().__init__()
        self.fields: dict[str, str] = {}
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag == "input" and given.get("name"):
            self.fields[given["name"]] = given.get("value") or ""


def page(bench, url, method="GET", **how):
    return bench.web.request(method, urljoin(bench.url, url), **how)


def pay(bench, session, **typed):
    return page(bench, session.url, "POST", data={"card_number": GOOD, **typed})


def test_the_page_says_what_is_bought_and_that_no_money_moves(bench):
    session = bench.session(
        line_items=[
            {
                "quantity": 2,
                "price_data": {
                    "currency": "eur",
                    "unit_amount": 123450,
                    "product_data": {"name": "Budget <b>", "description": "Clauses"},
                },
            }
        ]
    )

    shown = page(bench, session.url)

    assert shown.status_code == 200
    assert "Doyen&#39;s Stripe sandbox: no real money moves" in shown.text
    assert "Budget &lt;b&gt;" in shown.text
    assert "Clauses" in shown.text
    assert "€2,469.00" in shown.text
    assert set(Form(shown.text).fields) == {"card_number", "email", "iban"}


def test_paying_leads_back_with_the_sessions_id_and_pays_once(bench):
    session = bench.session()

    first, second = pay(bench, session), pay(bench, session)

    for answer in (first, second):
        assert answer.status_code == 303
        assert answer.headers["Location"] == f"http://localhost:9/done?s={session.id}"
    assert len(bench.v1.charges.list().data) == 1
    done = bench.v1.checkout.sessions.retrieve(session.id)
    assert (done.status, done.payment_status, done.url) == ("complete", "paid", None)
    assert page(bench, f"/pay/{session.id}").status_code == 303


def test_eight_clicks_at_once_pay_once(bench):
    session = bench.session()
    threads = [threading.Thread(target=pay, args=[bench, session]) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert len(bench.v1.charges.list().data) == 1
    assert bench.balance() == (0, 50000 - 775)


def test_a_declined_card_is_said_plainly_and_what_was_typed_is_kept(bench):
    session = bench.session()

    answer = pay(bench, session, card_number=DECLINED, email="ada@example.org")

    assert answer.status_code == 402
    assert "Your card was declined. Try another card." in answer.text
    assert "Nothing was taken" in answer.text
    typed = {"card_number": DECLINED, "email": "ada@example.org", "iban": ""}
    assert Form(answer.text).fields == typed
    assert pay(bench, session).status_code == 303
    states = [each.status for each in bench.v1.charges.list().data]
    assert states == ["succeeded", "failed"]
    assert len(bench.v1.payment_intents.list().data) == 1


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"card_number": ""}, "Type a card number."),
        ({"card_number": "4242 4242 4242 4241"}, "it is not a card number"),
        ({"card_number": "<script>"}, "it is not a card number"),
        ({"email": "ada"}, "ada@example.org"),
    ],
)
def test_what_cannot_be_used_is_said_beside_its_field(bench, typed, words):
    session = bench.session()

    answer = pay(bench, session, **typed)

    assert answer.status_code == 422
    assert words in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert "<script>" not in answer.text
    assert bench.v1.charges.list().data == []


def test_a_real_card_number_is_refused(bench):
    answer = pay(bench, bench.session(), card_number="4111 1111 1111 1111")

    assert answer.status_code == 402
    assert "Never type a real card here" in answer.text


def test_a_session_that_expired_or_was_closed_takes_nothing(bench):
    old, closed = bench.session(), bench.session()
    bench.v1.checkout.sessions.expire(closed.id)
    bench.control("/clock/advance", days=1, seconds=5)

    for session in (old, closed):
        for answer in (page(bench, session.url), pay(bench, session)):
            assert answer.status_code == 410
            assert "http://localhost:9/back" in answer.text
    assert bench.v1.checkout.sessions.retrieve(old.id).status == "expired"
    names = [each.type for each in bench.v1.events.list().data]
    assert names.count("checkout.session.expired") == 2


def test_the_page_speaks_the_readers_language(bench):
    session, french = bench.session(), bench.session(locale="fr")
    asks_french = {"Accept-Language": "fr-CH, en;q=0.5"}

    assert "no real money" in page(bench, session.url).text
    assert "500,00\xa0€" in page(bench, session.url, headers=asks_french).text
    assert "aucun argent réel" in page(bench, french.url).text
    assert "no real money" in page(bench, f"{french.url}?lang=en").text
    refused = page(bench, session.url, "POST", headers=asks_french, data={"card_number": DECLINED})
    assert "Essayez une autre carte" in refused.text


def test_pages_bring_no_script_and_forms_lead_only_where_they_must(bench):
    shown = page(bench, bench.session().url)

    policy = shown.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "form-action 'self' http://localhost:9" in policy
    assert "<script" not in shown.text
    assert "style=" not in shown.text
    for url in re.findall(r'(?:href|src)="([^"]+)"', shown.text):
        assert url.startswith(("/", "?", "#", "http://localhost:9/back")), url


@pytest.mark.parametrize(
    "path", ["/pay/cs_test_nothing", "/onboard/acct_1?link=x", "/express/acct_1", "/nothing"]
)
def test_an_address_that_leads_nowhere_says_so(bench, path):
    answer = page(bench, path)

    assert answer.status_code == 404
    assert "Nothing here" in answer.text


# ---- onboarding ------------------------------------------------------------------------------


@pytest.fixture
def link(bench):
    return linked(bench, bench.account(onboarded=False))


def linked(bench, account):
    return bench.v1.account_links.create(
        {
            "account": account,
            "type": "account_onboarding",
            "refresh_url": "http://localhost:9/again",
            "return_url": "http://localhost:9/back",
        }
    ).url


DETAILS = {"legal_name": "Ada Lovelace", "country": "DE", "iban": "DE89 3704 0044 0532 0130 00"}


def test_onboarding_makes_the_account_active_and_leads_back(bench, link):
    shown = page(bench, link)
    assert shown.status_code == 200
    assert "Germany" in shown.text
    assert Form(shown.text).fields["legal_name"] == "Ada"

    answers = [page(bench, link, "POST", data=DETAILS) for _ in range(2)]

    for answer in answers:
        assert (answer.status_code, answer.headers["Location"]) == (303, "http://localhost:9/back")
    (account,) = bench.v1.accounts.list().data
    assert account.capabilities.transfers == "active"
    assert account.external_accounts.data[0].account_holder_name == "Ada Lovelace"
    names = [e.type for e in bench.v1.events.list({}, {"stripe_account": account.id}).data]
    assert names.count("capability.updated") == 1


def test_a_link_that_was_used_or_is_old_leads_to_a_fresh_one(bench, link):
    page(bench, link, "POST", data=DETAILS)
    assert page(bench, link).headers["Location"] == "http://localhost:9/again"

    old = linked(bench, bench.account(onboarded=False))
    bench.control("/clock/advance", seconds=301)
    assert page(bench, old).headers["Location"] == "http://localhost:9/again"
    assert page(bench, old, "POST", data=DETAILS).headers["Location"] == "http://localhost:9/back"


def test_a_form_that_was_left_open_for_hours_leads_to_a_fresh_link(bench, link):
    bench.control("/clock/advance", seconds=3601)

    answer = page(bench, link, "POST", data=DETAILS)

    assert answer.headers["Location"] == "http://localhost:9/again"


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"legal_name": ""}, "Type your full legal name."),
        ({"iban": "DE00 3704 0044 0532 0130 00"}, "it is not a bank account number"),
        ({"iban": ""}, "it is not a bank account number"),
        ({"country": "FR"}, "Choose Germany"),
    ],
)
def test_details_that_cannot_be_used_are_said_and_kept(bench, link, typed, words):
    answer = page(bench, link, "POST", data={**DETAILS, **typed})

    assert answer.status_code == 422
    assert words in answer.text
    assert Form(answer.text).fields["iban"] == {**DETAILS, **typed}["iban"]
    (account,) = bench.v1.accounts.list().data
    assert account.capabilities.transfers == "inactive"


def test_a_link_is_for_its_own_account(bench, link):
    other = bench.account(onboarded=False)

    stolen = re.sub(r"/onboard/\w+", f"/onboard/{other}", link)

    assert page(bench, stolen).status_code == 404
    assert page(bench, stolen, "POST", data=DETAILS).status_code == 404


def test_an_american_gives_a_number_that_is_no_iban(bench):
    url = linked(bench, bench.account(country="US", onboarded=False))
    assert "000123456789" in page(bench, url).text

    answer = page(
        bench, url, "POST", data={"legal_name": "Bo", "country": "US", "iban": "000123456789"}
    )

    assert answer.status_code == 303


# ---- the other side --------------------------------------------------------------------------


def test_the_dashboard_shows_the_other_side(bench):
    assert "Nothing yet." in page(bench, "/").text
    account = bench.account()
    charge = bench.paid(50000).latest_charge.id
    made = bench.v1.transfers.create({"amount": 1234, "currency": "eur", "destination": account})
    bench.v1.refunds.create({"charge": charge, "amount": 100})
    states = {bench.control(f"/charges/{charge}/dispute", amount=1, inquiry=True)["status"]}
    for outcome in ("won", "lost"):
        dispute = bench.control(f"/charges/{charge}/dispute", amount=1)
        states |= {dispute["status"], bench.control(f"/disputes/{dispute['id']}/answer")["status"]}
        closed = bench.control(f"/disputes/{dispute['id']}/close", outcome=outcome)
        states.add(closed["status"])
        assert closed["status"] == outcome

    shown = page(bench, "/").text

    for words in (account, charge, made.id, "€12.34", "€448.90", "won", "lost", "transfer.created"):
        assert words in shown
    assert "L’autre côté" in page(bench, "/?lang=fr").text
    assert states <= texts.FRENCH.keys()


def test_the_account_holder_sees_what_they_have(bench):
    account = bench.account()
    bench.paid(50000)
    bench.v1.transfers.create({"amount": 1234, "currency": "eur", "destination": account})
    bench.v1.payouts.create({"amount": 200, "currency": "eur"}, {"stripe_account": account})

    shown = page(bench, bench.v1.accounts.login_links.create(account).url).text

    for words in ("€10.34", "€12.34", "€2.00", "pending"):
        assert words in shown
