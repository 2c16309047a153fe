"""Amounts that nobody should send, in every field that takes one: words, and nothing stored."""

import re
from decimal import Decimal

import pytest
from click.testing import CliRunner
from pydantic import ValidationError
from sqlmodel import func, select
from werkzeug.datastructures import MultiDict
from wtforms import Form

from core.clock import now
from core.models import AuditEvent
from payouts import cli
from payouts.forms import amount_of
from payouts.models import Deposit, Move, Payout, PayoutState
from projects.forms import AmountField
from projects.models import Project
from proofs import money_forms
from proofs.money_forms import Ground, Sent
from tests.conftest import make_settings
from tests.factories.accounts import make_user
from tests.factories.payouts import make_payout

BAD = [
    *("-5", "-0.01", "+5", "0x10", "1_000", "five", "½", "²", "1e30", "1E3", "NaN", "-Infinity"),
    *("Infinity", "٥٠", "५०", "５０", "9" * 30, "1.2.3", "1,2,3", "1,000", "12 50", "1'5", "5;6"),
    *("1.00.0", ".5", "5.", "5 €5", "UR5", "<b>5</b>", "5\n6", "--5", "5-", "5\u202e0", "$50"),
]
TOO_FINE = ["1.005", "12.3456789", "0.001"]
FEW = ["-5", "0", "1e30", "9" * 22, "NaN", "Infinity", "٥٠", "12.345", "12 50", "   "]


READ = {
    "5": 500,
    "5,5": 550,
    "€500.00": 50_000,
    "500 €": 50_000,
    "500,00 EUR": 50_000,
    "1 234,50": 123_450,
    "1\u202f234\u00a0567,50": 123_456_750,
    "1’234.50": 123_450,
    "1,234.50": 123_450,
    "1234567": 123_456_700,
    "0": 0,
}


def test_what_people_write_is_read_to_the_cent_and_nothing_else_is_read(app):
    with app.test_request_context():
        assert {typed: _read(typed) for typed in READ} == READ
        read = {typed: _read(typed) for typed in [*BAD, *TOO_FINE, "", " "]}
    assert {typed for typed, found in read.items() if found is not None} == set()


def test_a_price_is_never_guessed(app):
    class Priced(Form):
        price = AmountField()

    def read(typed):
        form = Priced(MultiDict({"price": typed}))
        form.validate()
        return None if form.price.errors else form.price.data

    with app.test_request_context():
        assert [typed for typed in [*BAD, *TOO_FINE, "1,000,000"] if read(typed) is not None] == []
        assert read("1 234,50") == read("1234.50") == Decimal("1234.50")


def _read(typed):
    try:
        return amount_of(typed, "eur").minor
    except ValueError:
        return None


def take_back(on: Ground) -> Sent:
    payout = make_payout(
        on.session, on.earner().id, state=PayoutState.SENT, stripe_transfer_id="tr_1", sent_at=now()
    )
    said = {"code": "not_reached", "words": money_forms.WHY, "evidence": money_forms.WHY}
    path = f"/operator/money/payouts/{payout.id}/take-back"
    return Sent(on.operator, path, said | {"amount": "5", "key": "k" * 32})


def refund(on: Ground) -> Sent:
    owner, budget = on.owner()
    data = {"amount": "5", "key": "k" * 32}
    return Sent(owner, f"/projects/{budget.project_id}/budget/refund", data)


FIELDS = {
    "refund": (refund, ("amount",)),
    "fund": (money_forms._begin_deposit, ("amount",)),
    "top up": (money_forms._agree_top_up, ("below", "amount", "month_most")),
    "bonus": (money_forms._bonus, ("amount",)),
    "take back": (take_back, ("amount",)),
    "price": (money_forms._save_pay, ("price", "qualification", "review")),
    "share": (
        money_forms._decide("partly_accepted", percent="40", **money_forms.REFUSAL),
        ("percent",),
    ),
}
OPTIONAL = {"qualification": {"0", "   "}, "review": {"0", "   "}}  # nothing is then paid


