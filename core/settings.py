"""Every setting of an instance; this class is the only reader of the environment.

No code asks whether it runs "in production": it asks for the setting that it needs.
"""

from datetime import timedelta
from pathlib import Path

from flask import current_app
from pydantic import Field, IPvAnyNetwork, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from core import periods


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

    # Fair hiring: categories under this share of people may be left out of impact ratios, and stay
    # in the tables. Whether everybody may read the summary of the last twelve months, and from how
    # many people on a category is shown there.
    fair_hiring_small_share: float = Field(default=0.02, ge=0, lt=1)
    fair_hiring_public: bool = False
    fair_hiring_public_at_least: int = Field(default=10, ge=0)

    # A language model behind an OpenAI-compatible address, and its name. What runs by it is said
    # to people before it runs, and only with their consent.
    llm_base_url: str = ""
    llm_model: str = ""

    # Label Studio: a private address, and a token of its service user.
    label_studio_url: str = "http://127.0.0.1:8080"
    label_studio_token: SecretStr = SecretStr("")

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
