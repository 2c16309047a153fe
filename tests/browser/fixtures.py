"""The browser's fixtures; tests/conftest.py takes them in."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.browser import Window, launch, served, window


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One Chromium for this worker."""
    yield from launch()


@pytest.fixture
def live_url(live: Any) -> Iterator[str]:
    """The address of a server with the live app and its committed database."""
    with served(live.app) as url:
        yield url


@pytest.fixture
def browser_page(chromium: Browser, live_url: str) -> Iterator[Window]:
    """A window on the live app."""
    with window(chromium, live_url) as opened:
        yield opened