@pytest.fixture
def ground(session):
    people = [make_user(session, "operator") for _ in range(2)]
    return Ground(session, None, *people, None, None)


@pytest.mark.parametrize("name", FIELDS)
def test_a_hostile_amount_is_refused_in_words_and_stores_nothing(name, ground, session, sign_in):
    make, fields = FIELDS[name]
    sent = make(ground)
    session.commit()
    client, before = sign_in(sent.by), stored(session)

    for field in fields:
        for typed in FEW:
            if typed in OPTIONAL.get(field, ()):
                continue
            more = {"qualification_tasks": "2"} if field == "qualification" else {}
            answer = client.post(sent.path, data={**sent.data, **more, field: typed})
            assert answer.status_code == 422, (field, typed)
            assert "is-invalid" in answer.text, (field, typed)
        lacking = {key: value for key, value in sent.data.items() if key != field}
        if field not in OPTIONAL:
            assert client.post(sent.path, data=lacking).status_code == 422

    assert stored(session) == before


def stored(session):
    session.expire_all()
    rows = [select(func.count()).select_from(one) for one in (Deposit, Move, Payout, AuditEvent)]
    prices = session.exec(select(Project.price_minor, Project.review_minor).order_by(Project.id))
    return [session.exec(one).one() for one in rows], prices.all()


@pytest.mark.parametrize(
    ("name", "field", "status"),
    [("bonus", "amount", 409), ("take back", "amount", 422), ("fund", "amount", 422)],
)
def test_the_largest_amount_that_can_be_written_is_more_than_there_is(
    name, field, status, ground, session, sign_in
):
    sent = FIELDS[name][0](ground)
    session.commit()
    before = stored(session)

    answer = sign_in(sent.by).post(sent.path, data=sent.data | {field: "999999999.99"})

    assert answer.status_code == status
    assert stored(session) == before


@pytest.mark.parametrize(
    "changed",
    [
        *({"minor": typed} for typed in ("-1", "0", "1e3", "٥٠", "²", "9" * 13, "NaN", "5.0", "")),
        *({"currency": code} for code in ("EUR", "xyz", "e", "eur ", "€", "btc")),
        {"key": "short"},
        {"minor": "9" * 12},
        {"minor": "300000", "currency": "usd"},
    ],
)
def test_a_forged_payout_button_sends_nothing_and_says_so(changed, ground, session, sign_in):
    sent = money_forms._request_payout(ground)
    session.commit()

    answer = sign_in(sent.by).post(sent.path, data=sent.data | changed, follow_redirects=True)

    assert answer.status_code in (200, 409)
    assert re.search("Nothing was sent|is owed to you now", answer.text)
    assert session.exec(select(Payout)).all() == []


@pytest.mark.parametrize(
    "limits", [{"eur": -1}, {"eur": 10**30}, {"eur": 1.5}, {"euro": 5}, {"xyz": 5}, {"eur": "NaN"}]
)
def test_a_limit_that_cannot_be_one_is_refused_at_start(limits, tmp_path):
    with pytest.raises(ValidationError):
        make_settings(tmp_path, payout_limits=limits)
    assert make_settings(tmp_path, payout_limits={"EUR": 5}).payout_limits == {"eur": 5}


@pytest.mark.parametrize("event", ["", " ", "x" * 5000, "assignment:1:1:earned'; drop table", "٥"])
def test_a_correction_of_what_was_never_posted_is_refused_in_words(event, session):
    operator = make_user(session, "operator")
    session.commit()

    given = ["ledger", "correct", "--by", operator.email, "--reason", "a slip", "--", event]
    said = CliRunner().invoke(cli.group, given)

    assert said.exit_code == 1
    assert said.output.startswith("Error: ")
    assert session.exec(select(Move)).all() == []
