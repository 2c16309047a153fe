"""Who processes data for this instance, told from its live settings; no secret is ever shown."""

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from flask_babel import gettext as _

from core.settings import Settings

OWN_ENDINGS = (".local", ".internal", ".lan", ".localhost")


@dataclass(frozen=True)
class Processor:
    """Somebody who works on data: what for, which data, and where."""

    name: str
    purpose: str
    data: str
    where: str


def of(settings: Settings, *, asks_model: bool = False) -> list[Processor]:
    """Return the processors that the settings name, and those that the operator adds.

    `asks_model` says whether anything here asks the language model that the settings name.
    """
    return [
        _money(settings),
        _letters(settings),
        _labelling(settings),
        _llm(settings) if asks_model and settings.llm_base_url else _no_llm(),
        _storage(settings),
        *(_added(one) for one in settings.processors),
    ]


def place(url: str) -> str:
    """Say where an address is, without its user, password, port or path."""
    host = (urlsplit(url).hostname or "").lower()
    if _is_loopback(host):
        return str(_("on the machine of this instance"))
    if _is_own_network(host):
        return str(_("in the operator’s own network"))
    return str(_("at %(host)s", host=host))


def _money(settings: Settings) -> Processor:
    data = _(
        "Address, country, and what is sent to whom; identity and bank account, which"
        " experts give it on its own pages"
    )
    if settings.stripe_api_base:
        return Processor(
            str(_("Stripe sandbox")),
            str(_("A server of this instance that acts as Stripe. No real money moves.")),
            str(data),
            place(settings.stripe_api_base),
        )
    return Processor(
        "Stripe",
        str(_("Takes payments of owners and sends money to experts.")),
        str(data),
        str(_("at %(host)s", host="stripe.com")),
    )


def _letters(settings: Settings) -> Processor:
    url = settings.mail_url.get_secret_value()
    name, purpose = str(_("Mail server")), str(_("Delivers letters to you."))
    data = str(_("Your address and each letter"))
    if urlsplit(url).scheme in ("smtp", "smtps"):
        return Processor(name, purpose, data, place(url))
    nowhere = str(_("None: letters stay on the machine of this instance"))
    return Processor(name, purpose, data, nowhere)


def _labelling(settings: Settings) -> Processor:
    return Processor(
        "Label Studio",
        str(_("Keeps tasks, answers and verdicts for the work of labelling.")),
        str(
            _(
                "Tasks, answers and verdicts, under the pseudonyms of experts and reviewers;"
                " reviewers’ words only in its Enterprise edition"
            )
        ),
        place(settings.label_studio_url),
    )


def _llm(settings: Settings) -> Processor:
    return Processor(
        str(_("Language model %(name)s", name=settings.llm_model)),
        str(_("Asks and scores in interviews of those who choose it and agree.")),
        str(_("What they answer in such an interview, without name or address")),
        place(settings.llm_base_url),
    )


def _no_llm() -> Processor:
    return Processor(
        str(_("Language model")),
        str(_("None is in use. No word of yours goes to a language model.")),
        str(_("Nothing")),
        str(_("nowhere")),
    )


def _storage(settings: Settings) -> Processor:
    url = settings.database_url.get_secret_value() if settings.database_url else ""
    where = place(url) if url else str(_("on the machine of this instance"))
    return Processor(
        str(_("Database and files")),
        str(_("Keep everything that this instance holds.")),
        str(_("All of it; uploads and copies of data lie beside it as files")),
        where,
    )


def _added(said: dict[str, str]) -> Processor:
    return Processor(
        said.get("name", ""),
        said.get("purpose", ""),
        said.get("data", ""),
        said.get("country", ""),
    )


def _is_loopback(host: str) -> bool:
    if host in ("", "localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_own_network(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return "." not in host or host.endswith(OWN_ENDINGS)
