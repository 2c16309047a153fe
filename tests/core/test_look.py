"""The look: every macro renders, is accessible in a real browser, and the tables are whole."""

import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask, render_template_string
from flask_babel import force_locale
from playwright.sync_api import Browser, Route

from core import charts, formats, icons, look, navigation, states
from core.money import Money
from tests.browser import SHOTS, BadPage, Window, served, window
from tests.core.look_app import make_app

ROOT = Path(__file__).parents[2]
AT = datetime(2026, 11, 24, 15, 20, tzinfo=UTC)


@pytest.fixture(scope="module")
def look_app() -> Flask:
    return make_app(BABEL_TRANSLATION_DIRECTORIES=str(ROOT / "translations"))


@pytest.fixture
def page(look_app: Flask) -> Iterator[None]:
    with look_app.test_request_context("/"):
        yield


@pytest.fixture(scope="module")
def home(look_app: Flask) -> Iterator[str]:
    with served(look_app) as url:
        yield url


@pytest.fixture
def eyes(chromium: Browser, home: str) -> Iterator[Window]:
    with window(chromium, home) as opened:
        yield opened


@pytest.fixture
def at_noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "now", lambda: AT)


@pytest.mark.browser
def test_every_part_is_accessible_at_every_width_in_both_themes(eyes: Window):
    eyes.open("/samples?as=expert,owner")
    eyes.look("samples")


@pytest.mark.browser
def test_every_part_is_accessible_in_french(chromium: Browser, home: str):
    with window(chromium, home, language="fr-FR") as opened:
        opened.open("/samples?as=expert")
        assert opened.page.evaluate("document.documentElement.lang") == "fr"
        opened.look("samples-fr")


@pytest.mark.browser
@pytest.mark.parametrize("path", ["/", "/about", "/accessibility", "/privacy", "/licence"])
def test_public_pages_are_accessible(eyes: Window, path: str):
    eyes.open(path)
    eyes.look(f"public-{path.strip('/') or 'landing'}")


@pytest.mark.browser
@pytest.mark.parametrize("status", [400, 403, 404, 409, 413, 422, 429])
def test_error_pages_are_accessible(eyes: Window, status: int):
    eyes.open(f"/failed/{status}?as=owner")
    eyes.look(f"error-{status}")


@pytest.mark.browser
def test_the_browser_fixture_notices_what_is_wrong(look_app: Flask, chromium: Browser):
    bad = Flask("bad")
    bad.add_url_rule(
        "/",
        view_func=lambda: (
            "<html><title>x</title><img src='http://127.0.0.2:1/x.png'><div style='width:2000px'>w"
        ),
    )
    with (
        served(bad) as url,
        pytest.raises(BadPage) as noticed,
        window(chromium, url) as opened,
    ):
        opened.open("/")

    words = str(noticed.value)
    assert "axe image-alt" in words
    assert "axe html-has-lang" in words
    assert "asks another host: http://127.0.0.2:1/x.png" in words
    assert "scrolls sideways" in words


@pytest.mark.browser
def test_the_theme_follows_the_system_until_a_person_chooses(chromium: Browser, home: str):
    with window(chromium, home) as opened:
        opened.picky = False
        opened.page.emulate_media(color_scheme="dark")
        opened.open("/work?as=expert")
        theme = "document.documentElement.dataset.bsTheme"
        assert opened.page.evaluate(theme) == "dark"
        # The server knows from the second page on, so that no page flashes white.
        assert 'data-bs-theme="dark"' in opened.page.request.get(opened.page.url).text()

        opened.press("Light or dark")

        assert opened.page.evaluate(theme) == "light"
        opened.open("/work?as=expert")
        assert opened.page.evaluate(theme) == "light"


