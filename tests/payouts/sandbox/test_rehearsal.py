"""The rehearsal: one scenario for a Stripe test key and for our sandbox, here a real process."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner
from pydantic import SecretStr

from payouts import rehearsal, rehearsal_steps
from payouts.cli import group
from payouts.rehearsal import Scene, Verdict
from payouts.rehearsal_people import NoSandbox, PatientPerson, SandboxPerson
from payouts.sandbox import server
from payouts.sandbox.settings import Settings
from payouts.stripe_test_mode import Losing, NotATestKey, StripeTestMode
from tests.database import ROOT
from tests.payouts.conftest import settings_for
from tests.payouts.sandbox.bench import CheckedHttp
from tests.payouts.sandbox.test_durability import started

STEPS = rehearsal_steps.step.found
ASSUMPTION = re.compile(r"^\| (A\d+) \|", re.MULTILINE)


class CheckedWire(Losing, CheckedHttp):
    """Loses answers, and refuses what Stripe's description does not know."""


class CheckedRail(StripeTestMode):
    """The rail of a rehearsal with every request and answer checked."""

    def losing(self):
        return CheckedWire(timeout=10)


@pytest.fixture
def scene(bench, tmp_path):
    rail = CheckedRail(settings_for(tmp_path, bench.url))
    began = datetime.now(UTC) - timedelta(minutes=5)
    return Scene(rail, SandboxPerson(bench.url), run="t", began=began, patience=1)


def walked(scene, *titles):
    """Walk the whole scenario, or only these steps."""
    chosen = [one for one in STEPS if not titles or one.title in titles]
    return list(rehearsal.walk(chosen, scene))


def verdicts(outcomes, verdict):
    return [(one.step.title, one.said) for one in outcomes if one.verdict is verdict]


def test_the_whole_scenario_holds_at_the_sandbox_as_stripe_describes_itself(scene):
    outcomes = walked(scene)

    assert verdicts(outcomes, Verdict.DIFFERS) == []
    assert verdicts(outcomes, Verdict.SKIPPED) == []
    assert rehearsal.summary(outcomes) == f"rehearsal: held ({len(STEPS)} steps, 0 skipped)"


def test_without_a_person_what_needs_one_is_skipped_and_the_rest_holds(scene):
    outcomes = walked(replace(scene, person=PatientPerson(0, print)))

    skipped = dict(verdicts(outcomes, Verdict.SKIPPED))
    assert verdicts(outcomes, Verdict.DIFFERS) == []
    assert "--wait" in skipped["a person pays the checkout"]
    assert "needs a person" in skipped["a payee gives their details and may receive money"]
    assert "an earlier step" in skipped["a transfer leaves, and once only when asked again"]
    assert rehearsal.summary(outcomes).endswith(f"{len(skipped)} skipped)")


def test_a_person_who_clicks_the_links_is_waited_for(scene, bench):
    def click(said):
        if pay := re.search(r"(cs_test_\w+)", said):
            bench.control(f"/checkout/{pay[1]}/pay")
        elif onboard := re.search(r"onboard (acct_\w+)", said):
            bench.control(f"/accounts/{onboard[1]}/onboard")
        else:
            bench.control("/clock/advance", days=1)

    class Quick(PatientPerson):
        pause = 0

    titles = [
        "a checkout opens",
        "a person pays the checkout",
        "a payee's account opens, once",
        "a payee gives their details and may receive money",
        "a refund that a bank is slow with is pending",
        "a refund that a bank will send back is succeeded at first",
        STEPS[-1].title,
    ]
    outcomes = walked(replace(scene, person=Quick(20, click)), *titles)

    assert rehearsal.summary(outcomes) == "rehearsal: held (7 steps, 0 skipped)"


def test_an_account_that_was_onboarded_before_is_used(scene, bench):
    payee = bench.account()

    titles = [
        "a payment by test card whose funds are there at once",
        "a payee gives their details and may receive money",
        "a transfer leaves, and once only when asked again",
    ]
    outcomes = walked(replace(scene, payee=payee, person=PatientPerson(0, print)), *titles)

    assert rehearsal.summary(outcomes) == "rehearsal: held (3 steps, 0 skipped)"
    assert bench.available(payee) == 2000


def test_it_waits_for_the_lines_of_payments_which_stripe_writes_a_moment_later(web, tmp_path):
    with server.running(Settings(tmp_path / "slow", capture_seconds=1)) as found:
        rail = CheckedRail(settings_for(tmp_path, found.url))
        began = datetime.now(UTC) - timedelta(minutes=5)
        scene = Scene(rail, SandboxPerson(found.url), run="t", began=began, patience=5)
        outcomes = walked(
            scene,
            "a payment by test card whose funds are there at once",
            "the fee stands in the balance line, in the charge's currency",
            "a payment by test card whose funds wait",
            "a saved card is charged while nobody is there, and found again",
            "the balance lines say what was moved, to the cent",
        )

    assert rehearsal.summary(outcomes) == "rehearsal: held (5 steps, 0 skipped)"


class Forgetful(CheckedRail):
    """A rail whose look-ups find nothing."""

    def find_sent(self, **_):
        return None


