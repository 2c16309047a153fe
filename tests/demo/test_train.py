"""A release, read over the API, teaches a model more than guessing does."""

import httpx
import pytest
from click.testing import CliRunner

from annotation.models import State
from demo import annotators, licences, train
from tests.factories.annotation import make_assignment, make_desk, make_task
from tests.factories.releases import build_release, make_work
from tests.factories.tokens import make_token


def client_of(app, session, user, organisation):
    _, secret = make_token(session, user, organisation, days=1)
    session.commit()
    return httpx.Client(
        transport=httpx.WSGITransport(app),
        base_url="http://localhost",
        headers={"Authorization": f"Bearer {secret}"},
    )


def test_a_model_learns_from_the_demos_release(app, session):
    desk = make_desk(session, experts=2, tasks=0, funds=1_000_000)
    for task in licences.passages(limit=210):
        row = make_task(
            session,
            desk.project,
            external_id=task["id"],
            group_key=task["group"],
            data=task["data"],
        )
        for expert in desk.experts:
            make_assignment(
                session,
                desk.project,
                expert=expert,
                task=row,
                state=State.ACCEPTED,
                result=annotators.annotate(task["data"]["text"], expert.pseudonym, skill=0.95),
            )
    build_release(app, session, desk)

    with client_of(app, session, desk.owner, desk.organisation) as client:
        result = train.train(client)

    assert result["version"] == "1.0.0"
    assert result["trained_on"] > 100
    assert result["tested_on"] >= 10
    assert result["accuracy"] > result["by_always_saying_the_most_frequent"] + 0.1


def test_one_label_teaches_nothing_and_says_so(app, session):
    desk = make_work(session, tasks=1)
    release = build_release(app, session, desk)

    client = client_of(app, session, desk.owner, desk.organisation)
    with client, pytest.raises(train.CannotLearn, match="rows to learn from"):
        train.train(client, release.id)


def test_without_a_release_it_says_so(app, session):
    desk = make_desk(session)

    client = client_of(app, session, desk.owner, desk.organisation)
    with client, pytest.raises(train.CannotLearn, match="may read no release"):
        train.train(client)


def test_the_command_asks_for_a_token(monkeypatch):
    monkeypatch.delenv("DOYEN_TOKEN", raising=False)

    result = CliRunner().invoke(train.main, ["http://localhost:1"])

    assert result.exit_code == 1
    assert "DOYEN_TOKEN" in result.output