@pytest.mark.browser
def test_a_form_is_sent_once_however_often_its_button_is_pressed(
    chromium: Browser, home: str, look_app: Flask
):
    with window(chromium, home) as opened:
        opened.picky = False
        opened.open("/samples")
        sent: list[str] = []

        def answer(route: Route) -> None:
            sent.append(route.request.url)
            route.fulfill(status=204)

        opened.page.route("**/y", answer)
        with opened.page.expect_request("**/y"):
            busy = opened.page.evaluate(
                """() => {
                    const button = document.querySelector('form[action="/y"] button');
                    button.click();
                    button.click();
                    return button.getAttribute("aria-busy");
                }"""
            )

        opened.page.wait_for_timeout(300)
        assert len(sent) == 1
        assert busy == "true"


@pytest.mark.browser
def test_the_menu_closes_on_escape_and_gives_the_focus_back(chromium: Browser, home: str):
    with window(chromium, home) as opened:
        opened.open("/work?as=expert,owner")
        opened.page.locator(".dy-menu > summary").click()
        assert opened.page.get_by_role("link", name="Our projects").is_visible()
        opened.check()

        opened.page.keyboard.press("Escape")

        assert not opened.page.get_by_role("link", name="Our projects").is_visible()
        assert opened.page.evaluate("document.activeElement.tagName") == "SUMMARY"


@pytest.mark.browser
def test_the_skip_link_comes_first_and_leads_to_the_content(chromium: Browser, home: str):
    with window(chromium, home) as opened:
        opened.picky = False
        opened.open("/work?as=expert")
        opened.page.keyboard.press("Tab")
        assert opened.page.evaluate("document.activeElement.className") == "dy-skip"

        opened.page.keyboard.press("Enter")

        assert opened.page.evaluate("document.activeElement.id") == "main"


@pytest.mark.browser
def test_code_is_copied_and_says_so(chromium: Browser, home: str):
    with window(chromium, home) as opened:
        opened.picky = False
        opened.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        opened.open("/samples")
        opened.page.get_by_role("button", name="Copy").click()
        opened.page.get_by_role("button", name="Copied").wait_for()
        assert "load_dataset" in opened.page.evaluate("navigator.clipboard.readText()")


@pytest.mark.browser
def test_the_summary_of_errors_takes_the_focus_and_leads_to_the_field(chromium: Browser, home: str):
    with window(chromium, home) as opened:
        opened.picky = False
        opened.open("/samples")
        assert opened.page.title().startswith("Error: ")
        assert opened.page.evaluate("document.activeElement.className") == "dy-errors"
        opened.page.get_by_role("link", name="Verdict: ").click()
        assert opened.page.evaluate("document.activeElement.id") in ("verdict-0", "")
        assert opened.page.url.endswith("#verdict-0")


def test_a_reason_block_with_a_part_missing_is_never_shown(page: None):
    with pytest.raises(ValueError, match="lacks a part"):
        render_template_string(
            "{% import '_parts.html' as p %}"
            "{{ p.reason_block('decided', 'why', '', 'who', 'would', 'contest') }}"
        )


def test_a_form_has_its_token_once_and_no_id_twice(look_app: Flask):
    html = look_app.test_client().get("/samples").text
    ids = re.findall(r'\sid="([^"]+)"', html)
    assert sorted(set(ids)) == sorted(ids)
    form = html[html.index('action="/x"') : html.index("</form>", html.index('action="/x"'))]
    assert form.count('name="csrf_token"') == 1


def test_an_unknown_state_is_an_error_and_not_a_key_on_a_page():
    with pytest.raises(states.NoSuchState, match="'assignment' in state 'lost'"):
        states.state_of("assignment", "lost")


def test_every_state_has_words_an_icon_and_a_tone(page: None):
    for kind in states.STATES.values():
        for shown in kind.values():
            assert str(shown.words)
            assert shown.tone in states.TONE_ICONS
            icons._drawing(shown.icon)


