"""The owner's pages: drafts saved step by step, publication, who may see what."""

import re

import pytest
from sqlmodel import select

from accounts.models import User
from core.clock import now
from projects import config, guidelines, home
from projects.config import Kind
from projects.models import Answer, Invitation, Project, State
from tests.factories.accounts import make_member, make_owner, make_user
from tests.factories.experts import make_expert, make_skill
from tests.factories.projects import make_invitation, make_project

BRIEF = {
    "once": "key-1",
    "title": "Licence clauses",
    "field": "law",
    "language": "en",
    "currency": "eur",
    "brief": "Say what a passage does.",
    "guidelines": "1. Choose one.",
}
PAY = {
    "price": "4,20",
    "usual_minutes": "9",
    "overlap": "2",
    "validation": "agreement",
    "lease_minutes": "120",
    "review_days": "7",
}
CRITERIA = {
    "experts_needed": "3",
    "level": "60",
    "min_years": "0",
    "language_1": "en",
    "language_2": "",
    "country_1": "",
    "country_2": "",
    "country_3": "",
}
LABELS = {"template": "clauses", "choices": "grant\npatent\n", "spans": "Party"}


@pytest.fixture
def owner(session):
    return make_owner(session)


@pytest.fixture
def client(owner, sign_in):
    return sign_in(owner[0])


def only_project(session):
    session.expire_all()
    return session.exec(select(Project)).one()


def test_an_owner_without_projects_is_told_what_one_is(client):
    page = client.get("/projects")

    assert "No project yet" in page.text
    assert "/projects/new" in page.text


def test_the_first_step_makes_one_draft_however_often_it_is_pressed(session, client, owner):
    first = client.post("/projects/new", data=BRIEF)
    second = client.post("/projects/new", data=BRIEF)

    project = only_project(session)
    assert first.location == second.location == f"/projects/{project.id}/labels"
    assert project.organisation_id == owner[1].id
    assert project.languages == ["en"]
    assert project.fee_bps == 1500


def test_going_back_and_changing_the_first_step_changes_the_draft(session, client):
    first = client.post("/projects/new", data=BRIEF)

    again = client.post("/projects/new", data=BRIEF | {"title": "Clauses of leases"})

    assert again.location == first.location
    assert only_project(session).title == "Clauses of leases"


def test_going_back_changes_nothing_that_was_published(session, client, owner):
    client.post("/projects/new", data=BRIEF)
    project = only_project(session)
    project.state, project.published_at, project.price_minor = State.OPEN, now(), 420
    session.flush()

    client.post("/projects/new", data=BRIEF | {"title": "Clauses of leases"})

    assert only_project(session).title == "Licence clauses"


def test_signs_that_no_text_may_hold_are_left_out(session, client):
    client.post("/projects/new", data=BRIEF | {"title": "Licence\0 clauses", "on\0ce": "x"})

    assert only_project(session).title == "Licence clauses"


def test_a_step_is_done_when_nothing_is_missing_in_it(session, client):
    client.post("/projects/new", data=BRIEF)

    page = client.get(f"/projects/{only_project(session).id}/publish").text

    steps = re.findall(r"<li([^>]*)>([^<]+)", page[page.index('class="dy-steps"') :])[:4]
    assert [name for marks, name in steps if "is-done" in marks] == ["Brief", "Experts"]


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ("\n".join(map(str, range(201))), "200 lines at most"),
        ("x" * 201 + "\ny", "200 characters at most on a line"),
        ("same\nsame", "only once"),
    ],
)
def test_lists_of_a_template_are_held_to_what_an_editor_can_show(
    session, client, owner, choices, words
):
    project = make_project(session, owner[1], label_config="")
    seen = _seen(client.get(f"/projects/{project.id}/labels").text)

    response = client.post(
        f"/projects/{project.id}/labels", data=LABELS | {"choices": choices, "seen": seen}
    )

    assert response.status_code == 422
    assert words in response.text


