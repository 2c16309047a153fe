"""The pages of releases in a real browser: usable by all, and alive while a build goes on."""

import pytest
from playwright.sync_api import expect

from accounts.models import User
from releases.models import Release
from tests.browser import Window
from tests.factories.annotation import make_task
from tests.factories.catalogue import make_request, make_series
from tests.factories.downloads import make_download
from tests.factories.noise import make_finding, make_report
from tests.factories.releases import make_grant, make_ml_team, make_release, make_work

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def signed_in(window: Window, live, user: User) -> Window:
    """Be a person in this window, without the sign-in pages."""
    cookie = live.client(user).get_cookie("doyen")
    assert cookie is not None
    window.page.context.add_cookies([{"name": "doyen", "value": cookie.value, "url": window.home}])
    return window


@pytest.mark.parametrize("locale", ["en", "fr"])
def test_an_owner_builds_watches_and_a_team_reads(live, browser_page, locale):
    with live.transaction() as session:
        desk = make_work(session, tasks=8)
        team, organisation = make_ml_team(session, locale=locale)
        make_grant(session, desk, organisation)
        report = make_report(session, desk, found=2)
        for number in range(2):
            make_finding(session, report, make_task(session, desk.project), score=number / 9)
        desk.owner.locale = locale
        session.add(desk.owner)
    in_french = locale == "fr"

    window = signed_in(browser_page, live, desk.owner)
    window.open(f"/projects/{desk.project_id}/releases")
    window.fill("Ce qui est nouveau" if in_french else "What is new", "First release.")
    window.press("Préparer la version" if in_french else "Build the release")
    waiting = "En préparation" if in_french else "Being built"
    expect(window.page.get_by_role("heading", name=waiting)).to_be_visible()

    live.run_jobs()

    # The page looks by itself and shows the release when it is there.
    version = window.page.get_by_role("link", name="1.0.0")
    expect(version).to_be_visible(timeout=10_000)
    window.check()
    version.click()
    window.check()
    window.look(f"release-{locale}")
    window.press("Lignes" if in_french else "Rows")
    window.look(f"release-rows-{locale}")
    window.open(f"/projects/{desk.project_id}/releases/new")
    window.fill("Ce qui est nouveau" if in_french else "What is new", "Second release.")
    window.page.locator("button[name=look]").click()
    expect(window.page.locator("#h-look")).to_be_visible()
    window.check()
    window.look(f"release-new-{locale}")

    window.open(f"/projects/{desk.project_id}/doubtful-labels")
    window.check()
    window.look(f"doubtful-labels-{locale}")

    window.page.context.clear_cookies()
    signed_in(window, live, team)
    window.open("/releases?q=licence")
    window.look(f"releases-{locale}")
    window.press(desk.project.title)
    with window.page.expect_download() as download:
        window.page.get_by_role("link", name="README.md").click()
    assert download.value.suggested_filename.endswith("-1.0.0-README.md")
    window.press("Créer des liens" if in_french else "Make links", exact=False)
    window.look(f"release-links-{locale}")


def test_pages_without_anything_are_usable_too(live, browser_page):
    with live.transaction() as session:
        team, _ = make_ml_team(session)
        desk = make_work(session, tasks=0)

    main = signed_in(browser_page, live, team).open("/releases").get_by_role("main")
    assert browser_page.answered == 200
    expect(main.get_by_role("heading", name="No release to read yet")).to_be_visible()
    browser_page.page.context.clear_cookies()
    signed_in(browser_page, live, desk.owner).open(f"/projects/{desk.project_id}/releases")
    assert browser_page.answered == 200
    expect(main.get_by_role("heading", name="No release yet", exact=True)).to_be_visible()
    expect(main.get_by_role("button", name="Build the release")).to_have_count(0)


@pytest.mark.parametrize("width", [390, 1280])
def test_names_without_a_space_push_nothing_out_of_sight(live, browser_page, width):
    with live.transaction() as session:
        desk = make_work(session, tasks=2, title="t" * 120)
        make_series(session, desk)
        release_id = make_release(session, desk).id
        _, organisation = make_ml_team(session)
        organisation.name = "n" * 120
        session.add(organisation)
        make_request(session, desk, organisation)
    live.run_jobs()
    with live.transaction() as session:
        release = session.get_one(Release, release_id)
        make_download(session, release, organisation_id=organisation.id)

    window = signed_in(browser_page, live, desk.owner)
    page = window.page
    of_project = f"/projects/{desk.project_id}/releases"
    for path in ("/releases", "/releases/requests", f"{of_project}/downloads", of_project):
        window.open(path)
        page.set_viewport_size({"width": width, "height": 800})
        main = page.get_by_role("main")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        # What a panel cuts off nobody can scroll to.
        cells = main.get_by_role("table").locator("[role=cell], [role=rowheader]").all()
        assert cells
        for cell in cells:
            box = cell.bounding_box()
            assert box["x"] + box["width"] <= width, (path, cell.inner_text())
