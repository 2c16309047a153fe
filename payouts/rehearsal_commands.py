"""`doyen payouts rehearse`: our real adapter through one scenario, at our sandbox or at Stripe.

The one rule: it opens no app and so no database. What it makes stays at Stripe's test mode.
"""

import logging
import secrets
import sys
from datetime import timedelta
from typing import TextIO

import click
from pydantic import SecretStr

from core.clock import now
from core.commands import WithoutApp, settings_or_exit
from core.money import EXPONENTS
from core.settings import Settings
from payouts import rehearsal, rehearsal_steps
from payouts.rehearsal import Outcome, Person, Scene
from payouts.rehearsal_people import NoSandbox, PatientPerson, SandboxPerson
from payouts.stripe_test_mode import NotATestKey, StripeTestMode

LIVE = ("sk_live_", "rk_live_")
SETTLED = timedelta(minutes=5)  # clocks differ


@click.command("rehearse", cls=WithoutApp)
@click.option("--at-stripe", is_flag=True, help="At Stripe itself, not at a sandbox of ours.")
@click.option(
    "--key-file",
    type=click.File(),
    help="A file with the secret test key, `-` for standard input. Without it you are asked.",
)
@click.option(
    "--currency",
    type=click.Choice(sorted(EXPONENTS)),
    default="eur",
    show_default=True,
    help="The currency that your projects are paid in.",
)
@click.option("--country", default="FR", show_default=True, help="Where the payee lives.")
@click.option("--payee", default="", help="An account (acct_…) that is onboarded already.")
@click.option("--wait", default=0, help="Seconds to wait for a person to click a hosted page.")
@click.option("--verbose", is_flag=True, help="Log each question to Stripe.")
def rehearse(
    key_file: TextIO | None,
    currency: str,
    country: str,
    payee: str,
    wait: int,
    **switches: bool,
) -> None:
    """Walk the real Stripe adapter through one scenario with a test key; touch no database.

    Without --at-stripe it runs at the sandbox that STRIPE_API_BASE names. Live keys are refused.
    It ends with 0 when all held, 1 when something differs, 2 when it could not begin.
    """
    at_stripe = switches["at_stripe"]
    for chatty in ("stripe", "httpx"):
        logging.getLogger(chatty).setLevel(logging.INFO if switches["verbose"] else logging.WARNING)
    settings = settings_or_exit()
    rail = _rail(settings, _key(key_file), at_stripe=at_stripe)
    person = _person(rail, "" if at_stripe else settings.stripe_api_base, wait)
    scene = Scene(
        rail,
        person,
        run=secrets.token_hex(4),
        began=now() - SETTLED,
        currency=currency,
        country=country,
        payee=payee,
    )
    where = "Stripe's test mode" if at_stripe else f"the sandbox at {settings.stripe_api_base}"
    click.echo(f"A rehearsal at {where}. What it makes bears the reference rehearsal:{scene.run}.")
    outcomes = []
    for outcome in rehearsal.walk(rehearsal_steps.step.found, scene):
        click.echo(_line(outcome))
        outcomes.append(outcome)
    click.echo(rehearsal.summary(outcomes))
    sys.exit(1 if rehearsal.differs(outcomes) else 0)


def _key(file: TextIO | None) -> str:
    typed = file.read() if file else click.prompt("Secret test key (sk_test_…)", hide_input=True)
    key = str(typed).strip()
    if key.startswith(LIVE):
        raise click.UsageError(
            "This is a live key. A rehearsal moves money about, so it takes a test key only."
            " Nothing was sent."
        )
    return key


def _rail(settings: Settings, key: str, *, at_stripe: bool) -> StripeTestMode:
    if not at_stripe and not settings.stripe_api_base:
        raise click.UsageError(
            "STRIPE_API_BASE names no sandbox. Set it, or say --at-stripe to use Stripe itself."
        )
    base = "" if at_stripe else settings.stripe_api_base
    changes = {"stripe_api_key": SecretStr(key), "stripe_api_base": base}
    try:
        return StripeTestMode(settings.model_copy(update=changes))
    except NotATestKey as refusal:
        raise click.UsageError(
            "A rehearsal takes a secret test key, which begins with sk_test_. Accounts v2 knows"
            " no restricted keys. Nothing was sent."
        ) from refusal


def _person(rail: StripeTestMode, base: str, wait: int) -> Person:
    if not base:
        return PatientPerson(wait, click.echo)
    try:
        return SandboxPerson(base)
    except NoSandbox as refusal:
        raise click.UsageError(
            f"At {base} no sandbox of Doyen's answers: python -m payouts.sandbox --help"
        ) from refusal


def _line(outcome: Outcome) -> str:
    names = f" [{', '.join(outcome.step.assumes)}]" if outcome.step.assumes else ""
    return f"{outcome.verdict:<17} {outcome.step.title}{names}: {outcome.said}"
