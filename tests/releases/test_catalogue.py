"""The catalogue: what is listed is found and asked for, what is private leaves no trace."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlmodel import select

from core.clock import now
from core.models import AuditEvent, Letter
from releases import catalogue, downloads, grants, requests, shown, statistics, summaries
from releases.catalogue import Filters
from releases.catalogue_models import ReleaseRequest, ReleaseSummary, RequestState
from releases.delivery_models import Way
from releases.downloads import Reader
from releases.grants import Terms
from releases.models import ReleaseGrant, ReleaseSeries, Visibility
from tests.factories.accounts import make_owner, make_user
from tests.factories.catalogue import make_request, make_series
from tests.factories.releases import build_release, make_ml_team
from tests.factories.tokens import make_token

ASKED = {"use": "training", "purpose": "A model that finds clauses.", "accept": "y"}


@pytest.fixture
def listed(session, desk, release):
    make_series(session, desk)
    session.commit()
    return release


@pytest.fixture
def outsider(session):
    found = make_ml_team(session, name="Grace")
    session.commit()
    return found


def names(session, ids, **filters):
    found = session.execute(catalogue.query(ids, Filters(**filters), at=now())).all()
    return [release.title for release, *_rest in found]


def test_a_private_dataset_leaves_no_trace(session, desk, release, outsider, sign_in):
    user, organisation = outsider
    client = sign_in(user)

    page = client.get("/releases").text
    assert release.title not in page
    assert "No release to read yet" in page
    assert catalogue.languages(session, [organisation.id]) == []
    assert client.get(f"/releases/datasets/{desk.project_id}").status_code == 404
    sent = ASKED | {"organisation_id": organisation.id}
    answer = client.post(f"/releases/datasets/{desk.project_id}/requests", data=sent)
    assert answer.status_code == 404
    assert session.exec(select(ReleaseRequest)).all() == []


def test_a_listed_dataset_is_found_and_its_rows_are_not(session, listed, outsider, desk, sign_in):
    client = sign_in(outsider[0])

    page = client.get("/releases").text
    assert listed.title in page
    assert "On request" in page
    told = client.get(f"/releases/datasets/{desk.project_id}").text
    for words in ("Clauses of licences, by lawyers.", "CC BY 4.0", "warranty", "strong in the"):
        assert words in told, words
    assert "you must keep this notice" not in told
    for part in ("", "/rows", "/statistics", "/changes", "/rows/train/1"):
        assert client.get(f"/releases/{listed.id}{part}").status_code == 404


def test_whoever_is_in_no_organisation_finds_nothing(session, listed, sign_in):
    assert names(session, []) == []
    assert sign_in(make_user(session, "expert")).get("/releases").status_code == 403


def test_an_open_dataset_is_read_by_every_organisation_and_by_nobody_else(
    session, desk, listed, outsider, sign_in
):
    make_series(session, desk, visibility=Visibility.OPEN)
    session.commit()
    user, organisation = outsider

    assert sign_in(user).get(f"/releases/{listed.id}/rows").status_code == 200
    assert session.exec(grants.readable([organisation.id])).one().id == listed.id
    assert session.exec(grants.readable([])).all() == []
    assert grants.reading_for(session, listed, {organisation.id}) == organisation.id
    assert sign_in(make_user(session, "expert")).get(f"/releases/{listed.id}").status_code == 403


@pytest.mark.parametrize(
    ("filters", "is_found"),
    [
        ({"words": "WARRANTY"}, True),
        ({"words": "Clauses lawyers"}, True),
        ({"words": "droit"}, True),
        ({"words": "arrant"}, True),  # part of a word
        ({"words": "LICÊNCES by"}, True),  # of the description
        ({"words": "by la"}, True),  # too short for the index
        ({"words": "by zz"}, False),
        ({"words": "warranty elsewhere"}, False),
        ({"words": "%"}, False),
        ({"field": "law"}, True),
        ({"field": "medicine"}, False),
        ({"language": "en"}, True),
        ({"licence": "cc-by-4.0"}, True),
        ({"licence": "cc0-1.0"}, False),
        ({"task": "text-classification"}, True),
        ({"task": "other"}, False),
        ({"format": "csv"}, True),
        ({"format": "coco"}, False),
        ({"size": "s"}, True),
        ({"size": "xl"}, False),
        ({"age": "30"}, True),
        ({"mine": "1"}, False),
    ],
)
def test_filters_and_words_narrow(session, listed, outsider, filters, is_found):
    assert bool(names(session, [outsider[1].id], **filters)) is is_found


def test_each_order_and_a_filter_that_is_none_show_a_page(listed, outsider, sign_in):
    client = sign_in(outsider[0])

    for order in (*catalogue.ORDERS, "' or 1=1"):
        assert listed.title in client.get("/releases", query_string={"order": order}).text
    odd = {"size": "x", "age": "-1", "q": "\\", "field": "<b>"}
    assert client.get("/releases", query_string=odd).status_code == 200


def test_languages_are_named_and_not_coded(listed, outsider, sign_in):
    team = sign_in(outsider[0])

    found = team.get("/releases").text, team.get(f"/releases/datasets/{listed.project_id}").text

    assert '<option value="en">English</option>' in found[0]
    assert "English" in found[1]


def test_a_team_asks_the_owner_lets_it_in_and_tokens_read_at_once(
    session, desk, listed, outsider, sign_in
):
    user, organisation = outsider
    client, owner = sign_in(user), sign_in(desk.owner)
    _, token = make_token(session, user)
    session.commit()
    bearer = {"Authorization": f"Bearer {token}"}
    sent = ASKED | {"organisation_id": organisation.id}

    for _ in range(2):
        client.post(f"/releases/datasets/{desk.project_id}/requests", data=sent)
    request = session.exec(select(ReleaseRequest)).one()
    assert (
        "A model that finds clauses."
        in owner.get(f"/projects/{desk.project_id}/releases/readers").text
    )
    assert client.get(f"/api/v1/releases/{listed.id}", headers=bearer).status_code == 404
    for _ in range(2):
        owner.post(f"/releases/requests/{request.id}/grant", data={})

    session.expire_all()
    assert request.state is RequestState.GRANTED
    assert client.get(f"/api/v1/releases/{listed.id}", headers=bearer).status_code == 200
    back = {f"e{organisation.id}-reason": "The project is over."}
    owner.post(f"/projects/{desk.project_id}/readers/{organisation.id}/remove", data=back)
    session.expire_all()
    assert client.get(f"/api/v1/releases/{listed.id}", headers=bearer).status_code == 404
    assert (request.state, request.reason) == (RequestState.ENDED, "The project is over.")
    page = client.get(f"/releases/datasets/{desk.project_id}").text
    assert "The project is over." in page
    assert "You may ask again" in page
    templates = [one.template for one in session.exec(select(Letter).order_by(Letter.id))]
    assert [one for one in templates if "access" in one] == [
        "releases/access_asked",
        "releases/access_granted",
        "releases/access_ended",
    ]
    actions = set(session.exec(select(AuditEvent.action)))
    assert {"release.access_asked", "release.access_given", "release.grant_ended"} <= actions


def test_a_request_without_purpose_or_licence_is_shown_again(desk, listed, outsider, sign_in):
    user, organisation = outsider
    address = f"/releases/datasets/{desk.project_id}/requests"
    sent = {"organisation_id": organisation.id, "use": "training", "purpose": "  "}

    answer = sign_in(user).post(address, data=sent)

    assert answer.status_code == 422
    assert "Say in a few sentences" in answer.text
    assert "Without accepting the licence" in answer.text


def test_nobody_asks_in_the_name_of_another_organisation(session, desk, listed, outsider, sign_in):
    _, organisation = make_ml_team(session)
    session.commit()
    sent = ASKED | {"organisation_id": organisation.id}

    answer = sign_in(outsider[0]).post(f"/releases/datasets/{desk.project_id}/requests", data=sent)

    assert answer.status_code == 422
    assert session.exec(select(ReleaseRequest)).all() == []


def test_a_refusal_needs_a_reason_and_the_team_reads_it(session, desk, listed, outsider, sign_in):
    user, organisation = outsider
    request = make_request(session, desk, organisation, asked_by=user.id)
    session.commit()
    owner, address = sign_in(desk.owner), f"/releases/requests/{request.id}/refuse"

    assert owner.post(address, data={f"n{request.id}-reason": " "}).status_code == 422
    assert owner.post(address, data={f"n{request.id}-reason": "Not for ads."}).status_code == 302

    session.expire_all()
    assert request.state is RequestState.REFUSED
    assert "Not for ads." in sign_in(user).get(f"/releases/datasets/{desk.project_id}").text
    letter = session.exec(select(Letter).where(Letter.user_id == user.id)).all()[-1]
    assert "Not for ads." in letter.body
    # The second owner is too late, and the first one's second click changes nothing.
    late = owner.post(f"/releases/requests/{request.id}/grant", data={})
    assert late.status_code == 409
    assert session.exec(select(ReleaseGrant)).all() == []


def test_a_request_is_withdrawn_by_its_team_alone(session, desk, listed, outsider, sign_in):
    user, organisation = outsider
    request = make_request(session, desk, organisation, asked_by=user.id)
    stranger, _ = make_ml_team(session)
    session.commit()
    address = f"/releases/requests/{request.id}/withdraw"

    assert sign_in(stranger).post(address).status_code == 404
    for _ in range(2):
        assert sign_in(user).post(address).status_code == 302

    session.expire_all()
    assert request.state is RequestState.WITHDRAWN


def test_the_queue_is_the_owners_own_and_whole_to_an_operator(
    session, desk, listed, outsider, sign_in
):
    make_request(session, desk, outsider[1], asked_by=outsider[0].id)
    stranger, _ = make_owner(session)
    operator = make_user(session, "operator")
    session.commit()
    name = outsider[1].name

    assert name in sign_in(desk.owner).get("/releases/requests").text
    assert name in sign_in(operator).get("/releases/requests").text
    assert name not in sign_in(stranger).get("/releases/requests").text
    assert sign_in(outsider[0]).get("/releases/requests").status_code == 403
    health = sign_in(operator).get("/operator").text
    assert "1 waits for its owner." in health
    assert health.count('href="/releases/requests"') == 2


def test_some_versions_until_a_day_are_all_that_is_read(app, session, desk, release, team, sign_in):
    second = build_release(app, session, desk)
    user, organisation = team
    terms = Terms(now() + timedelta(days=1), ("1.0.0",))
    grants.let_in(session, desk.project, organisation.id, terms, by=desk.owner, at=now())
    session.commit()
    client = sign_in(user)

    assert client.get(f"/releases/{release.id}").status_code == 200
    assert "1.0.1" not in client.get(f"/releases/{release.id}").text
    assert client.get(f"/releases/{second.id}").status_code == 404
    assert session.exec(grants.readable([organisation.id])).one().id == release.id
    assert "1.0.1" not in client.get("/releases").text
    past = Terms(now() - timedelta(minutes=1), None)
    grants.let_in(session, desk.project, organisation.id, past, by=desk.owner, at=now())
    session.commit()
    assert client.get(f"/releases/{release.id}").status_code == 404
    assert requests.end_expired(session, at=now()) == 1
    assert requests.end_expired(session, at=now()) == 0
    assert session.exec(select(ReleaseGrant)).all() == []


def test_terms_that_cannot_be_are_refused(session, desk, release, outsider, sign_in):
    client, address = sign_in(desk.owner), f"/projects/{desk.project_id}/readers"
    slug = outsider[1].slug

    for wrong in ({"until": "2020-01-01"}, {"until": "soon"}, {"versions": "9.9.9"}):
        assert client.post(address, data={"slug": slug} | wrong).status_code == 422
    assert session.exec(select(ReleaseGrant)).all() == []


def test_the_database_refuses_a_refusal_without_reason_and_a_changed_answer(session, desk):
    _, organisation = make_ml_team(session)
    values = {"state": "refused", "answered_by": desk.owner.id, "answered_at": now()}

    with pytest.raises(DBAPIError, match="reason_given"), session.begin_nested():
        make_request(session, desk, organisation, **values)
    made = make_request(session, desk, organisation, **values, reason="No.")
    with pytest.raises(DBAPIError, match="never changed"), session.begin_nested():
        session.execute(
            text("UPDATE release_request SET state = 'granted' WHERE id = :id"), {"id": made.id}
        )


def test_a_whole_load_is_counted_once_however_many_parts_it_came_in(session, desk, release, team):
    organisation = team[1]
    reader = Reader(organisation.id, Way.API)
    own = Reader(desk.organisation.id, Way.API)
    files = [one for one in release.facts["files"] if one["path"].startswith("data/")]

    def usage():
        return downloads.usage(session, [desk.project_id]).get(desk.project_id, downloads.UNUSED)

    def load(path, size, sent, who=reader):
        downloads.note(session, release, path, who, sent=sent, at=now(), size=size)

    for one in files:
        load(one["path"], one["size"], range(one["size"]), own)
    assert usage() == downloads.UNUSED
    for one in files[1:]:
        load(one["path"], one["size"], range(one["size"]))
    half = files[0]["size"] // 2
    load(files[0]["path"], files[0]["size"], range(half))
    assert usage() == downloads.UNUSED
    load(files[0]["path"], files[0]["size"], range(half, files[0]["size"]))
    assert usage() == downloads.Usage(1, 1)
    load("README.md", 10, range(10))
    assert usage() == downloads.Usage(1, 1)


def test_the_log_is_the_owners_and_each_teams_own(session, desk, release, team, outsider, sign_in):
    path = release.facts["files"][0]["path"]
    sign_in(team[0]).get(f"/releases/{release.id}/files/{path}", buffered=True)
    team[1].name = "=cmd()"
    session.add(team[1])
    session.commit()
    address = f"/projects/{desk.project_id}/releases/downloads"

    assert path in sign_in(desk.owner).get(address).text
    table = sign_in(desk.owner).get(f"{address}.csv").text.splitlines()
    assert table[0].startswith("organisation,dataset,version,file")
    assert table[1].startswith("'=cmd(),")
    assert path in sign_in(team[0]).get("/releases/downloads").text
    assert path not in sign_in(outsider[0]).get("/releases/downloads").text
    assert path not in sign_in(outsider[0]).get("/releases/downloads.csv").text
    assert sign_in(outsider[0]).get(address).status_code == 403


def test_columns_are_counted_once_and_shown_with_histograms(session, desk, release, sign_in):
    counted = statistics.of(session, release)
    page = sign_in(desk.owner).get(f"/releases/{release.id}/statistics")

    by_name = {one["name"]: one for one in counted["columns"]}
    weight = by_name["weight"]
    assert (weight["min"], weight["max"], weight["mean"], weight["missing"]) == (0, 5, 2.5, 0)
    assert (weight["distinct"], sum(weight["histogram"]["counts"])) == (6, 6)
    assert by_name["label"]["top"][0] == ["grant", 2]
    assert by_name["text"]["measure"] == "characters"
    assert sum(sum(one.values()) for one in counted["labels"].values()) == 6
    assert "dy-hist" in page.text
    assert "Labels by split" in page.text


def test_what_models_had_a_part_in_is_told_from_the_columns(app, session, release):
    counted = statistics.of(session, release)
    column = next(one for one in counted["columns"] if one["name"] == "started_from")

    def told(*top):
        column["top"] = [list(one) for one in top]
        return {str(one[0]): one[1] for one in shown.origin(release, counted)}["Machine help"]

    with app.test_request_context():
        assert told(("blank", 6)) == "None: people gave every label"
        helped = told(("blank", 4), ("changed", 1), ("unchanged", 1))
        assert helped == "2 of 6 rows began with the prediction of a model"
        assert "started_from" in told()


def test_a_row_is_shown_in_whole_as_text(session, desk, release, sign_in):
    client = sign_in(desk.owner)
    [split, *_rest] = list(release.facts["splits"])

    page = client.get(f"/releases/{release.id}/rows/{split}/1")
    assert "you must keep this notice" in page.text
    for wrong in ("train/0", f"{split}/501", "no/1", "..%2f..%2fx/1"):
        assert client.get(f"/releases/{release.id}/rows/{wrong}").status_code in (308, 404)


def test_what_was_published_before_there_was_a_catalogue_is_listed_by_the_sweep(
    session, desk, listed, outsider, jobs, app
):
    session.execute(text("DELETE FROM release_summary"))
    session.commit()
    assert names(session, [outsider[1].id]) == []

    from releases.jobs import count_columns

    count_columns()

    session.expire_all()
    summary = session.exec(select(ReleaseSummary)).one()
    assert (summary.release_id, summary.runs) == (listed.id, summaries.runs(summary.words))
    assert names(session, [outsider[1].id]) == [listed.title]
    series = session.get_one(ReleaseSeries, listed.project_id)
    requests.set_visibility(session, series, series.visibility, "Élégant.", by=desk.owner)
    assert names(session, [outsider[1].id], words="elegan") == [listed.title]
    assert names(session, [outsider[1].id], words="lawyers") == []