def test_unseen_signs_do_not_come_along_from_word(session, client, owner):
    project = make_project(session, owner[1], label_config="")
    seen = _seen(client.get(f"/projects/{project.id}/labels").text)

    client.post(
        f"/projects/{project.id}/labels",
        data=LABELS | {"choices": "gr\x1fant\x0b\npatent\u200b", "seen": seen},
    )

    wanted = config.build(Kind.CLAUSES, ["grant", "patent"], ["Party"])
    assert only_project(session).label_config == wanted


def test_another_template_keeps_what_was_typed_and_saves_nothing(session, client, owner):
    project = make_project(session, owner[1], label_config="")
    where = f"/projects/{project.id}/labels"

    page = client.post(where, data=LABELS | {"choices": "lease\nloan", "wish": "choice"})
    own = client.post(
        where, data={"template": "choice", "choices": "lease\nloan", "spans": "", "wish": "own"}
    )

    assert page.status_code == 200
    assert "lease\nloan" in page.text.replace("\r\n", "\n")
    assert "&lt;Choice value=&#34;lease&#34;/&gt;" in own.text
    assert only_project(session).label_config == ""


def test_a_draft_is_written_step_by_step(session, client):
    client.post("/projects/new", data=BRIEF)
    where = f"/projects/{only_project(session).id}"

    for step, data, following in [
        ("labels", LABELS, "pay"),
        ("pay", PAY, "criteria"),
        ("criteria", CRITERIA, "publish"),
    ]:
        seen = _seen(client.get(f"{where}/{step}").text)
        response = client.post(f"{where}/{step}", data={**data, "seen": seen})
        assert response.location == f"{where}/{following}"

    project = only_project(session)
    assert project.label_config == config.build(Kind.CLAUSES, ["grant", "patent"], ["Party"])
    assert (project.price_minor, project.usual_minutes) == (420, 9)
    assert (project.experts_needed, project.min_level, project.languages) == (3, 0.6, ["en"])
    page = client.get(f"{where}/publish").text
    assert "Import the tasks." in page
    assert "€4.20 for each accepted task" in page
    assert "€28/h" in page


def test_save_and_leave_goes_home(session, client, owner):
    project = make_project(session, owner[1])
    where = f"/projects/{project.id}"
    seen = _seen(client.get(f"{where}/pay").text)

    response = client.post(f"{where}/pay", data={**PAY, "seen": seen, "then": "leave"})

    assert response.location == where


@pytest.mark.parametrize(
    ("step", "change", "words", "kept"),
    [
        ("brief", {**BRIEF, "title": " "}, "Write a title.", "Say what a passage does."),
        ("labels", {**LABELS, "choices": "one"}, "Write at least 2", "one"),
        ("labels", {**LABELS, "choices": "a\nb\na"}, "Write “a” only once", "a\nb"),
        ("labels", {"template": "own", "config": "<View"}, "not well-formed", "&lt;View"),
        ("pay", {**PAY, "qualification_tasks": "3"}, "Write both", 'value="3"'),
        ("pay", {**PAY, "qualification": "1.50"}, "Write both", 'value="1.50"'),
        (
            "pay",
            {**PAY, "qualification_tasks": "21", "qualification": "1"},
            "from 0 to 20",
            'value="21"',
        ),
        ("pay", {**PAY, "review": "1,000"}, "such as 4.20", 'value="1,000"'),
        ("pay", {**PAY, "price": "four"}, "such as 4.20", 'value="four"'),
        ("pay", {**PAY, "price": "4.205"}, "such as 4.20", 'value="4.205"'),
        ("pay", {**PAY, "price": "-1"}, "such as 4.20", 'value="-1"'),
        ("pay", {**PAY, "price": "1,000"}, "such as 4.20", 'value="1,000"'),
        ("pay", {**PAY, "price": "0"}, "above zero", 'value="0"'),
        ("pay", {**PAY, "price": "NaN"}, "such as 4.20", 'value="NaN"'),
        ("pay", {**PAY, "price": "10000.01"}, "up to €10,000.00", 'value="10000.01"'),
        ("pay", {**PAY, "overlap": "0"}, "from 1 to 20", 'value="0"'),
        ("pay", {**PAY, "validation": "whim"}, "Not a valid choice", "4,20"),
        ("criteria", {**CRITERIA, "experts_needed": ""}, "Write a whole number.", ""),
        ("criteria", {**CRITERIA, "language_1": "xx"}, "Not a valid choice", ""),
    ],
)
def test_errors_stand_beside_fields_and_nothing_is_lost(
    session, client, owner, step, change, words, kept
):
    project = make_project(session, owner[1])
    before = project.model_dump()

    page = client.post(f"/projects/{project.id}/{step}", data=change)

    assert page.status_code == 422
    assert "<title>Error:" in page.text
    assert words in page.text
    assert kept in page.text
    session.expire_all()
    assert session.get(Project, project.id).model_dump() == before


