"""Templates of fields and own banks in a real Chromium: usable by all, at a double click too."""

import pytest
from sqlmodel import select

from experts.fields import Field
from interviews import templates
from interviews.bank_models import BankDraft
from tests.factories.accounts import make_user
from tests.factories.annotation import make_desk
from tests.factories.templates import make_own_bank
from tests.interviews.test_browser import signed_in

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
ADAPTIVE = True


def test_a_template_is_written_and_an_own_bank_taken_out_of_use(live, browser_page):
    with live.transaction() as session:
        operator = make_user(session, "operator", locale="fr")
        desk = make_desk(session, experts=0)
        bank_id = make_own_bank(session, desk).id
        owner, project_id = desk.owner, desk.project_id
        session.flush()
        session.expunge_all()

    window = signed_in(browser_page, live, operator)
    window.open("/operator/interviews/templates/law")
    window.page.select_option("[name=w_ip]", "3")
    window.press("Montrer ce que cela signifie")
    window.look("field-template")
    window.page.get_by_role("button", name="Demander cela désormais").dblclick()
    window.page.get_by_text("version 1, depuis").wait_for()
    window.open("/operator/interviews/templates")
    assert "version 1" in window.page.content()

    window = signed_in(window, live, owner)
    window.open(f"/projects/{project_id}/interview")
    window.page.get_by_role("link", name="Ask from our own bank").click()
    window.press("Show what it means")
    window.press("Ask this from now on")
    window.open(f"/item-banks/{bank_id}/withdraw")
    window.page.fill("#words", "Its answers have leaked.")
    window.press("Take this bank out of use")
    window.look("bank-withdraw")
    window.open(f"/projects/{project_id}/interview")
    window.look("project-own-bank-away")

    with live.transaction() as session:
        assert templates.of_field(session, Field.LAW).version == 1
        draft = session.exec(select(BankDraft).where(BankDraft.id == bank_id)).one()
        assert draft.organisation_id is not None