def test_what_differs_is_named_and_the_scenario_goes_on(scene, bench, tmp_path):
    lost = "a transfer whose answer was lost is found by its reference"
    lines = "the balance lines say what was moved, to the cent"
    titles = ["a payment by test card whose funds are there at once", lost, lines]
    scene.made["payee"] = bench.account()

    forgetful = Forgetful(settings_for(tmp_path, bench.url))
    outcomes = walked(replace(scene, rail=forgetful), *titles)

    assert [one.step.title for one in outcomes] == titles
    assert verdicts(outcomes, Verdict.DIFFERS) == [(lost, "it was sent and cannot be looked up")]
    assert rehearsal.summary(outcomes) == f"rehearsal: 1 of 3 steps differ: {lost}"


def test_another_answer_than_the_adapter_expects_is_a_difference_and_no_crash(scene, bench):
    bench.control("/faults", kind="500", method="POST", path="/v1/checkout", times=9)

    opens = "a checkout opens"
    wrong = dict(verdicts(walked(scene, opens), Verdict.DIFFERS))

    assert wrong[opens].startswith("OutcomeUnknown")


def test_when_nobody_answers_the_scenario_ends_at_once(scene, tmp_path):
    silent = StripeTestMode(settings_for(tmp_path, "http://127.0.0.1:9"))

    [only] = walked(replace(scene, rail=silent))

    assert only.verdict is Verdict.DIFFERS
    assert "OutcomeUnknown" in only.said


def environment(tmp_path, **changes):
    """An instance whose database is nowhere: whoever opens it fails."""
    return {
        **os.environ,
        "SECRET_KEY": "x" * 48,
        "SECURITY_PASSWORD_SALT": "123456789012345678901234567890",
        "DATABASE_URL": "postgresql+psycopg://nobody@127.0.0.1:9/nothing",
        "DATA_DIR": str(tmp_path / "var"),
        **changes,
    }


def rehearse(tmp_path, key, *options, **changes):
    command = [sys.executable, "app.py", "payouts", "rehearse", "--key-file", "-", *options]
    return subprocess.run(
        command,
        input=key,
        capture_output=True,
        text=True,
        timeout=120,
        cwd=ROOT,
        env=environment(tmp_path, **changes),
    )


def test_the_command_runs_it_at_a_real_sandbox_and_touches_no_database(tmp_path, web):
    with started(tmp_path / "sandbox", web, "--instant-settlement") as process:
        ended = rehearse(tmp_path, "sk_test_0123456789\n", STRIPE_API_BASE=process.bench.url)

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.splitlines()[-1] == f"rehearsal: held ({len(STEPS)} steps, 0 skipped)"
    assert "0123456789" not in ended.stdout + ended.stderr
    assert not (tmp_path / "var").exists()


@pytest.fixture
def named(monkeypatch, tmp_path):
    """Settings that name a place where nobody listens."""
    for name, value in environment(tmp_path, STRIPE_API_BASE="http://127.0.0.1:9").items():
        monkeypatch.setenv(name, value)
    return CliRunner()


@pytest.mark.parametrize("where", [[], ["--at-stripe"]])
@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("sk_live_0123456789", "This is a live key"),
        ("rk_live_0123456789", "This is a live key"),
        ("rk_test_0123456789", "begins with sk_test_"),
        ("pk_test_0123456789", "begins with sk_test_"),
        ("", "begins with sk_test_"),
    ],
)
def test_no_key_but_a_secret_test_key_is_taken(named, where, key, words):
    ended = named.invoke(group, ["payouts", "rehearse", "--key-file", "-", *where], input=key)

    assert ended.exit_code == 2
    assert words in ended.output
    assert "Nothing was sent" in ended.output
    assert "0123456789" not in ended.output


@pytest.mark.parametrize("key", ["sk_live_0123456789", "rk_test_0123456789"])
def test_the_adapter_of_a_rehearsal_does_not_even_begin_with_another_key(tmp_path, key):
    settings = settings_for(tmp_path, "http://127.0.0.1:9")

    with pytest.raises(NotATestKey):
        StripeTestMode(settings.model_copy(update={"stripe_api_key": SecretStr(key)}))


def test_a_place_that_is_no_sandbox_is_said(named, monkeypatch, receiver):
    ask = ["payouts", "rehearse", "--key-file", "-"]
    nobody = named.invoke(group, ask, input="sk_test_0123456789")
    monkeypatch.setenv("STRIPE_API_BASE", "")
    nowhere = named.invoke(group, ask, input="sk_test_0123456789")

    assert (nobody.exit_code, nowhere.exit_code) == (2, 2)
    assert "no sandbox of Doyen's answers" in nobody.output
    assert "--at-stripe" in nowhere.output
    with pytest.raises(NoSandbox):
        SandboxPerson(receiver.url)


def test_every_assumption_has_a_step_or_a_reason_why_not():
    known = ASSUMPTION.findall((ROOT / "payouts/sandbox/README.md").read_text())
    told = ASSUMPTION.findall((ROOT / "docs/money/stripe-test-key.md").read_text())
    stepped = {name for step in STEPS for name in step.assumes}

    assert known == [f"A{number}" for number in range(1, len(known) + 1)]
    assert told == known
    assert stepped <= set(known)