def test_what_a_colleague_saved_meanwhile_is_not_overwritten_unseen(session, owner, sign_in):
    project = make_project(session, owner[1])
    colleague = sign_in(make_member(session, owner[1]))
    where = f"/projects/{project.id}/pay"
    seen = _seen(sign_in(owner[0]).get(where).text)
    colleague.post(where, data={**PAY, "price": "5.00", "seen": seen})

    page = sign_in(owner[0]).post(where, data={**PAY, "price": "6.00", "seen": seen})

    assert page.status_code == 409
    assert "saved this step in the meantime" in page.text
    assert 'value="6.00"' in page.text
    session.expire_all()
    assert session.get(Project, project.id).price_minor == 500
    again = {**PAY, "price": "6.00", "seen": _seen(page.text)}
    assert sign_in(owner[0]).post(where, data=again).status_code == 302
    session.expire_all()
    assert session.get(Project, project.id).price_minor == 600


def test_a_second_click_on_save_is_no_colleague(session, client, owner):
    project = make_project(session, owner[1])
    where = f"/projects/{project.id}/pay"
    data = {**PAY, "price": "5.00", "seen": _seen(client.get(where).text)}

    answers = [client.post(where, data=data).status_code for _click in range(2)]

    assert answers == [302, 302]


def test_an_amount_is_written_as_the_reader_writes_it(session, client, owner, sign_in):
    project = make_project(session, owner[1], price_minor=123_400)
    colleague = sign_in(make_member(session, owner[1], locale="fr"))

    assert 'value="1234.00"' in client.get(f"/projects/{project.id}/pay").text
    assert 'value="1234,00"' in colleague.get(f"/projects/{project.id}/pay").text


def test_each_template_shows_its_fields_and_what_is_asked(session, client, owner):
    project = make_project(session, owner[1], label_config="")
    where = f"/projects/{project.id}/labels"

    assert "redistribution" in client.get(where).text
    assert 'id="spans"' not in client.get(f"{where}?template=choice").text
    assert "Rate from 1 to 5" in client.get(f"{where}?template=rating").text
    assert 'name="config"' in client.get(f"{where}?template=own").text
    assert client.get(f"{where}?template=nonsense").status_code == 200


def test_labels_that_the_imported_tasks_do_not_fit_are_refused(session, client, owner):
    project = make_project(session, owner[1], task_count=40)
    other = '<View><Text name="t" value="$body"/><Rating name="r" toName="t"/></View>'
    where = f"/projects/{project.id}/labels"

    page = client.post(where, data={"template": "own", "config": other})

    assert page.status_code == 422
    assert "not checked for: body." in page.text
    fits = {"template": "own", "config": other.replace("$body", "$text")}
    fits["seen"] = _seen(client.get(where).text)
    assert client.post(where, data=fits).status_code == 302


def test_an_own_config_comes_back_as_it_was_typed(session, client, owner):
    project = make_project(session, owner[1], task_count=0)
    own = (
        '<View><Header value="Read"/><Text name="t" value="$body"/>'
        '<Rating name="r" toName="t"/></View>'
    )
    where = f"/projects/{project.id}/labels"
    seen = _seen(client.get(where).text)

    client.post(where, data={"template": "own", "config": own, "seen": seen})

    session.expire_all()
    assert session.get(Project, project.id).label_config == own
    page = client.get(where).text
    assert "&lt;Header value=" in page
    assert "body" in page


