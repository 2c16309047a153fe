"""Answers that nobody's editor sends change nothing: no row is written, and the lease stays."""

import json
from typing import Any

import pytest
from sqlmodel import select

from accounts.models import User
from annotation.models import Annotation, Assignment, State
from core.clock import now
from tests.annotation.label_studio.cases import HOSTILE
from tests.factories.annotation import choice, claimed, make_desk

WRONG: dict[str, Any] = {
    **HOSTILE,
    "an unknown option": choice("HACK"),
    "a mark beyond the text": choice("grant", (4, 9999, "Party")),
    "a mark of other words": [
        *choice(),
        {**choice("grant", (4, 12, "Party"))[1], "id": "x"}
        | {"value": {"start": 4, "end": 12, "text": "licensee", "labels": ["Party"]}},
    ],
    "a place in a choice": [{**choice()[0], "value": {"choices": ["grant"], "x": 1}}],
    "an origin of its own": [{**choice()[0], "origin": "gold"}],
    "a note in markup": [{**choice()[0], "meta": {"html": "<script>"}}],
    "keys of all objects": [{**choice()[0], "__proto__": {"polluted": True}}],
    "the key of a task": [{**choice()[0], "completed_by": 1, "ground_truth": True}],
}


def test_a_hostile_answer_is_refused_and_changes_nothing(session, sign_in):
    desk = make_desk(session)
    lease = claimed(session, desk.project, desk.experts[0].user_id, at=now())
    session.commit()
    client = sign_in(session.get_one(User, desk.experts[0].user_id))

    for name, result in WRONG.items():
        sent = client.post(
            f"/work/{lease.id}/submit",
            data=json.dumps({"result": result}),
            content_type="application/json",
        )
        assert sent.status_code in (400, 422), name

    session.expire_all()
    assert session.get_one(Assignment, lease.id).state is State.ACTIVE
    assert session.exec(select(Annotation)).all() == []


@pytest.mark.parametrize(
    "body", ["[" * 5000 + "]" * 5000, '{"result": ', "NaN", '{"result": 1e999}']
)
def test_a_body_that_is_no_answer_is_refused(session, sign_in, body):
    desk = make_desk(session)
    lease = claimed(session, desk.project, desk.experts[0].user_id, at=now())
    session.commit()

    sent = sign_in(session.get_one(User, desk.experts[0].user_id)).post(
        f"/work/{lease.id}/submit", data=body, content_type="application/json"
    )

    assert sent.status_code in (400, 422)
    assert session.exec(select(Annotation)).all() == []
