"""What the operator's pages and commands say of money."""

from datetime import timedelta

from click.testing import CliRunner
from pydantic import SecretStr
from sqlalchemy import text

from core.clock import now
from core.settings import current_settings
from payouts import health, reconciliation
from payouts.cli import group
from payouts.models import PayoutState, Reconciliation, ReconciliationState
from tests.factories.payouts import make_expert, make_payout


def tones(findings):
    return [finding.tone for finding in findings]


def test_without_money_all_is_well(session):
    assert tones(health.money(session)) == ["ok"]


def test_after_a_comparison_all_is_well_for_two_days(desk, session):
    desk.budget(session)
    reconciliation.run(desk.rail)

    assert tones(health.money(session)) == ["ok"]
    desk.ahead = timedelta(days=3)
    assert tones(health.money(session)) == ["wait"]


def test_what_needs_a_person_is_said(session):
    make_payout(session, make_expert(session).id, state=PayoutState.UNKNOWN)

    assert tones(health.money(session)) == ["stop"]


def test_a_difference_that_heals_is_said(session):
    session.add(
        Reconciliation(
            at=now(),
            currency="eur",
            ledger_minor=0,
            available_minor=-5,
            pending_minor=0,
            state=ReconciliationState.EXPLAINED,
        )
    )
    session.flush()

    assert tones(health.money(session)) == ["wait"]


def test_which_stripe_runs_is_said(session, app):
    def words(**changes):
        known = current_settings()
        app.extensions["doyen.settings"] = known.model_copy(update=changes)
        try:
            [found] = health.rail(session)
            return found
        finally:
            app.extensions["doyen.settings"] = known

    assert "sandbox" in words(stripe_api_base="http://127.0.0.1:8030").words
    assert "test mode" in words(stripe_api_base="").words
    real = words(stripe_api_base="", stripe_api_key=SecretStr("sk_live_x"))
    assert "real money" in real.words
    assert words(stripe_webhook_secret=SecretStr("")).tone == "wait"


def run(command):
    return CliRunner().invoke(group, [command])


def test_the_commands_say_what_they_find(desk, session):
    desk.budget(session)

    assert "The ledger holds." in run("check-ledger").output
    assert "eur: equal" in run("reconcile").output

    session.execute(text("alter table ledger_account disable trigger all"))
    session.execute(text("update ledger_account set balance = balance + 1"))
    session.execute(text("alter table ledger_account enable trigger all"))
    session.commit()
    broken = run("check-ledger")
    assert broken.exit_code == 1
    assert "does not hold" in broken.output
