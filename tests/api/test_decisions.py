"""One's own decisions by a personal token, and nobody else's."""

from typing import Any

from sqlalchemy import event
from sqlmodel import Session

from accounts.models import User
from annotation.models import State
from tests.factories.annotation import make_assignment, make_desk, second_member
from tests.factories.decisions import answer, changed, contest, decision_of


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


def test_a_list_says_what_is_in_force_with_one_query_of_appeals(
    session: Session, app: Any, of_person: Any
) -> None:
    desk = make_desk(session, tasks=3)
    made = [
        decision_of(
            session,
            make_assignment(session, desk.project, expert=desk.experts[0], state="rejected"),
        )
        for _ in range(3)
    ]
    answer(session, app, contest(session, made[0]), changed(), second_member(session, desk))
    ask = of_person(session.get_one(User, made[0].person_id))
    asked: list[str] = []
    connection: Any = session.get_bind()

    def note(_conn: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if "from appeal" in " ".join(statement.lower().split()):
            asked.append(statement)

    event.listen(connection, "before_cursor_execute", note)
    try:
        listed = ask("GET", "/decisions").json["data"]
    finally:
        event.remove(connection, "before_cursor_execute", note)

    assert {one["id"]: one["in_force"] for one in listed} == {
        one.id: one is not made[0] for one in made
    }
    assert len(asked) == 1