def test_every_icon_named_in_templates_is_in_the_cut_sprite(look_app: Flask):
    sprite: icons.Sprite = look_app.extensions["doyen.icons"]
    client = look_app.test_client()
    served_svg = client.get(sprite.url)
    assert served_svg.status_code == 200
    assert "immutable" in served_svg.headers["Cache-Control"]
    assert len(served_svg.data) < 60_000
    for name in icons._in_templates(ROOT / "templates") | icons._in_states():
        assert f'id="{name}"' in served_svg.text


def test_an_icon_that_is_only_known_at_the_last_moment_is_drawn_into_the_page(look_app: Flask):
    sprite: icons.Sprite = look_app.extensions["doyen.icons"]
    assert "yin-yang" not in sprite.names
    assert "<path" in sprite.show("yin-yang")
    with pytest.raises(icons.NoSuchIcon):
        sprite.show("no-such-icon")


def test_an_old_page_still_finds_icons(look_app: Flask):
    answer = look_app.test_client().get("/icons/0123456789ab.svg")
    assert answer.status_code == 200
    assert "immutable" not in answer.headers["Cache-Control"]


@pytest.mark.parametrize(
    ("minor", "currency", "english", "french"),
    [
        (123_450, "eur", "€1,234.50", "1\u202f234,50\xa0€"),
        (-17_600, "eur", "−€176.00", "−176,00\xa0€"),
        (0, "eur", "€0.00", "0,00\xa0€"),
        (1_500, "jpy", "¥1,500", "1\u202f500\xa0JPY"),
    ],
)
def test_money_is_written_as_people_write_it(page: None, minor, currency, english, french):
    for language, expected in (("en", english), ("fr", french)):
        with force_locale(language):
            assert formats.money(Money(minor, currency)) == expected


def test_rates_leave_out_cents_that_are_none(page: None):
    with force_locale("en"):
        assert formats.rate(Money(2_800, "eur")) == "€28/h"
        assert formats.rate(Money(2_760, "eur")) == "€27.60/h"
    with force_locale("fr"):
        assert formats.rate(Money(2_800, "eur")) == "28\xa0€/h"


@pytest.mark.parametrize(
    ("after", "english", "french", "tone"),
    [
        (
            timedelta(minutes=-1),
            "ended Tue 24 Nov, 15:19",
            "terminé mar. 24 nov., 15\xa0h\xa019",
            "off",
        ),
        (timedelta(minutes=12), "15:32, in 12 minutes", "15\xa0h\xa032, dans 12 minutes", "stop"),
        (
            timedelta(hours=2, minutes=10),
            "17:30 today, in 2 h 10 min",
            "17\xa0h\xa030 aujourd’hui, dans 2 h 10 min",
            "wait",
        ),
        (timedelta(hours=20), "11:20 tomorrow, in 20 h", "11\xa0h\xa020 demain, dans 20 h", "wait"),
        (timedelta(days=7), "by Tue 1 Dec, 15:20", "avant mar. 1er déc., 15\xa0h\xa020", ""),
        (
            timedelta(days=60),
            "by Sat 23 Jan 2027, 15:20",
            "avant sam. 23 janv. 2027, 15\xa0h\xa020",
            "",
        ),
    ],
)
def test_deadlines_say_the_clock_first(page: None, at_noon: None, after, english, french, tone):
    for language, expected in (("en", english), ("fr", french)):
        with force_locale(language):
            shown = formats.due(AT + after)
            assert (
                shown.words.replace("2\xa0h\xa010\xa0min", "2 h 10 min").replace("20\xa0h", "20 h")
                == expected
            )
            assert shown.tone == tone


def test_full_hours_lose_their_minutes_in_french(page: None):
    with force_locale("fr"):
        assert formats.clock(AT.replace(minute=0)) == "15\xa0h"


def test_a_chart_carries_no_style_script_or_id(page: None):
    plan = charts.Plan("c", "<&", "Week", ["a", "b"], [charts.Series("Paid", [1, 2])])
    for figure in (charts.bars(plan), charts.lines(plan)):
        for svg in (figure.wide, figure.narrow):
            assert not re.search(r"style=|<script|<style|\sid=|xlink|<desc|<title", svg)
            assert 'aria-label="&lt;&amp;"' in svg
            assert 'role="img"' in svg


