"""The ways in which an interview can be taken, and which of them this instance has.

Only what really runs is offered: a language model needs settings, and an interviewer that uses it.
"""

from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import Flask, current_app
from flask_babel import lazy_gettext as _l

from core.settings import Settings
from interviews.models import Mode

NAMES = {
    Mode.STRUCTURED: _l("Structured, without a language model"),
    Mode.PERSON: _l("With a person who decides"),
    Mode.LLM: _l("With the language model"),
}


@dataclass(frozen=True)
class Model:
    """The language model that the settings name, and whether interviews use it."""

    name: str
    host: str
    leads: bool


def register_interviewer(app: Flask) -> None:
    """Say that an app has an interviewer which asks by the language model of the settings."""
    app.extensions["doyen.llm_interviewer"] = True


def model_of(settings: Settings) -> Model | None:
    """Return the language model of the running app; None where the settings name none."""
    if not (settings.llm_base_url and settings.llm_model):
        return None
    return Model(
        name=settings.llm_model,
        host=urlsplit(settings.llm_base_url).hostname or settings.llm_base_url,
        leads=bool(current_app.extensions.get("doyen.llm_interviewer")),
    )


def offered(model: Model | None) -> list[Mode]:
    """Return the ways to choose from."""
    ways = [Mode.STRUCTURED, Mode.PERSON]
    return [*ways, Mode.LLM] if model and model.leads else ways
