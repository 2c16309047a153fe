"""Connected accounts: two APIs, one state."""

import pytest
import stripe

from tests.payouts.sandbox.bench import RECIPIENT


def transfers_v2(bench, account):
    found = bench.v2.core.accounts.retrieve(account, {"include": ["configuration.recipient"]})
    return found.configuration.recipient.capabilities.stripe_balance.stripe_transfers


def test_an_account_becomes_able_to_receive_when_it_is_onboarded_in_both_apis(bench):
    account = bench.account(onboarded=False)
    before = bench.v1.accounts.retrieve(account)
    assert transfers_v2(bench, account).status == "restricted"
    assert transfers_v2(bench, account).status_details[0].code == "requirements_past_due"
    assert before.capabilities.transfers == "inactive"
    assert "external_account" in before.requirements.currently_due

    bench.control(f"/accounts/{account}/onboard")

    after = bench.v1.accounts.retrieve(account)
    assert transfers_v2(bench, account).status == "active"
    assert after.capabilities.transfers == "active"
    assert after.payouts_enabled
    assert after.requirements.disabled_reason is None
    assert after.external_accounts.data[0].last4 == "3000"


def test_an_account_can_be_made_with_a_controller(bench):
    account = bench.v1.accounts.create(
        {
            "country": "FR",
            "email": "b@example.org",
            "business_type": "individual",
            "capabilities": {"transfers": {"requested": True}},
            "controller": {
                "fees": {"payer": "application"},
                "losses": {"payments": "application"},
                "stripe_dashboard": {"type": "express"},
                "requirement_collection": "stripe",
            },
            "settings": {"payouts": {"schedule": {"interval": "manual"}}},
            "metadata": {"expert_id": "7"},
        }
    )

    assert account.controller.stripe_dashboard.type == "express"
    assert account.settings.payouts.schedule.interval == "manual"
    assert account.metadata.expert_id == "7"
    names = [each.id for each in bench.v1.accounts.capabilities.list(account.id).data]
    assert names == ["transfers"]
    one = bench.v1.accounts.capabilities.retrieve(account.id, "transfers")
    assert (one.status, one.requirements.disabled_reason) == ("inactive", "pending.onboarding")


def test_parts_of_a_v2_account_are_shown_only_when_asked_for(bench):
    account = bench.account()

    bare = bench.v2.core.accounts.retrieve(account)
    whole = bench.v2.core.accounts.retrieve(
        account, {"include": ["configuration.recipient", "defaults", "identity", "requirements"]}
    )

    assert "configuration" not in bare
    assert whole.identity.country == "de"
    assert whole.defaults.currency == "eur"
    assert whole.requirements.entries == []


def test_a_v2_account_can_be_changed(bench):
    account = bench.account()

    changed = bench.v2.core.accounts.update(
        account, {"display_name": "Ada L.", "metadata": {"a": "1"}}
    )

    assert (changed.display_name, changed.metadata.a) == ("Ada L.", "1")
    assert changed.contact_email == "ada@example.org"


def test_a_capability_needs_a_country(bench):
    with pytest.raises(stripe.InvalidRequestError, match="country is required"):
        bench.v2.core.accounts.create({"configuration": {"recipient": RECIPIENT}})


def test_a_country_that_the_platform_cannot_pay_to_is_refused(bench):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        bench.v1.accounts.create({"country": "BD"})
    assert refused.value.code == "country_unsupported"


@pytest.mark.parametrize(
    ("reason", "v1", "v2"),
    [
        ("requirements.past_due", "inactive", "requirements_past_due"),
        ("rejected.fraud", "inactive", "restricted_other"),
        ("under_review", "pending", "requirements_pending_verification"),
    ],
)
def test_a_restricted_account_says_why(bench, reason, v1, v2):
    account = bench.account()

    bench.control(f"/accounts/{account}/restrict", reason=reason)

    found = bench.v1.accounts.retrieve(account)
    assert (found.capabilities.transfers, found.requirements.disabled_reason) == (v1, reason)
    assert transfers_v2(bench, account).status_details[0].code == v2
    bench.control(f"/accounts/{account}/restrict", reason=None)
    assert transfers_v2(bench, account).status == "active"


def test_accounts_that_are_not_there_are_refused_as_stripe_refuses_them(bench):
    with pytest.raises(stripe.PermissionError) as refused:
        bench.v1.accounts.retrieve("acct_nobody")
    assert refused.value.error.code == "account_invalid"
    with pytest.raises(stripe.PermissionError):
        bench.v1.balance.retrieve(options={"stripe_account": "acct_nobody"})
    with pytest.raises(stripe.InvalidRequestError, match="No such account"):
        bench.v2.core.accounts.retrieve("acct_nobody")


def test_links_lead_to_the_hosted_pages_from_both_apis(bench):
    account = bench.account(onboarded=False)
    urls = {"refresh_url": "http://localhost:9/again", "return_url": "http://localhost:9/back"}

    one = bench.v1.account_links.create(
        {
            "account": account,
            "type": "account_onboarding",
            "collection_options": {"fields": "eventually_due"},
            **urls,
        }
    )
    two = bench.v2.core.account_links.create(
        {
            "account": account,
            "use_case": {
                "type": "account_onboarding",
                "account_onboarding": {"configurations": ["recipient"], **urls},
            },
        }
    )

    assert one.url.startswith(f"{bench.url}/onboard/{account}?link=")
    assert two.url.startswith(f"{bench.url}/onboard/{account}?link=")
    assert one.url != two.url


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "//elsewhere.test", "http://", "nonsense", "http://a:b"]
)
def test_a_link_never_leads_where_no_browser_should_go(bench, url):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        bench.v1.account_links.create(
            {
                "account": bench.account(onboarded=False),
                "type": "account_onboarding",
                "refresh_url": "http://localhost:9/again",
                "return_url": url,
            }
        )
    assert (refused.value.code, refused.value.param) == ("url_invalid", "return_url")


def test_a_login_link_is_for_accounts_that_are_onboarded(bench):
    account = bench.account(onboarded=False)
    with pytest.raises(stripe.InvalidRequestError, match="not completed onboarding"):
        bench.v1.accounts.login_links.create(account)

    bench.control(f"/accounts/{account}/onboard")

    assert bench.v1.accounts.login_links.create(account).url.startswith(bench.url)


def test_the_schedule_of_an_account_is_a_balance_setting(bench):
    account = bench.account()

    bench.v1.balance_settings.update(
        {
            "payments": {
                "payouts": {"schedule": {"interval": "manual"}},
                "debit_negative_balances": True,
            }
        },
        {"stripe_account": account},
    )

    found = bench.v1.balance_settings.retrieve(options={"stripe_account": account})
    assert found.payments.payouts.schedule.interval == "manual"
    assert bench.v1.balance_settings.retrieve().payments.payouts.schedule.interval == "manual"