def test_publishing_too_early_lists_everything(session, client, owner):
    project = make_project(session, owner[1], task_count=0, brief="", price_minor=0)

    page = client.post(f"/projects/{project.id}/publish")

    assert page.status_code == 409
    for words in ("Write the brief", "Set the pay", "Import the tasks"):
        assert words in page.text
    session.expire_all()
    assert session.get(Project, project.id).state is State.DRAFT


def test_a_whole_project_is_published_and_invites(session, client, owner, jobs):
    project = make_project(session, owner[1], funded=50_000)
    expert = make_expert(session)
    make_skill(session, expert)
    session.commit()

    for _click in range(2):
        response = client.post(f"/projects/{project.id}/publish")
        assert response.location == f"/projects/{project.id}"
    jobs()

    session.expire_all()
    assert session.get(Project, project.id).state is State.OPEN
    assert session.exec(select(Invitation)).one().expert_id == expert.user_id
    page = client.get(f"/projects/{project.id}/experts").text
    assert expert.pseudonym in page
    assert "Why this expert" in page


@pytest.mark.parametrize("step", ["brief", "labels", "pay"])
def test_a_published_project_keeps_what_experts_were_told(session, client, owner, step):
    project = make_project(session, owner[1], state="open", funded=50_000)

    page = client.get(f"/projects/{project.id}/{step}")

    assert page.status_code == 409
    assert "What experts were told stays" in page.text
    assert client.post(f"/projects/{project.id}/{step}", data=PAY).status_code == 409


def test_whom_to_look_for_is_changed_after_publishing_but_asks_no_more(session, client, owner):
    project = make_project(session, owner[1], state="open", funded=50_000, min_level=0.6)
    where = f"/projects/{project.id}/criteria"
    seen = _seen(client.get(where).text)

    higher = client.post(where, data={**CRITERIA, "level": "70", "seen": seen})
    lower = client.post(
        where, data={**CRITERIA, "level": "50", "experts_needed": "8", "seen": seen}
    )

    assert higher.status_code == 422
    assert "Choose 60 or less" in higher.text
    assert lower.location == f"/projects/{project.id}"
    session.expire_all()
    assert session.get(Project, project.id).experts_needed == 8


def test_the_home_of_a_draft_says_what_is_missing(session, client, owner):
    project = make_project(session, owner[1], task_count=0)

    page = client.get(f"/projects/{project.id}").text

    assert "2 things are missing before you can publish" in page
    assert "Import the tasks. Fund the budget" in page


def test_the_home_says_when_the_budget_is_used_up(session, client, owner):
    project = make_project(session, owner[1], state="open")
    make_invitation(session, project, state="accepted")

    page = client.get(f"/projects/{project.id}").text

    assert "The budget pays for no further answer" in page
    assert "at least €4.83" in page
    assert "1 expert takes part" in page


def test_pause_and_go_on_from_the_home(session, client, owner):
    project = make_project(session, owner[1], state="open", funded=50_000)
    where = f"/projects/{project.id}"

    client.post(f"{where}/pause")
    assert "Resume the project" in client.get(where).text
    client.post(f"{where}/resume")
    client.post(f"{where}/complete")

    session.expire_all()
    assert session.get(Project, project.id).state is State.COMPLETED
    assert client.get(where).status_code == 200
    assert client.get(f"{where}/experts").status_code == 200
    assert client.post(f"{where}/resume").status_code == 409


def test_a_new_version_of_the_guidelines(session, client, owner):
    project = make_project(session, owner[1], state="open")
    where = f"/projects/{project.id}/guidelines"

    assert client.post(where, data={"text": "1. Another."}).location == where
    assert client.post(where, data={"text": "1. Another."}).status_code == 409
    assert client.post(where, data={"text": " "}).status_code == 422

    session.expire_all()
    assert [one.version for one in guidelines.versions(session, project.id)] == [2, 1]
    assert "Version 2, published" in client.get(where).text


def test_an_invitation_is_taken_back(session, client, owner):
    project = make_project(session, owner[1], state="open")
    invitation = make_invitation(session, project)
    where = f"/projects/{project.id}/invitations/{invitation.id}/withdraw"

    assert [client.post(where).status_code for _click in range(2)] == [302, 302]

    session.expire_all()
    assert session.get(Invitation, invitation.id).state is Answer.WITHDRAWN


