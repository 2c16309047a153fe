"""Settings: read once, all that is missing named at once, no secret ever printed."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from core import settings
from core.settings import BadSettings
from tests.conftest import make_settings

SECRET = "a-very-secret-value-0123456789"


def test_all_that_is_missing_or_wrong_is_named_and_no_value_is_shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("SECRET_KEY", "SECURITY_PASSWORD_SALT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PLATFORM_FEE_BPS", SECRET)

    with pytest.raises(BadSettings) as refusal:
        settings.load()

    words = str(refusal.value)
    assert "SECRET_KEY" in words
    assert "SECURITY_PASSWORD_SALT" in words
    assert "PLATFORM_FEE_BPS" in words
    assert SECRET not in words


def test_settings_do_not_change_and_do_not_tell_their_secrets(tmp_path: Path) -> None:
    made = make_settings(tmp_path, stripe_api_key=SECRET)

    with pytest.raises(ValidationError, match="frozen"):
        made.public_url = "http://elsewhere"  # type: ignore[misc]
    assert SECRET not in repr(made)
    assert SECRET not in str(made.model_dump())
    assert dict(settings.shown(made))["STRIPE_API_KEY"] == "set"
    assert dict(settings.shown(made))["DATABASE_URL"] == "not set"
