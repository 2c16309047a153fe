"""Every setting of an instance; this class is the only reader of the environment.

No code asks whether it runs "in production": it asks for the setting that it needs.
"""

import re
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Literal, Self

from flask import current_app
from pydantic import (
    Field,
    IPvAnyNetwork,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from core import periods
from core.money import EXPONENTS

MOST_MINOR = 10**15  # far above every amount that moves, and well within what the database holds


class Settings(BaseSettings):
    """The settings of one instance, read once at start and never changed."""

    model_config = SettingsConfigDict(
        env_file=".env", frozen=True, extra="ignore", hide_input_in_errors=True
    )

    # Secrets: long random strings of your own; `doyen secrets` prints a pair.
    secret_key: SecretStr
    security_password_salt: SecretStr

    # Where things are kept. Without a database address a PostgreSQL of our own runs in data_dir.
    data_dir: Path = Path("var")
    database_url: SecretStr | None = None
    database_pool_size: int = 5

    # Where releases are kept for good when not in data_dir: s3://bucket/folder or what else fsspec
    # knows, and its options as a JSON object, such as {"access_key": "…", "secret_key": "…",
    # "region": "…", "endpoint_override": "…"} for S3 (none: AWS's own ways to find a key).
    releases_url: str = ""
    releases_options: SecretStr = SecretStr("")
    # Where readers of releases reach that S3, when not as we do: https://s3.example. They are sent
    # there by addresses that work for minutes. "none": everything is sent through us.
    releases_readers_at: str = ""
    # How many hours a copy here stays that nobody uses, where releases are kept elsewhere.
    releases_copy_hours: int = Field(default=24, ge=1)
    # The Ed25519 key that signs the manifests of releases, as PEM or as 32 bytes in base64. Without
    # one, a key is made once and kept in data_dir; give one where several hosts share no data_dir.
    release_signing_key: SecretStr = SecretStr("")
    # What looks for names of persons in releases that ask for it, by language: pipelines of spaCy
    # that the operator has installed beside us, such as {"en": "en_core_web_sm"}. Without one for
    # the language of a project its names are not looked for, and the release says so.
    name_pipelines: dict[str, str] = {}
    # How many hours a signed link to the files of a release works, at most.
    release_link_hours: int = Field(default=24, ge=1, le=24 * 30)

    # How people reach this instance, with scheme and without a slash at the end.
    public_url: str = "http://127.0.0.1:8000"
    cookie_secure: bool = False
    # Other names that requests may carry as their host; links in letters are made from it.
    trusted_hosts: tuple[str, ...] = ("127.0.0.1", "localhost")
    trusted_proxies: int = 0

    # Letters: smtp://user:password@host:port, smtps://..., file: (kept as files in data_dir)
    # or console:. The open page shows every letter to everybody: for demos only.
    mail_url: SecretStr = SecretStr("file:")
    mail_from: str = "Doyen <doyen@localhost>"
    letters_page_open: bool = False

    # Languages: the first one is used when a person has not chosen.
    languages: tuple[str, ...] = ("en", "fr")

    # Stripe, or our sandbox when stripe_api_base names it.
    stripe_api_key: SecretStr = SecretStr("sk_test_sandbox")
    stripe_api_base: str = ""
    stripe_webhook_secret: SecretStr = SecretStr("")
    stripe_connect_webhook_secret: SecretStr = SecretStr("")
    # How owners may pay, in Stripe's words; empty means whatever its dashboard has switched on.
    stripe_payment_methods: tuple[str, ...] = ()

    # Money: the platform's fee in hundredths of a percent of the price of a task.
    platform_fee_bps: int = Field(default=1500, ge=0, le=10_000)
    # Above these amounts, in minor units by currency, a second person agrees before money leaves:
    # of one payout, and of all payouts of one run. A currency that is not named has no limit.
    payout_limits: dict[str, int] = {}
    payout_run_limits: dict[str, int] = {}

    # How many days before a budget runs out, at its pace of late, its owners get a letter.
    budget_warning_days: tuple[int, ...] = (3, 1)

    # Who issues invoices and receipts, as they stand on the papers, and a note below the amounts by
    # country of the buyer ("*": all others), such as why no VAT is charged. Nothing is computed.
    invoice_issuer_name: str = "Doyen"
    invoice_issuer_address: str = ""
    invoice_issuer_vat_number: str = ""
    invoice_notes: dict[str, str] = {}
    # The least pay by the hour that is thought fair, by country: a JSON object such as
    # {"FR": [1202, "eur"]}, in the smallest coin. Below it experts and owners are warned. It counts
    # until an operator writes a floor for the country on their page.
    pay_floors: dict[str, tuple[int, str]] = {}
    # Tax details of experts (docs/money/tax.md). They are asked for once this much, in whole units
    # of a currency, was credited in a year (0: from the first amount; a currency not named: never),
    # then come two reminders, and payouts wait from the last day on: EU law (DAC7) says two
    # reminders and not before 60 days. Whether people outside the United States state that they
    # are (W-8), and from which US dollars in a year on a 1099-NEC is due, by year.
    tax_details_from: dict[str, int] = {
        "eur": 600,
        "usd": 600,
        "gbp": 600,
        "chf": 600,
        "cad": 600,
        "jpy": 90_000,
    }
    tax_reminder_days: tuple[int, int] = (20, 40)
    tax_hold_days: int = Field(default=60, ge=60)
    tax_asks_w8: bool = False
    tax_1099_from: dict[int, int] = {2020: 600, 2026: 2000}

    # Fair hiring: categories under this share of people may be left out of impact ratios, and stay
    # in the tables. Whether everybody may read the summary of the last twelve months, and from how
    # many people on a category is shown there.
    fair_hiring_small_share: float = Field(default=0.02, ge=0, lt=1)
    fair_hiring_public: bool = False
    fair_hiring_public_at_least: int = Field(default=10, ge=0)

    # From how many finished interviews of a field on its items are calibrated.
    calibration_interviews: int = Field(default=200, ge=20)
    # Where people write to about the interview system; the card says so. None: only appeals.
    interview_contact: str = ""

    # A language model behind an OpenAI-compatible address, and its name. What runs by it is said
    # to people before it runs, and only with their consent.
    llm_base_url: str = ""
    llm_model: str = ""
    llm_api_key: SecretStr = SecretStr("")
    # A second model, which judges beside the first; at the same address where none is given.
    llm_second_base_url: str = ""
    llm_second_model: str = ""
    llm_second_api_key: SecretStr = SecretStr("")
    # The model at the first address that turns speech into words; without one there is no voice.
    llm_transcribe_model: str = ""
    # How long an answer is waited for, in seconds, and in which form it is asked for: by a JSON
    # schema, as any JSON, or in words only, for endpoints that know no more.
    llm_timeout: float = Field(default=60, gt=0)
    llm_form: Literal["json_schema", "json_object", "words"] = "json_schema"
    # What a million tokens cost, into the model and out of it, in smallest units of a currency,
    # fractions allowed (7.5); what may be spent in a month (0: no limit), in smallest units; tokens
    # that one interview may take. Where a limit is reached, interviews go on without the model.
    llm_price_in: Decimal = Field(default=Decimal(0), ge=0)
    llm_price_out: Decimal = Field(default=Decimal(0), ge=0)
    llm_currency: str = "eur"
    llm_month_limit: int = Field(default=0, ge=0)
    llm_interview_tokens: int = Field(default=60_000, ge=1_000)
    # Tokens that predictions of tasks, which owners ask of the model, may take for each time that
    # they ask; 0 lets no owner ask.
    llm_prediction_tokens: int = Field(default=200_000, ge=0)
    # What judges of answers in words must reach on the frozen set before they are used: quadratic
    # kappa and distance of the mean from people, in so many answers in all and in each field.
    judge_kappa: float = Field(default=0.6, ge=0, le=1)
    judge_bias: float = Field(default=0.1, ge=0, le=1)
    judge_answers: int = Field(default=30, ge=1)
    judge_answers_per_field: int = Field(default=6, ge=1)

    # Label Studio: a private address, and a token of its service user.
    label_studio_url: str = "http://127.0.0.1:8080"
    label_studio_token: SecretStr = SecretStr("")
    # Where Label Studio reaches this instance, ending in /webhooks/label-studio, for hints that an
    # answer was changed there (empty: it is looked at by the clock alone); and where owners' own
    # browsers reach Label Studio, for those whom an operator lets in (empty: nobody).
    label_studio_hook_url: str = ""
    label_studio_web_url: str = ""

    # Media files of projects (docs/media.md): how large one may be, in megabytes, by what it is;
    # how much an organisation may keep in all; and for how many minutes a link to one works after
    # the page that shows it was last open.
    media_most_mb: dict[str, int] = {
        "image": 50,
        "audio": 500,
        "video": 2000,
        "document": 100,
        "text": 50,
    }
    media_quota_mb: int = Field(default=20_000, ge=0)
    media_link_minutes: int = Field(default=15, ge=2, le=120)

    # Within how many days an appeal is answered, by kind of decision; 14 where nothing is said.
    appeal_days: dict[str, int] = {}

    # Privacy: days that a copy of somebody's data can be fetched, days in which an erasure can be
    # undone, days that things are kept by rule (0: for good; see docs/privacy.md), and what the
    # page of processors says beside what it knows: a JSON list of objects with name, purpose,
    # data, country.
    export_days: int = Field(default=7, ge=1)
    erasure_wait_days: int = Field(default=7, ge=0)
    retention_days: dict[str, int] = {}
    processors: tuple[dict[str, str], ...] = ()

    # Webhooks go to public addresses by https only. Networks of yours where they may also go, by
    # http too: for development, or for receivers inside your own walls.
    webhook_private_networks: tuple[IPvAnyNetwork, ...] = ()

    # Label Studio's ML backends, whose addresses owners give: public ones by https only. Networks
    # of yours where they may also be, by http too, at any port.
    ml_private_networks: tuple[IPvAnyNetwork, ...] = ()

    # How long a person stays signed in without a visit, and how long a sign-in counts as recent,
    # for money, tokens and the protection of the account itself.
    session_lifetime: timedelta = timedelta(days=14)
    recent_sign_in: timedelta = timedelta(minutes=15)

    # How often something may be tried: counted in the database, or in Redis where an address
    # (redis://...) is given. The numbers by name, where they differ from accounts/attempts.py.
    rate_limit_url: SecretStr = SecretStr("")
    rate_limits: dict[str, str] = {}

    # A service that knows breached passwords by the first five digits of their SHA-1 (ends in /).
    breached_passwords_url: str = ""

    @field_validator("pay_floors")
    @classmethod
    def _floors(cls, given: dict[str, tuple[int, str]]) -> dict[str, tuple[int, str]]:
        for country, (minor, currency) in given.items():
            if not re.fullmatch("[A-Z]{2}", country):
                raise ValueError("countries are two capital letters, such as FR")
            if minor <= 0 or currency not in EXPONENTS:
                raise ValueError("a floor is above zero, in a currency that is handled here")
        return given

    @field_validator("tax_details_from")
    @classmethod
    def _known_currencies(cls, given: dict[str, int]) -> dict[str, int]:
        if unknown := sorted(set(given) - set(EXPONENTS)):
            raise ValueError(f"amounts in {', '.join(unknown)} are not handled here")
        if any(amount < 0 for amount in given.values()):
            raise ValueError("give amounts of 0 and above")
        return given

    @model_validator(mode="after")
    def _dates_in_order(self) -> Self:
        first, second = self.tax_reminder_days
        if not 0 < first < second < self.tax_hold_days:
            raise ValueError("TAX_REMINDER_DAYS: two days in order, both before TAX_HOLD_DAYS")
        return self

    @field_validator("payout_limits", "payout_run_limits")
    @classmethod
    def _amounts(cls, given: dict[str, int]) -> dict[str, int]:
        if any(not 0 <= minor <= MOST_MINOR for minor in given.values()):
            raise ValueError(f"a limit lies between 0 and {MOST_MINOR}")
        limits = {code.lower(): minor for code, minor in given.items()}
        if unknown := sorted(set(limits) - set(EXPONENTS)):  # a slip here would be no limit at all
            raise ValueError(f"amounts in {', '.join(unknown)} are not handled here")
        return limits

    @field_validator("retention_days")
    @classmethod
    def _long_enough(cls, given: dict[str, int]) -> dict[str, int]:
        return periods.checked(given)


class BadSettings(Exception):
    """The environment lacks settings or holds wrong ones; each is named."""


def load() -> Settings:
    """Read the settings, or raise `BadSettings` that names all that is missing or wrong."""
    try:
        return Settings()  # type: ignore[call-arg]  # the environment has the rest
    except ValidationError as problem:
        lines = [
            f"  {'_'.join(map(str, error['loc'])).upper()}: {error['msg']}"
            for error in problem.errors(include_input=False, include_context=False)
        ]
        raise BadSettings(
            "These settings need your attention (see .env.example):\n" + "\n".join(lines)
        ) from None


def current_settings() -> Settings:
    """Return the settings of the running app."""
    settings: Settings = current_app.extensions["doyen.settings"]
    return settings


def shown(settings: Settings) -> list[tuple[str, str]]:
    """Return every setting as an operator may see it: of a secret only whether it is set."""
    return [(name.upper(), _shown(getattr(settings, name))) for name in Settings.model_fields]


def _shown(value: object) -> str:
    if isinstance(value, SecretStr):
        return "set" if value.get_secret_value() else "not set"
    return "not set" if value in (None, "") else str(value)
