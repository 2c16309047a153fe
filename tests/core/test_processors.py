"""The page of processors tells the truth of the live settings, and no secret."""

from pathlib import Path
from typing import Any

from flask import Flask
from pydantic import SecretStr

from core import processors
from tests.clients import CheckedClient
from tests.conftest import make_settings


def test_everybody_reads_who_processes_data(client: CheckedClient) -> None:
    page = client.get("/privacy/processors").text

    assert "Stripe" in page
    assert "None is in use" in page
    assert "Who processes data" in client.get("/privacy").text


def test_no_secret_of_an_address_is_shown(app: Flask, tmp_path: Path) -> None:
    settings = make_settings(
        tmp_path,
        mail_url=SecretStr("smtps://letters:hunter2@mail.example.org:465"),
        database_url=SecretStr("postgresql://doyen:hunter2@10.0.0.5:5432/doyen"),
        label_studio_url="http://admin:hunter2@127.0.0.1:8080",
        stripe_api_base="http://127.0.0.1:12111",
        processors=({"name": "Hosting Ltd", "country": "France"},),
    )

    with app.test_request_context():
        told = processors.of(settings)

    shown = " ".join(" ".join(vars_of(one)) for one in told)
    assert "hunter2" not in shown
    assert "letters:" not in shown
    assert [one.where for one in told] == [
        "on the machine of this instance",
        "at mail.example.org",
        "on the machine of this instance",
        "nowhere",
        "in the operator’s own network",
        "France",
    ]
    assert told[0].name == "Stripe sandbox"


def test_without_a_sandbox_it_is_stripe(app: Flask, tmp_path: Path) -> None:
    with app.test_request_context():
        assert processors.of(make_settings(tmp_path))[0].where == "at stripe.com"


def test_a_language_model_is_told_of_once_something_asks_it(app: Flask, tmp_path: Path) -> None:
    settings = make_settings(
        tmp_path, llm_base_url="https://key:hunter2@llm.example.org/v1", llm_model="mistral-small"
    )

    with app.test_request_context():
        unused = processors.of(settings)
        used = processors.of(settings, asks_model=True)

    assert "None is in use" in " ".join(one.purpose for one in unused)
    [told] = [one for one in used if "mistral-small" in one.name]
    assert told.where == "at llm.example.org"


def vars_of(one: Any) -> list[str]:
    return [one.name, one.purpose, one.data, one.where]