@pytest.mark.parametrize("top", [0, 0.004, 0.5, 1, 3, 7, 12, 64, 199, 1000, 123_456])
def test_a_chart_has_at_most_six_round_steps_from_zero(top: float):
    ticks = charts._ticks(top)
    assert ticks[0] == 0
    assert ticks[-1] >= top
    assert 2 <= len(ticks) <= 6


def test_a_chart_with_five_series_is_refused():
    line = charts.Series("x", [1])
    with pytest.raises(ValueError, match="at most four"):
        charts.bars(charts.Plan("c", "a", "x", ["1"], [line] * 5))


def test_navigation_shows_the_area_where_a_person_is(look_app: Flask):
    client = look_app.test_client()
    at_work = client.get("/work?as=expert,owner").text
    at_projects = client.get("/projects?as=expert,owner").text
    assert 'href="/earnings"' in at_work
    assert 'href="/work" aria-current="page"' in at_work
    assert 'href="/earnings"' not in at_projects
    assert 'href="/projects" aria-current="page"' in at_projects


def test_navigation_counts_what_waits(look_app: Flask, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(
        look_app.extensions.setdefault("doyen.counts", {}), "/invitations", lambda _user: 3
    )
    html = look_app.test_client().get("/work?as=expert").text
    assert '<span class="dy-count">3<span class="visually-hidden"> waiting for you</span>' in html


def test_no_role_has_more_than_five_places():
    assert all(len(places) <= 5 for places in navigation.PLACES.values())


def test_the_landing_page_sends_people_who_signed_in_to_their_day(look_app: Flask):
    answer = look_app.test_client().get("/?as=expert")
    assert answer.status_code == 302
    assert answer.location == "/work"


def test_the_language_is_the_browsers_then_the_cookies_and_comes_back_to_the_page(look_app: Flask):
    client = look_app.test_client()
    assert '<html lang="fr"' in client.get("/", headers={"Accept-Language": "fr-CA"}).text
    assert '<html lang="en"' in client.get("/", headers={"Accept-Language": "de"}).text

    answer = client.get("/language/fr?next=/about")

    assert answer.location == "/about"
    assert '<html lang="fr"' in client.get("/about").text


@pytest.mark.parametrize(
    "wish", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"]
)
def test_no_switch_leads_to_another_site(look_app: Flask, wish: str):
    assert look_app.test_client().get("/language/fr", query_string={"next": wish}).location == "/"


def test_hashed_files_are_kept_and_others_asked_again(look_app: Flask):
    client = look_app.test_client()
    with look_app.test_request_context("/"):
        address = look.asset("doyen.css")
    with client.get(address) as kept, client.get("/static/doyen.css") as asked:
        assert "immutable" in kept.headers["Cache-Control"]
        assert "immutable" not in asked.headers["Cache-Control"]


@pytest.mark.browser
def test_a_page_prints_on_white_without_its_frame(chromium: Browser, home: str):
    with window(chromium, home) as opened:
        opened.picky = False
        opened.page.emulate_media(color_scheme="dark")
        opened.open("/samples?as=expert")
        assert opened.page.evaluate("document.documentElement.dataset.bsTheme") == "dark"

        opened.page.emulate_media(media="print", color_scheme="dark")

        body = "getComputedStyle(document.body)"
        assert opened.page.evaluate(f"{body}.backgroundColor") == "rgb(255, 255, 255)"
        assert opened.page.evaluate(f"{body}.color") == "rgb(0, 0, 0)"
        assert not opened.page.locator("header.dy-top").is_visible()
        assert opened.page.get_by_text("How to contest it").is_visible()
        if os.environ.get("LOOK"):
            opened.page.screenshot(path=SHOTS / "print.png", full_page=True)
