"""A project with a release, and a team that may read it."""

import pytest

from tests.factories.releases import build_release, make_grant, make_ml_team, make_work


@pytest.fixture
def desk(session):
    return make_work(session, tasks=6)


@pytest.fixture
def release(app, session, desk):
    return build_release(app, session, desk)


@pytest.fixture
def team(session, desk):
    user, organisation = make_ml_team(session, name="Ada")
    make_grant(session, desk, organisation)
    return user, organisation
