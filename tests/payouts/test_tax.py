"""Tax details: checked, encrypted, masked, versioned; asked for, reminded, held and let go."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlmodel import select

from accounts.models import Decision
from core import db
from core.clock import now
from core.models import AuditEvent, Letter
from core.money import Money
from payouts import holds, jobs, payees, policy, requests, sending, tax, tax_exports, tax_holds
from payouts import tax_numbers as numbers
from payouts.models import Payout, PayoutState, Rhythm
from payouts.tax import Residence
from payouts.tax_models import Outcome, TaxProfile, TaxRequest
from tests.factories.accounts import make_user
from tests.factories.payouts import eur, make_budget, make_earning, make_expert
from tests.factories.tax import FRENCH, make_details, make_tax_profile, make_tax_request
from tests.payouts.conftest import new_key

DAY = timedelta(days=1)
TERMS = tax_holds.Terms({"eur": eur(60_000)}, 20 * DAY, 40 * DAY, 60 * DAY)


@pytest.fixture
def expert(session):
    return make_expert(session)


@pytest.fixture
def earner(session, expert):
    """An expert who was credited enough to be asked."""
    budget = make_budget(session, funded=500_000)
    make_earning(session, budget, expert.id, pay=70_000)
    return expert


# Numbers


@pytest.mark.parametrize(
    ("country", "number"),
    [
        ("FR", "30 23 217 600 053"),
        ("DE", "36 574 261 809"),
        ("ES", "X-2482300W"),
        ("IT", "rccmnl83s18d969h"),
        ("PT", "501 964 843"),
        ("NL", "111.222.333"),
        ("BE", "85.07.30 033 28"),
        ("PL", "44051401359"),
        ("IE", "6433435OA"),
        ("SE", "880320-0016"),
        ("FI", "131052-308T"),
        ("CH", "756.9217.0769.85"),
        ("GB", "AB123456C"),
        ("US", "536-90-4399"),
        ("CA", "123-456-782"),
        ("DK", "211062-5629"),
        ("AT", "59-119/9013"),
        ("LU", "1893120105732"),
    ],
)
def test_a_number_of_each_country_is_taken_and_a_wrong_digit_is_seen(country, number):
    assert not numbers.looks_wrong(country, number)
    assert numbers.looks_wrong(country, number[:-3])


def test_where_no_rule_is_known_only_nonsense_is_odd():
    assert not numbers.looks_wrong("JP", "1234 5678 9012")
    assert numbers.looks_wrong("JP", "none")


@given(st.sampled_from(sorted(numbers.CHECKS)), st.text(max_size=40))
def test_whatever_is_typed_a_check_answers(country, typed):
    assert numbers.looks_wrong(country, typed) in (True, False)
    assert numbers.vat_looks_wrong(typed) in (True, False)
    plain = numbers.plain(typed)
    assert len(plain) < 2 or plain not in numbers.masked(plain)


# Details


def test_details_are_encrypted_in_versions_that_nobody_changes(session, expert):
    make_tax_profile(session, expert.id)
    second = make_tax_profile(session, expert.id, street="4 rue des Lilas")
    same = make_tax_profile(session, expert.id, street="4 rue des Lilas")

    assert (second.version, same.version) == (2, 2)
    assert [one.version for one in tax.history(session, expert.id)] == [2, 1]
    assert tax.opened(tax.current(session, expert.id)).street == "4 rue des Lilas"
    kept = session.execute(text("select sealed from tax_profile")).scalars().all()
    assert not any(word in row for row in kept for word in (FRENCH, "Lilas", "Martin"))
    [_first, event] = session.exec(
        select(AuditEvent).where(AuditEvent.action == "tax.saved").order_by(AuditEvent.id)
    ).all()
    assert event.details == {"version": 2, "changed": ["street"]}
    for change in ("update tax_profile set version = 9", "delete from tax_profile"):
        with pytest.raises(DBAPIError), session.begin_nested():
            session.execute(text(change))


def test_two_windows_do_not_overwrite_each_other(session, expert):
    make_tax_profile(session, expert.id)

    with pytest.raises(tax.ChangedMeanwhile):
        tax.save(session, expert.id, make_details(city="Nice"), seen=0, wants_w8=False, at=now())


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({}, []),
        ({"last_name": "", "city": ""}, ["last_name", "city"]),
        ({"residences": ()}, ["residence"]),
        ({"residences": (Residence("FR"),)}, ["number"]),
        ({"residences": (Residence("AE", "", "not_issued"),)}, ["born_in"]),
        ({"residences": (Residence("AE", "", "not_issued"),), "born_in": "Lyon"}, []),
        ({"us_person": ""}, ["us_person"]),
        ({"us_person": "yes"}, ["us_number", "w9"]),
        (
            {
                "us_person": "yes",
                "statement": tax.W9,
                "residences": (Residence("US", "536904399"),),
            },
            [],
        ),
    ],
)
def test_what_is_missing_is_known(changes, missing):
    assert tax.missing(make_details(**changes)) == missing


def test_a_statement_of_w8_is_asked_only_where_the_operator_wants_it():
    assert tax.missing(make_details(), wants_w8=True) == ["w8"]
    assert tax.missing(make_details(statement=tax.W8), wants_w8=True) == []


FORM = {
    "first_name": "Ada",
    "last_name": "Martin",
    "born_on": "1980-05-04",
    "street": "3 rue des Lilas",
    "city": "Lyon",
    "country": "FR",
    "residence_1-country": "FR",
    "residence_1-number": "30 23 217 600 053",
    "us_person": "no",
    "seen": "0",
}


def test_an_expert_states_all_at_once_and_sees_the_numbers_masked(session, sign_in, expert):
    client = sign_in(expert)

    saved = client.post("/earnings/tax", data=FORM)
    page = client.get("/earnings/tax").text

    assert saved.location.endswith("/earnings")
    assert "Your tax details are complete" in page
    assert FRENCH not in page
    assert "the number that ends in 053" in page


def test_a_part_is_saved_and_what_is_missing_is_said(session, sign_in, expert):
    client = sign_in(expert)

    client.post("/earnings/tax", data={"first_name": "Ada", "seen": "0"})
    page = client.get("/earnings/tax").text

    assert "Still missing" in page
    assert "your last name" in page
    assert not tax.is_complete(session, expert.id)


def test_an_odd_number_is_asked_about_and_taken_when_it_is_confirmed(session, sign_in, expert):
    client, odd = sign_in(expert), FORM | {"residence_1-number": "12 34"}

    asked = client.post("/earnings/tax", data=odd)
    taken = client.post("/earnings/tax", data=odd | {"sure": "y"})
    again = client.post("/earnings/tax", data=FORM | {"residence_1-number": "", "seen": "1"})

    assert asked.status_code == 422
    assert "does not look like one of France" in asked.text
    assert taken.status_code == 302
    assert again.status_code == 302  # confirmed once, not asked again
    assert tax.opened(tax.current(session, expert.id)).residences == (Residence("FR", "1234"),)


def test_hostile_input_is_text_or_is_refused(session, sign_in, expert):
    client = sign_in(expert)
    typed = FORM | {
        "first_name": "<script>alert(1)</script>",
        "country": "../etc",
        "residence_2-country": "XX",
        "us_person": "maybe",
    }

    assert client.post("/earnings/tax", data=typed).status_code == 302
    assert "<script>alert(1)" not in client.get("/earnings/tax").text
    assert client.post("/earnings/tax", data=FORM | {"seen": "x"}).status_code == 422
    assert client.post("/earnings/tax", data=FORM | {"born_on": "2999-01-01"}).status_code == 422


def test_an_operator_reads_masked_details_and_each_reading_is_noted(session, sign_in, expert):
    from tests.factories.experts import make_expert as make_profile

    make_profile(session, expert)
    make_tax_profile(session, expert.id)
    client = sign_in(make_user(session, "operator"))

    masked = client.get(f"/operator/money/experts/{expert.id}/tax").text
    full = client.post(f"/operator/money/experts/{expert.id}/tax").text

    assert "Ada Martin" in masked
    assert FRENCH not in masked
    assert FRENCH in full
    noted = session.exec(select(AuditEvent.action).where(AuditEvent.action.like("tax.%read")))
    assert sorted(noted) == ["tax.numbers_read", "tax.read"]


def test_details_come_readable_in_the_copy_of_ones_data(app, session, expert):
    from accounts import export_file

    make_tax_profile(session, expert.id)
    register = app.extensions["doyen.personal_data"]
    person = export_file.Person(expert.id, expert.email, "Ada", "en")

    [row] = export_file.rows(session, register, register.tables["tax_profile"], person, set())

    assert row["sealed"]["last_name"] == "Martin"


def test_details_of_another_key_cannot_be_read_and_are_asked_anew(session, sign_in, expert):
    session.add(TaxProfile(expert_id=expert.id, version=1, saved_at=now(), sealed="gAAAA-not-ours"))
    session.flush()
    client = sign_in(expert)

    assert "Your details cannot be read" in client.get("/earnings/tax").text
    assert client.post("/earnings/tax", data=FORM | {"seen": "1"}).status_code == 302
    assert tax.is_complete(session, expert.id)


# Asked, reminded, held, let go


def go(session, expert, at):
    said = tax_holds.go_on(session, expert.id, at=at)
    session.flush()
    return said


def letters(session, expert):
    found = select(Letter.template).where(Letter.user_id == expert.id).order_by(Letter.id)
    return [
        one for one in session.exec(found) if "tax" in one or "decision" in one or "hold" in one
    ]


def test_who_was_credited_enough_is_asked_once_with_every_date(session, earner):
    other = make_expert(session)
    make_earning(session, make_budget(session, funded=90_000), other.id, pay=500)
    at = now()

    assert tax_holds.to_ask(session, TERMS.least, at=at) == [earner.id]
    row = tax_holds.ask(session, earner.id, TERMS, at=at)
    assert tax_holds.ask(session, earner.id, TERMS, at=at) is None
    assert tax_holds.to_ask(session, TERMS.least, at=at) == []
    assert (row.credited, row.hold_from) == (eur(70_000), at + 60 * DAY)
    [letter] = session.exec(select(Letter).where(Letter.user_id == earner.id)).all()
    assert letter.template == "payouts/tax_asked"
    assert "€700.00" in letter.body


def test_whoever_is_complete_or_earned_elsewhere_is_not_asked(session, earner):
    make_tax_profile(session, earner.id)

    assert tax_holds.to_ask(session, TERMS.least, at=now()) == []
    assert tax_holds.to_ask(session, {"usd": Money(0, "usd")}, at=now()) == []


def test_two_reminders_then_a_decision_of_a_rule_then_all_is_sent_at_once(session, earner):
    start = now()
    tax_holds.ask(session, earner.id, TERMS, at=start)

    assert go(session, earner, start + 19 * DAY) == "waits"
    assert go(session, earner, start + 20 * DAY) == "reminded 1"
    assert go(session, earner, start + 20 * DAY) == "waits"
    assert go(session, earner, start + 40 * DAY) == "reminded 2"
    assert go(session, earner, start + 59 * DAY) == "waits"
    assert holds.of(session, earner.id) is None
    assert go(session, earner, start + 60 * DAY) == "withheld"

    held = holds.of(session, earner.id)
    decision = session.get_one(Decision, held.decision_id)
    assert (decision.rule, decision.decided_by) == ("TAX-1", None)
    assert decision.reason_code == "tax_details"
    assert len(decision.evidence) == 2
    assert decision.contest_until == start + 60 * DAY + holds.CONTEST_FOR
    with pytest.raises(requests.Withheld):
        requests.on_demand(session, earner.id, eur(1000), key=new_key(), at=now())

    later = start + 75 * DAY
    tax_holds.keep(session, earner.id, make_details(), seen=0, wants_w8=False, at=later)

    assert holds.of(session, earner.id) is None
    [row] = session.exec(select(TaxRequest)).all()
    assert (row.outcome, row.closed_at) == (Outcome.COMPLETE, later)
    # Paydays passed meanwhile: what they would have sent leaves now.
    [payout] = session.exec(select(Payout).where(Payout.expert_id == earner.id)).all()
    assert (payout.amount, payout.state) == (eur(70_000), PayoutState.READY)
    assert letters(session, earner) == [
        "payouts/tax_asked",
        "payouts/tax_reminder",
        "payouts/tax_reminder",
        "accounts/decision",
        "payouts/hold_lifted",
    ]


def test_who_wants_money_on_demand_is_sent_nothing_unasked(session, earner):
    payees.choose_rhythm(session, earner.id, Rhythm.ON_DEMAND, at=now())
    _held(session, earner)

    tax_holds.keep(session, earner.id, make_details(), seen=0, wants_w8=False, at=now() + 90 * DAY)

    assert session.exec(select(Payout)).all() == []


def test_a_payout_that_waits_is_blocked_without_a_wrong_letter_and_goes_on(session, earner):
    payout = requests.on_demand(session, earner.id, eur(5000), key=new_key(), at=now())
    _held(session, earner)

    assert sending.claim(session, payout.id, at=now() + DAY) is None
    assert (payout.state, payout.reason) == (PayoutState.BLOCKED, "withheld")
    assert "details_needed" not in "".join(letters(session, earner))
    tax_holds.keep(session, earner.id, make_details(), seen=0, wants_w8=False, at=now() + DAY)

    assert payout.state is PayoutState.READY


def test_a_late_reminder_moves_the_hold_and_no_date_is_broken(session, earner):
    start = now()
    tax_holds.ask(session, earner.id, TERMS, at=start)

    assert go(session, earner, start + 70 * DAY) == "reminded 1"
    assert go(session, earner, start + 70 * DAY) == "waits"
    assert go(session, earner, start + 77 * DAY) == "reminded 2"
    assert go(session, earner, start + 90 * DAY) == "waits"
    assert go(session, earner, start + 91 * DAY) == "withheld"


def test_a_person_who_lifts_it_excuses_the_rest_of_the_year(session, earner):
    operator = make_user(session, "operator")
    _held(session, earner)

    holds.lift(session, earner.id, by=operator, at=now())

    assert go(session, earner, now()) == "excused"
    assert tax_holds.to_ask(session, TERMS.least, at=now()) == []
    assert session.exec(select(TaxRequest.outcome)).one() is Outcome.EXCUSED


def test_another_hold_is_left_alone(session, earner):
    operator = make_user(session, "operator")
    cause = holds.Cause("stolen_account", "words that are long enough", "evidence, long enough")
    held = holds.withhold(session, earner.id, cause, by=operator, at=now())
    past = now() - 70 * DAY
    make_tax_request(
        session,
        earner.id,
        asked_at=past,
        remind_at=past + DAY,
        remind_again_at=past + 2 * DAY,
        hold_from=past + 60 * DAY,
        reminded_at=past + DAY,
        reminded_again_at=past + 2 * DAY,
    )

    assert go(session, earner, now()) == "waits"
    tax_holds.keep(session, earner.id, make_details(), seen=0, wants_w8=False, at=now())

    assert holds.of(session, earner.id).id == held.id


def test_the_sweep_does_each_step_and_twice_does_no_harm(session, earner):
    session.commit()

    assert jobs.ask_tax_details() == "asked 1"
    assert jobs.ask_tax_details() == "asked 0"


def test_the_database_refuses_a_hold_before_two_reminders(session, earner):
    _held(session, earner)
    row = session.exec(select(TaxRequest)).one()

    with pytest.raises(DBAPIError), session.begin_nested():
        session.execute(
            text("update tax_request set reminded_again_at = null where id = :id"), {"id": row.id}
        )


def test_pages_say_what_is_asked_and_what_waits(session, sign_in, earner):
    client = sign_in(earner)
    tax_holds.ask(session, earner.id, TERMS, at=now())

    assert "Please complete your tax details by" in client.get("/earnings").text
    assert "payouts wait until they are" in client.get("/earnings/tax").text
    _held(session, earner)
    page = client.get("/earnings").text

    assert "were not complete after two reminders" in page
    assert "/earnings/tax" in page
    reasons = client.get(f"/decisions/{holds.of(session, earner.id).decision_id}").text
    assert "The rule TAX-1" in reasons


def _held(session, expert):
    row = tax_holds.open_request(session, expert.id) or make_tax_request(session, expert.id)
    row.reminded_at = row.reminded_again_at = now()
    session.flush()
    tax_holds._withhold(session, row, now())
    session.flush()
    return row


# Exports


def test_the_threshold_of_a_year_is_the_newest_rule():
    rules = {2020: 600, 2026: 2000}

    assert [tax_exports.threshold(rules, year).minor for year in (2019, 2025, 2026, 2030)] == [
        0,
        60_000,
        200_000,
        200_000,
    ]


def test_files_of_a_year_are_for_operators_and_each_is_noted(session, sign_in, earner):
    make_tax_profile(session, earner.id, last_name="=cmd|x")
    year = datetime.now(UTC).year
    client = sign_in(make_user(session, "operator"))

    page = client.get("/operator/money/tax").text
    file = client.get(f"/operator/money/tax/dac7.csv?year={year}").text

    assert "DAC7 file" in page
    assert "'=cmd|x" in file
    assert FRENCH in file
    head, line = [one.split(",") for one in file.splitlines()]
    row = dict(zip(head, line, strict=True))
    assert (row["reportable"], row["year_consideration"]) == ("yes", "700.00")
    assert sum(float(row[f"q{n}_consideration"]) for n in range(1, 5)) == 700
    assert row["year_activities"] == "1"
    assert session.exec(select(AuditEvent).where(AuditEvent.action == "tax.exported")).one()
    assert sign_in(earner).get("/operator/money/tax/dac7.csv").status_code == 403
    assert client.get("/operator/money/tax/dac7.csv?year=x").status_code == 404


def test_us_persons_have_their_boxes(session, sign_in, expert):
    make_tax_profile(
        session,
        expert.id,
        us_person="yes",
        us_number_kind="ssn",
        statement=tax.W9,
        residences=(Residence("US", "536904399"),),
    )
    budget = make_budget(session, funded=500_000, currency="usd")
    make_earning(session, budget, expert.id, pay=250_000)
    payout = requests.on_demand(session, expert.id, Money(250_000, "usd"), key=new_key(), at=now())
    session.commit()
    sending.send(payout.id, _Sure())
    session.expire_all()

    lines = list(tax_exports.nec(session, policy.week_of(now()).year, Money(200_000, "usd")))

    assert len(lines) == 2
    for cell in ("536904399", "SSN", "Ada Martin", "2500.00", "yes"):
        assert cell in lines[1]


class _Sure:
    def send(self, amount, *, to, reference):
        return f"tr_{reference}"

    def payee_balance(self, account_id, currency):
        return Money(0, currency)


# At once


def test_two_windows_at_once_save_one_version_and_one_release(live):
    with live.transaction() as session:
        expert = make_expert(session)
        budget = make_budget(session, funded=500_000)
        make_earning(session, budget, expert.id, pay=70_000, at=now() - 20 * DAY)
        row = make_tax_request(session, expert.id)
        row.reminded_at = row.reminded_again_at = now()
        session.flush()
        tax_holds._withhold(session, row, now() - 10 * DAY)
        expert_id = expert.id
    barrier, said = threading.Barrier(4), []

    def work(city):
        with live.app.app_context():
            barrier.wait()
            try:
                with db.transaction() as session:
                    details = make_details(city=city)
                    tax_holds.keep(session, expert_id, details, seen=0, wants_w8=False, at=now())
                said.append("saved")
            except tax.ChangedMeanwhile:
                said.append("told")

    threads = [threading.Thread(target=work, args=(f"Town {n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(said) == ["saved", "told", "told", "told"]
    with live.transaction() as session:
        assert len(tax.history(session, expert_id)) == 1
        assert len(session.exec(select(Payout)).all()) == 1
        assert holds.of(session, expert_id) is None


def test_a_crash_in_the_middle_of_a_step_leaves_nothing_half_done(live, monkeypatch):
    with live.transaction() as session:
        expert = make_expert(session)
        row = make_tax_request(session, expert.id)
        row.reminded_at = row.reminded_again_at = now()
        row.hold_from = row.remind_again_at + timedelta(seconds=1)
        expert_id, at = expert.id, row.hold_from

    def crash(*_args):
        raise RuntimeError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(tax_holds.decision_letters, "tell", crash)
        with pytest.raises(RuntimeError), live.transaction() as session:
            tax_holds.go_on(session, expert_id, at=at)
    with live.transaction() as session:
        assert holds.of(session, expert_id) is None
        assert session.exec(select(Decision)).all() == []
        assert tax_holds.go_on(session, expert_id, at=at) == "withheld"
    with live.transaction() as session:
        assert holds.of(session, expert_id) is not None
        assert tax_holds.go_on(session, expert_id, at=at) == "waits"
