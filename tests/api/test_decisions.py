"""One's own decisions by a personal token, and nobody else's."""

from typing import Any

from sqlmodel import Session

from accounts.models import User
from annotation.models import State
from tests.factories.annotation import make_assignment, make_desk
from tests.factories.decisions import decision_of


def test_a_person_reads_their_own_decisions_with_all_reasons(
    session: Session, of_person: Any
) -> None:
    desk = make_desk(session, experts=2, tasks=2)
    mine, other = (
        decision_of(
            session, make_assignment(session, desk.project, expert=one, state=State.REJECTED)
        )
        for one in desk.experts[:2]
    )
    ask = of_person(session.get_one(User, mine.person_id))

    [listed] = ask("GET", "/decisions").json["data"]
    whole = ask("GET", f"/decisions/{mine.id}").json

    assert listed["id"] == whole["id"] == mine.id
    assert (listed["adverse"], listed["kind"]) == (True, "work_rejected")
    assert whole["reason"]
    assert whole["evidence"]
    assert whole["would_change"]
    assert ask("GET", f"/decisions/{other.id}").status_code == 404
    assert ask("GET", "/decisions/99999999999999999999").status_code == 404