def test_an_invitation_of_another_project_is_not_taken_back(session, client, owner):
    mine = make_project(session, owner[1], state="open")
    other = make_invitation(session, make_project(session, state="open"))

    response = client.post(f"/projects/{mine.id}/invitations/{other.id}/withdraw")

    assert response.status_code == 404
    session.expire_all()
    assert session.get(Invitation, other.id).state is Answer.OFFERED


PAGES = ["", "/brief", "/labels", "/pay", "/criteria", "/publish", "/experts", "/guidelines"]
ACTS = ["/brief", "/pay", "/publish", "/pause", "/complete", "/guidelines"]


@pytest.mark.parametrize("page", PAGES)
def test_another_organisations_project_is_not_there(session, client, page):
    project = make_project(session)

    assert client.get(f"/projects/{project.id}{page}").status_code == 404


@pytest.mark.parametrize("act", ACTS)
def test_nothing_is_done_to_another_organisations_project(session, client, act):
    project = make_project(session, state="open", funded=50_000)

    response = client.post(f"/projects/{project.id}{act}", data=PAY | BRIEF | {"text": "x"})

    assert response.status_code == 404
    session.expire_all()
    assert session.get(Project, project.id).state is State.OPEN


@pytest.mark.parametrize("address", ["/projects", "/projects/new", "/experts", "/projects/1"])
def test_experts_have_no_owners_pages(session, sign_in, address):
    assert sign_in(make_user(session, "expert")).get(address).status_code == 403


def test_lists_hold_what_is_ones_own_and_have_pages(session, client, owner):
    for number in range(27):
        make_project(session, owner[1], title=f"Mine {number}")
    make_project(session, title="Theirs")

    first, second = client.get("/projects").text, client.get("/projects?page=2").text

    assert "Mine 26" in first
    assert "Mine 0" in second
    assert "Theirs" not in first + second


def test_experts_of_all_projects_stand_in_one_list(session, client, owner):
    project = make_project(session, owner[1], state="open", title="Ours")
    member = make_invitation(session, project, state="accepted")
    stranger = make_invitation(session, make_project(session, state="open"), state="accepted")

    page = client.get("/experts").text

    assert make_expert(session, session.get(User, member.expert_id), languages={}).pseudonym in page
    other = make_expert(session, session.get(User, stranger.expert_id), languages={})
    assert other.pseudonym not in page


def test_what_owners_type_is_shown_as_words(session, client, owner):
    project = make_project(
        session, owner[1], title="<b>Bold</b>", brief="<script>x</script>", guidelines="<img>"
    )

    page = client.get(f"/projects/{project.id}/publish").text

    assert "<script>x" not in page
    assert "&lt;script&gt;x" in page
    assert "&lt;b&gt;Bold&lt;/b&gt;" in page


@pytest.mark.parametrize("page", PAGES)
def test_every_page_speaks_french(session, sign_in, page):
    user, organisation = make_owner(session, locale="fr")
    project = make_project(session, organisation, funded=50_000)

    text = sign_in(user).get(f"/projects/{project.id}{page}").text

    assert '<html lang="fr"' in text
    for english in ("Save", "Guidelines", "Experts of", "Check and publish", "Only your"):
        assert english not in text


def _seen(page):
    return page.split('name="seen"')[1].split('value="')[1].split('"')[0]


def test_the_home_shows_what_other_packages_say(app, session, client, owner):
    class Part:
        NEEDS = (lambda session, project, user: [home.Need("23 answers to review", "", "/review")],)
        FIGURES = (lambda session, project: [home.Figure("Validated", "1,842", "of 2,400")],)

    project = make_project(session, owner[1], state="open", funded=50_000)
    before = app.extensions["doyen.project_home"]
    home.init_app(app, [Part])
    try:
        page = client.get(f"/projects/{project.id}").text
    finally:
        app.extensions["doyen.project_home"] = before

    assert '<a href="/review">23 answers to review</a>' in page
    assert "Validated" in page
    assert "of 2,400" in page
