"""What happens is told to those who chose it, and only to them; with nothing about people."""

import json
from typing import Any

import pytest
from flask import Flask
from sqlmodel import Session, select

from accounts import health, webhook_events, webhooks
from accounts.models import Organisation, WebhookMessage, WebhookPause
from accounts.webhooks import By
from core.clock import now
from projects import lifecycle
from releases import grants
from releases.models import Visibility
from tests.factories.accounts import make_owner
from tests.factories.catalogue import make_series
from tests.factories.releases import build_release, make_grant, make_ml_team, make_work
from tests.factories.webhooks import make_delivery, make_endpoint


def told(session: Session) -> list[tuple[int, str, Any]]:
    found = session.exec(select(WebhookMessage).order_by(WebhookMessage.id))  # type: ignore[arg-type]
    return [(one.organisation_id, one.type, json.loads(one.body)["data"]) for one in found]


def listening(session: Session, organisation: Organisation) -> None:
    make_endpoint(session, organisation, events=list(webhook_events.EVENTS))


def test_a_release_is_told_to_its_owner_and_to_each_reader(app: Flask, session: Session) -> None:
    desk = make_work(session, tasks=6)
    _, team = make_ml_team(session)
    _, stranger = make_ml_team(session)
    make_grant(session, desk, team)
    for organisation in (desk.organisation, team, stranger):
        listening(session, organisation)

    release = build_release(app, session, desk)

    published = [one for one in told(session) if one[1] == "release.published"]
    assert [one[0] for one in published] == [desk.organisation.id, team.id]
    data = published[0][2]
    assert (data["release_id"], data["version"]) == (release.id, "1.0.0")
    assert (data["revision"], data["commit"]) == ("v1.0.0", release.commit)
    assert set(data) == set(webhook_events.EVENTS["release.published"].example)


def test_a_release_that_is_open_is_told_to_all_who_listen(app: Flask, session: Session) -> None:
    desk = make_work(session, tasks=2)
    make_series(session, desk, visibility=Visibility.OPEN)
    _, anybody = make_ml_team(session)
    listening(session, anybody)

    build_release(app, session, desk)

    assert (anybody.id, "release.published") in [one[:2] for one in told(session)]


def test_readers_hear_when_they_are_let_in_and_when_that_ends(session: Session) -> None:
    desk = make_work(session, tasks=1)
    _, team = make_ml_team(session)
    listening(session, team)

    grants.grant(session, desk.project, team.slug, by=desk.owner, at=now())
    grants.take_back(session, desk.project, team.id, by=desk.owner, reason="Over.")

    data = {"project_id": desk.project_id}
    assert told(session) == [
        (team.id, "release.access_granted", data),
        (team.id, "release.access_ended", data),
    ]


def test_a_project_tells_its_turns(session: Session) -> None:
    desk = make_work(session, tasks=1)
    listening(session, desk.organisation)

    lifecycle.pause(session, desk.project, by=desk.owner, at=now())
    lifecycle.resume(session, desk.project, by=desk.owner, at=now())

    assert [one[1] for one in told(session)] == ["project.paused", "project.opened"]


@pytest.mark.parametrize("name", webhook_events.EVENTS)
def test_examples_hold_nothing_about_people(name: str) -> None:
    said = json.dumps(webhook_events.EVENTS[name].example)

    assert not any(word in said for word in ("expert", "user", "email", "pseudonym"))


def test_the_operator_sees_what_waits_and_who_does_not_answer(session: Session) -> None:
    endpoint = make_endpoint(session, make_owner(session)[1])

    [fine] = health.webhooks(session)
    make_delivery(session, endpoint).next_at = now() - health.STUCK_AFTER * 2
    session.flush()
    [late] = health.webhooks(session)
    webhooks.pause_by_itself(session, endpoint, WebhookPause.FAILING, at=now())
    session.flush()
    [paused] = health.webhooks(session)
    webhooks.resume(session, endpoint, by=By(None), at=now())

    assert [one.tone for one in (fine, late, paused)] == ["ok", "stop", "wait"]
    assert "1 message waits" in paused.words
