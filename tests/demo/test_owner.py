"""What the demo's owner does still finds its forms on the pages."""

import httpx

from demo import owner
from demo.visitor import Visitor
from releases import grants
from tests.factories.releases import make_ml_team, make_work


def test_the_demos_owner_lets_a_team_read(app, session, sign_in):
    desk = make_work(session, tasks=1)
    _, team = make_ml_team(session)
    session.commit()
    visitor = Visitor("http://localhost")
    visitor.client = httpx.Client(
        transport=httpx.WSGITransport(app),
        base_url="http://localhost",
        follow_redirects=True,
    )
    signed_in = sign_in(desk.owner).get_cookie("doyen").value
    visitor.client.cookies.set("doyen", signed_in, domain="localhost.local")

    for _ in range(2):
        owner.let_read(visitor, desk.project_id, [team.slug])

    assert [one.id for _, one in grants.readers(session, desk.project_id)] == [team.id]
    visitor.close()
