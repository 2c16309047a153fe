"""What Stripe asks for and why it stops, in words; every value of its own list has some."""

from datetime import UTC, datetime

import pytest

from payouts import payees, requirements, stripe_objects
from payouts.models import PayeeState
from tests.factories.payouts import make_expert, make_payee

# account_requirements.disabled_reason in Stripe's OpenAPI.
REASONS = (
    "action_required.requested_capabilities",
    "listed",
    "other",
    "platform_paused",
    "rejected.fraud",
    "rejected.incomplete_verification",
    "rejected.listed",
    "rejected.other",
    "rejected.platform_fraud",
    "rejected.platform_other",
    "rejected.platform_terms_of_service",
    "rejected.terms_of_service",
    "requirements.past_due",
    "requirements.pending_verification",
    "under_review",
)


@pytest.mark.parametrize("reason", REASONS)
def test_each_reason_to_stop_has_words_of_its_own_in_both_apis(app, reason):
    words = requirements.stopped(reason)

    assert words[0] is not requirements.ANOTHER_REASON
    assert requirements.stopped(reason.replace(".", "_")) == words


def test_a_reason_that_nobody_knows_is_said_decently():
    assert requirements.stopped("brand_new") == (requirements.ANOTHER_REASON, True)
    assert requirements.stopped(None) is None


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("individual.verification.document", "a document that shows who you are"),
        ("individual.verification.additional_document", "a document that shows where you live"),
        ("identity.individual.documents.primary_verification", "a document that shows who you are"),
        ("external_account", "your bank account"),
        ("configuration.recipient.default_outbound_destination", "your bank account"),
        ("tos_acceptance.date", "your agreement to Stripe’s terms"),
        ("individual.dob.day", "your date of birth"),
        ("identity.individual.date_of_birth", "your date of birth"),
        ("individual.address.line1", "your address"),
        ("individual.ssn_last_4", "your tax or identity number"),
        ("individual.id_number", "your tax or identity number"),
        ("individual.first_name", "your name"),
        ("identity.individual.given_name", "your name"),
        ("individual.phone", "your e-mail address and telephone number"),
        ("business_profile.mcc", "what you do"),
        ("business_profile.url", "what you do"),
        ("individual.political_exposure", "your nationality or public offices"),
        ("interv_1a2b.supportability.form", "answers to questions of Stripe"),
        ("quantum.entanglement", "something else"),
    ],
)
def test_each_requirement_is_said_in_words(app, code, words):
    with app.test_request_context():
        [found] = requirements.asks([code])
        assert str(found.what) == words
        assert str(found.how)


def test_what_is_overdue_comes_first_and_each_thing_once(app):
    with app.test_request_context():
        found = requirements.asks(
            ["individual.dob.day", "individual.dob.year", "external_account"], ["external_account"]
        )

        assert [(str(one.what), one.is_overdue) for one in found] == [
            ("your bank account", True),
            ("your date of birth", False),
        ]


def test_deadlines_and_reasons_are_read_from_both_apis():
    v1 = stripe_objects.payee_v1(
        {
            "id": "acct_1",
            "capabilities": {"transfers": "inactive"},
            "details_submitted": True,
            "requirements": {
                "currently_due": ["external_account"],
                "eventually_due": ["external_account", "individual.id_number"],
                "past_due": ["external_account"],
                "current_deadline": 1_800_000_000,
                "disabled_reason": "requirements.past_due",
            },
        }
    )
    entry = {
        "awaiting_action_from": "user",
        "requested_reasons": [{"code": "routine_verification"}],
    }
    v2 = stripe_objects.payee_v2(
        {
            "id": "acct_1",
            "configuration": {
                "recipient": {
                    "capabilities": {
                        "stripe_balance": {
                            "stripe_transfers": {
                                "status": "restricted",
                                "status_details": [{"code": "requirements_past_due"}],
                            }
                        }
                    }
                }
            },
            "requirements": {
                "entries": [
                    {
                        **entry,
                        "description": "external_account",
                        "minimum_deadline": {"status": "past_due"},
                    },
                    {
                        **entry,
                        "description": "individual.id_number",
                        "minimum_deadline": {"status": "eventually_due"},
                    },
                ],
                "summary": {
                    "minimum_deadline": {"status": "past_due", "time": "2027-01-15T08:00:00Z"}
                },
            },
        }
    )

    for found in (v1, v2):
        assert found.missing == found.overdue == ("external_account",)
        assert found.due_later == ("individual.id_number",)
        assert found.due_at == datetime(2027, 1, 15, 8, tzinfo=UTC)
    assert v1.stopped_for == "requirements.past_due"
    assert v2.stopped_for == "requirements_past_due"


def test_the_page_says_what_is_missing_by_when_and_what_to_do(session, sign_in):
    expert = make_expert(session, payee=None)
    payee = make_payee(
        session,
        expert.id,
        state=PayeeState.RESTRICTED,
        missing=["individual.verification.document", "a.new.one"],
        overdue=["individual.verification.document"],
        due_later=["individual.id_number"],
        due_at=datetime(2027, 1, 15, 8, tzinfo=UTC),
        stopped_for="requirements.past_due",
    )
    client = sign_in(expert)

    page = client.get("/earnings/account").text

    for words in (
        "A document that shows who you are",
        "Overdue. A photo of your passport",
        "Something else",
        "(a.new.one)",
        "by Friday 15 January 2027",
        "overdue. Payouts start again",
        "What Stripe will ask for later",
        "Go on at Stripe",
    ):
        assert words in page
    payee.missing, payee.overdue, payee.stopped_for = [], [], "rejected.fraud"
    session.flush()
    assert "You may contest that with" in client.get("/earnings/account").text


def test_an_account_that_is_paid_but_lacks_something_is_told_before_it_stops(session, sign_in):
    expert = make_expert(session, payee=None)
    make_payee(
        session,
        expert.id,
        missing=["individual.id_number"],
        due_at=datetime(2027, 1, 15, 8, tzinfo=UTC),
    )
    client = sign_in(expert)

    assert (
        "Stripe asks for something more by Friday 15 January 2027" in client.get("/earnings").text
    )
    page = client.get("/earnings/account").text
    assert "after that day it may stop your payouts" in page
    assert "Your tax or identity number" in page


def test_who_comes_back_too_early_is_told_so(desk, session, sign_in):
    expert = desk.expert(session, onboarded=False)
    client = sign_in(expert)

    back = client.get("/earnings/account/return", follow_redirects=True)

    assert "You came back before Stripe had everything" in back.text
    assert "Your bank account" in back.text
    desk.bench.control(f"/accounts/{payees.known(session, expert.id).stripe_account_id}/onboard")
    assert client.get("/earnings/account/return").location.endswith("/earnings")
