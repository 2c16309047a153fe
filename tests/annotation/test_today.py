"""The first page of an expert: the next step for each stage that a person may be at."""

from typing import Any

import pytest
from sqlmodel import Session

from interviews.models import State
from tests.factories.accounts import make_user
from tests.factories.experts import make_expert, make_skill
from tests.factories.interviews import answer_all, make_interview, unknown
from tests.factories.projects import make_invitation, make_project


def test_somebody_new_reads_what_comes_before_the_first_task(
    session: Session, sign_in: Any
) -> None:
    page = sign_in(make_user(session, "expert")).get("/today")

    assert "Two steps before the first task" in page.text
    assert "/profile" in page.text


@pytest.mark.parametrize("locale", ["en", "fr"])
def test_an_invitation_waits_with_its_pay(session: Session, sign_in: Any, locale: str) -> None:
    user = make_user(session, "expert", locale=locale)
    expert = make_expert(session, user)
    make_skill(session, expert)
    invitation = make_invitation(session, make_project(session, title="Leases"), expert)

    page = sign_in(user).get("/today")

    assert f"/invitations/{invitation.id}" in page.text
    assert "Leases" in page.text


def test_a_project_that_was_accepted_offers_its_next_task(session: Session, sign_in: Any) -> None:
    user = make_user(session, "expert")
    expert = make_expert(session, user)
    make_skill(session, expert)
    make_invitation(session, make_project(session, title="Leases"), expert, state="accepted")

    page = sign_in(user).get("/today")

    assert page.status_code == 200
    assert "/invitations/" not in page.text.split("<main", 1)[1].split("</main", 1)[0]


def test_owners_have_no_day_of_work(session: Session, sign_in: Any) -> None:
    assert sign_in(make_user(session, "owner")).get("/today").status_code == 403


def test_the_second_step_says_what_the_interview_waits_for(session: Session, sign_in: Any) -> None:
    user = make_user(session, "expert")
    begun = make_interview(session, user)
    session.commit()
    under_way = sign_in(user).get("/today").text
    answer_all(session, begun, unknown)
    session.commit()
    failed = sign_in(user).get("/today").text

    assert "is under way" in under_way
    assert f"/interviews/{begun.id}" in under_way
    assert "You can try again from" in failed
    assert f"/interviews/{begun.id}/result" in failed
    for page in (under_way, failed):
        assert "See what to expect" not in page


def test_an_interview_that_a_person_reads_is_said_to_be_so(session: Session, sign_in: Any) -> None:
    user = make_user(session, "expert")
    read = answer_all(session, make_interview(session, user), unknown)
    # What a decided row holds goes, as long as a person reads.
    read.state, read.decided_at, read.decided_rule = State.REVIEW, None, None
    read.decision_id = None
    session.commit()

    assert "A person reads your interview in" in sign_in(user).get("/today").text
