"""What projects ask beyond the proof in a field, what is reused, and who qualifies by what."""

from datetime import timedelta
from importlib import import_module

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlmodel import select

from accounts import decisions
from accounts.models import Appeal, Decision, User
from annotation import desk as desks
from core.clock import now
from core.models import Letter
from experts import skills
from experts.fields import Field
from experts.models import Skill
from interviews import (
    conversation,
    editions,
    items,
    outages,
    project_standing,
    project_terms,
    proven,
    qualification,
    standing,
    templates,
    trust,
)
from interviews.models import Interview, State
from interviews.project_gate import CompetencyMissing
from interviews.template_models import Basis, ProjectQualification
from projects import invitations
from projects.models import Answer, id_of
from tests.factories.accounts import make_user
from tests.factories.annotation import claimed, make_desk
from tests.factories.experts import make_expert
from tests.factories.interviews import answer_all, answer_one, make_interview, right, unknown
from tests.factories.invited import begin, look, make_world, query
from tests.factories.templates import (
    make_proof,
    make_qualification,
    make_template,
    make_terms,
)

ADAPTIVE = True  # templates always let questions follow from the answers
BANK = items.banks()[Field.LAW]
HARD_TO_HAVE = next(one.id for one in BANK.of("data") if one.core is None)


@pytest.fixture
def world(session):
    return make_world(session)


def ask(session, world, **changes):
    return make_template(session, world.project, world.desk.owner, make_terms(**changes), at=now())


def forget(session, world, *competencies):
    """Take proofs away, as if the field's interview had not shown them."""
    session.execute(
        text("delete from competency_proof where competency = any(:gone)"),
        {"gone": list(competencies)},
    )
    session.expire_all()


def accept(session, world):
    invitations.accept(session, world.invitation, by=world.user, at=now())


# Proofs


def test_a_passed_interview_proves_its_competencies_once_at_their_levels(session, world):
    held = proven.held(session, world.id, Field.LAW, now())
    card = world.passed.scorecard["competencies"]

    assert set(held) == set(BANK.competencies)
    for key, proof in held.items():
        assert proof.level == pytest.approx(card[key]["share"])
        assert proof.low <= proof.level <= proof.high
        assert proof.rule == world.passed.decided_rule
        assert proof.expires_at - proof.proven_at == proven.VALID_FOR
    again = proven.write(
        session,
        world.passed,
        editions.of(session, world.passed),
        conversation.outcome.card_of(world.passed),
        now(),
    )
    assert {one.id for one in again} == {one.id for one in held.values()}


def test_a_failed_interview_proves_nothing(session):
    failed = answer_all(session, make_interview(session), unknown)

    assert failed.state is State.FAILED
    assert proven.valid(session, failed.expert_id, Field.LAW, now(), bank_id=None) == []


def test_the_migration_finds_the_proofs_of_interviews_that_were_passed_before(session, world):
    before = [
        (one.competency, one.level, one.expires_at)
        for one in (shown.proof for shown in proven.shown(session, world.id, now()))
    ]
    session.execute(text("delete from competency_proof"))

    filled = import_module("migrations.versions.0078_proofs_of_passed_interviews")
    session.execute(text(filled.PROVEN))
    session.expire_all()

    after = [one.proof for one in proven.shown(session, world.id, now())]
    assert [(one.competency, one.level) for one in after] == [one[:2] for one in before]
    assert {one.rule for one in after} == {world.passed.decided_rule}


def test_a_proof_is_revoked_by_a_decision_alone_and_otherwise_stays(session, world):
    proof = proven.valid(session, world.id, Field.LAW, now(), bank_id=None)[0]
    for change in ("level = 1", "revoked_at = now()"):
        with pytest.raises(DBAPIError), session.begin_nested():
            session.execute(text(f"update competency_proof set {change}"))
    decision = session.exec(select(Decision)).first()

    session.execute(
        text("update competency_proof set revoked_at = now(), decision_id = :it where id = :id"),
        {"it": decision.id, "id": proof.id},
    )

    assert proof.competency not in proven.held(session, world.id, Field.LAW, now())


# The gate


def test_by_default_the_proof_in_the_field_is_enough(session, world):
    accept(session, world)

    assert look(session, world) is None
    assert world.invitation.state is Answer.ACCEPTED
    assert session.exec(select(ProjectQualification)).all() == []
    assert claimed(session, world.project, world.id, at=now()).id


def test_who_has_proven_all_qualifies_at_once_by_these_proofs(session, world):
    template = ask(session, world)

    accept(session, world)
    accept(session, world)

    found = session.exec(select(ProjectQualification)).one()
    held = proven.held(session, world.id, Field.LAW, now())
    assert found.basis is Basis.PROOFS
    assert found.template_id == template.id
    assert found.proofs == sorted([held["contract"].id, held["data"].id])
    assert found.expires_at == min(held["contract"].expires_at, held["data"].expires_at)
    assert claimed(session, world.project, world.id, at=now()).id


def test_what_is_missing_is_named_and_nobody_gets_past_the_gate(session, world):
    ask(session, world)
    forget(session, world, "data")

    with pytest.raises(CompetencyMissing) as refused:
        accept(session, world)

    assert BANK.competencies["data"].label.en in refused.value.words
    assert world.invitation.state is Answer.OFFERED
    world.invitation.state, world.invitation.answered_at = Answer.ACCEPTED, now()
    session.flush()
    with pytest.raises(CompetencyMissing):
        claimed(session, world.project, world.id, at=now())
    why = desks.why_nothing(session, world.project, world.id, at=now())
    assert why is desks.Why.INTERVIEW


def test_the_interview_asks_only_what_is_missing_and_qualifies(session, world):
    ask(session, world)
    forget(session, world, "data")
    level = skills.level(session, world.id, Field.LAW, now())

    interview = begin(session, world)
    assert interview.part["asked"] == ["data"]
    assert list(interview.part["reused"]) == ["contract"]
    answer_all(session, interview)

    asked = {BANK.item(step["item"]).competency for step in interview.plan}
    assert asked == {"data"}
    assert interview.length <= 3
    assert interview.state is State.PASSED
    found = session.exec(select(ProjectQualification)).one()
    assert (found.basis, found.interview_id) == (Basis.INTERVIEW, interview.id)
    assert set(found.levels) == {"contract", "data"}
    # A part of a field proves that part: no skill more, and none less.
    assert len(session.exec(select(Skill)).all()) == 1
    assert skills.level(session, world.id, Field.LAW, now()) == level
    assert look(session, world).is_met
    accept(session, world)
    letter = session.exec(select(Letter).where(Letter.template == "interviews/project_passed"))
    assert world.project.title in letter.one().subject


def test_other_projects_reuse_what_one_has_asked(session, world):
    ask(session, world)
    forget(session, world, "data")
    answer_all(session, begin(session, world))
    other = make_desk(session, experts=0)
    make_template(session, other.project, other.owner, at=now())

    found = qualification.look(session, other.project, world.id, now())

    assert found.is_met


def test_a_project_may_ask_for_fresher_proofs_than_a_year(session, world):
    ask(session, world, reuse_months=3)

    found = qualification.look(session, world.project, world.id, now() + timedelta(days=100))

    assert found.missing == ["contract", "data"]


def test_an_item_that_everybody_gets_is_asked_whatever_was_proven(session, world):
    forget(session, world, "data")
    make_proof(session, world.passed, "data", level=0.9)
    given = {step["item"] for step in world.passed.plan}
    fresh = next(one.id for one in BANK.of("data") if one.core is None and one.id not in given)
    ask(session, world, must_cover=[fresh])

    interview = begin(session, world)
    answer_all(session, interview)

    assert interview.part["asked"] == ["data"]
    assert fresh in {step["item"] for step in interview.plan}
    assert look(session, world).is_met


def test_a_failed_project_interview_is_a_decision_and_takes_nothing_away(session, world):
    ask(session, world)
    forget(session, world, "contract", "data")
    level = skills.level(session, world.id, Field.LAW, now())

    interview = begin(session, world)
    answer_all(session, interview, unknown)

    assert interview.state is State.FAILED
    assert interview.decided_rule == f"PI-{world.project.id}/1"
    decision = session.get_one(Decision, interview.decision_id)
    assert world.project.title in decisions.in_language(decision.title, "en")[0]
    assert "count by their weight" in interview.reason_words["en"]
    assert "weight" in interview.would_change["en"]
    assert interview.contest_until
    assert interview.retake_from
    assert skills.level(session, world.id, Field.LAW, now()) == level
    # It bars neither the field's interviews nor another project; it has its own retakes.
    field = standing.of(session, world.id, Field.LAW, now())
    assert field.used == 1
    with pytest.raises(standing.TooSoon):
        begin(session, world)
    begin(session, world, at=interview.retake_from + timedelta(hours=1))


def test_an_appeal_that_is_right_qualifies(session, world, app):
    ask(session, world)
    forget(session, world, "contract", "data")
    interview = answer_all(session, begin(session, world), unknown)
    decision = session.get_one(Decision, interview.decision_id)

    trust.pass_after_all(session, decision, world.desk.owner, now())

    assert interview.state is State.PASSED
    assert qualification.in_force(session, id_of(world.project), world.id, now())
    assert session.exec(select(Appeal)).all() == []
    accept(session, world)


# Changes, and two at once


def test_those_who_take_part_stay_when_more_is_asked(session, world):
    accept(session, world)
    forget(session, world, "data")

    ask(session, world)

    found = session.exec(select(ProjectQualification)).one()
    assert found.basis is Basis.JOINED
    assert found.expires_at == skills.held(session, world.id, now())[0].expires_at
    assert claimed(session, world.project, world.id, at=now()).id


def test_who_qualified_stays_so_until_the_day_whatever_is_asked_later(session, world):
    ask(session, world)
    accept(session, world)
    forget(session, world, "reading")

    said = project_terms.ask(
        session,
        world.project,
        make_terms(weights={"reading": 1}, floors={"reading": 0.9}),
        seen=1,
        by=world.desk.owner,
        at=now(),
    )

    assert (said.is_new, said.kept) == (True, 1)
    assert not look(session, world).is_met
    assert claimed(session, world.project, world.id, at=now()).id
    after = now() + timedelta(days=366)
    assert qualification.in_force(session, id_of(world.project), world.id, after) is None


def test_an_interview_under_way_ends_by_the_version_that_it_began_with(session, world):
    ask(session, world)
    forget(session, world, "data")
    interview = begin(session, world)
    ask(session, world, weights={"ip": 1}, floors={"ip": 0.5})
    templates.set_of_project(session, world.project, None, seen=2, by=world.desk.owner, at=now())

    assert begin(session, world).id == interview.id
    answer_all(session, interview)

    assert interview.decided_rule == f"PI-{world.project.id}/1"
    assert session.exec(select(ProjectQualification)).one().template_id == interview.template_id


def test_two_owners_at_once_do_not_overwrite_each_other(session, world):
    ask(session, world)

    with pytest.raises(templates.WrittenByAnother):
        project_terms.ask(
            session,
            world.project,
            make_terms(pass_mark=0.7),
            seen=0,
            by=world.desk.owner,
            at=now(),
        )

    again = project_terms.ask(
        session, world.project, make_terms(), seen=0, by=world.desk.owner, at=now()
    )
    assert not again.is_new
    assert templates.of_project(session, id_of(world.project)).version == 1


def test_a_template_never_changes(session, world):
    ask(session, world)

    for act in ("update interview_template set version = 9", "delete from interview_template"):
        with pytest.raises(DBAPIError), session.begin_nested():
            session.execute(text(act))


def test_one_interview_in_a_field_at_a_time(session, world):
    ask(session, world)
    forget(session, world, "data")
    begin(session, world)

    with pytest.raises(standing.AnotherUnderWay):
        conversation.start(session, world.id, Field.LAW, consent_version="test", at=now())


def test_nothing_is_started_that_is_not_asked(session, world):
    with pytest.raises(project_standing.NothingAsked):
        begin(session, world)
    ask(session, world)
    with pytest.raises(project_standing.NothingMissing):
        begin(session, world)
    assert (
        session.exec(select(Interview).where(Interview.project_id == world.project.id)).all() == []
    )


def test_a_floor_above_the_mark_of_the_rest_is_asked_for_until_it_is_shown(session, world):
    ask(session, world, floors={"contract": 0.5, "data": 0.75}, pass_mark=0.5)
    forget(session, world, "data")

    begun = begin(session, world)
    session.flush()
    session.expunge_all()  # as a request finds it: nothing is known but what is asked for
    interview = answer_all(session, session.get_one(Interview, begun.key))

    assert editions.of(session, interview).rule.pass_mark < 0.5
    assert interview.state is State.PASSED, "all was right, so nobody has to read it"


def test_an_outage_makes_the_next_try_free(session, sign_in, world):
    ask(session, world)
    forget(session, world, "contract", "data")
    interview = begin(session, world)
    answer_one(session, interview, 1, None)
    conversation.leave(session, interview, now())
    with pytest.raises(standing.TooSoon):
        begin(session, world)

    assert outages.note(session, interview, "The server was away.", by=world.desk.owner, at=now())
    assert not outages.note(session, interview, "Said again here.", by=None, at=now())

    letters = session.exec(select(Letter).where(Letter.template == "interviews/outage")).all()
    assert [one.user_id for one in letters] == [world.id]
    assert world.project.title in letters[0].subject
    page = sign_in(world.user).get(f"/interviews/{interview.id}/result").text
    assert "It broke off for a fault of ours, so it does not count as an attempt." in page
    assert begin(session, world).id != interview.id


def test_an_outage_is_no_way_round_a_result(session, world):
    with pytest.raises(outages.Finished):
        outages.note(session, world.passed, "It was all too hard.", by=None, at=now())
    ask(session, world)
    forget(session, world, "data")
    with pytest.raises(outages.NotOver):
        outages.note(session, begin(session, world), "It may go on.", by=None, at=now())


def test_an_interview_whose_template_lets_it_count_is_not_said_to_be_free(session, world):
    ask(session, world, free_after_outage=False)
    forget(session, world, "data")
    interview = begin(session, world)
    conversation.leave(session, interview, now())

    with pytest.raises(outages.CountsAnyway):
        outages.note(session, interview, "The server was away.", by=None, at=now())


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ({"mark": 0}, "at 0 everybody would pass"),
        ({"mark": 70}, "Write at most 69, or ask more questions: who has proven the rest before"),
        ({"f_data": 80}, "Write at most 76, or ask more questions: who has proven the rest before"),
    ],
)
def test_a_mark_that_a_part_cannot_reach_is_refused_in_words(session, sign_in, world, bad, words):
    owner, page = sign_in(world.desk.owner), f"/projects/{world.project.id}/interview"

    assert words in owner.get(page, query_string=query(**bad)).text
    saved = owner.post(page, query_string=query(**bad), data={"seen": "0"})

    assert saved.status_code == 422
    assert templates.of_project(session, id_of(world.project)) is None


def test_the_owner_is_told_as_many_who_qualify_as_there_are(session, world):
    session.delete(world.invitation)
    session.flush()
    at = now()
    expected = [
        (make_terms(), 1),
        (make_terms(pass_mark=1.0), 0),
        (make_terms(floors={"contract": 1.0, "data": 0.4}), 0),
        (make_terms(reuse_months=1), 1),
    ]
    for wanted, number in expected:
        assert qualification.would_qualify(session, world.project, wanted, at) == number
    given = {step["item"] for step in world.passed.plan}
    of_data = [one.id for one in BANK.of("data") + BANK.of("contract") if one.core is None]
    had = [one for one in of_data if one in given][:1]
    never = [one for one in of_data if one not in given][:1]
    assert (
        qualification.would_qualify(session, world.project, make_terms(must_cover=never), at) == 0
    )
    assert qualification.would_qualify(session, world.project, make_terms(must_cover=had), at) == 1


def test_a_template_of_a_field_is_asked_of_everybody_who_begins(session, world):
    user = session.get_one(User, make_expert(session).user_id)
    own = make_terms(weights={"contract": 3, "ip": 1}, floors={"contract": 0.4, "ip": 0.3})
    made = templates.set_of_field(session, Field.LAW, own, seen=0, by=world.desk.owner, at=now())

    interview = make_interview(session, user)
    answer_all(session, interview)

    assert (interview.template_id, interview.project_id) == (made.id, None)
    assert interview.decided_rule == "FI-1/1"
    assert {BANK.item(step["item"]).competency for step in interview.plan} == {"contract", "ip"}
    assert skills.level(session, interview.expert_id, Field.LAW, now()) > 0.6


# The pages


@pytest.mark.parametrize("sent", ["zzz", "1e9", "NaN", ""])
def test_what_the_page_does_not_offer_is_refused_and_nothing_fails(sign_in, world, sent):
    page = f"/projects/{world.project.id}/interview"
    query = {f"w_{key}": sent for key in BANK.competencies} | {"mark": sent, "least": sent}

    response = sign_in(world.desk.owner).get(page, query_string=query)

    assert response.status_code in (200, 422)


def test_an_owner_sees_what_it_means_and_saves_it_once(session, sign_in, world):
    owner, page = sign_in(world.desk.owner), f"/projects/{world.project.id}/interview"
    assert "The proof in the field is enough" in owner.get(page).text

    assert "Nothing was ever asked" in owner.get(f"{page}/versions").text
    shown = owner.get(page, query_string=query())
    assert "4 to 9 questions" in shown.text
    assert "Ask this from now on" in shown.text
    for _click in range(2):
        saved = owner.post(page, query_string=query(), data={"seen": "0"})
        assert saved.status_code == 302

    template = templates.of_project(session, id_of(world.project))
    assert (template.version, template.content["weights"]) == (1, {"contract": 2, "data": 1})
    assert template.content["follow_ups"] == 1
    stale = owner.post(page, query_string=query(mark=65), data={"seen": "0"})
    assert stale.status_code == 409
    back = owner.post(f"{page}/field", data={"seen": "1"})
    assert back.status_code == 302
    assert templates.of_project(session, id_of(world.project)).content is None
    for seen, more in (("2", {"mark": 65}), ("3", {"mark": 69, "months": 3})):
        owner.post(page, query_string=query(**more), data={"seen": seen})
    history = owner.get(f"{page}/versions").text
    places = [history.index(f"Version {number}") for number in (4, 3, 2, 1)]
    assert places == sorted(places)
    assert "Months for which proofs count" in history
    assert history.index("69%") < history.rindex("The proof in the field is enough")
    assert world.desk.owner.name in history


@pytest.mark.parametrize(
    "bad",
    [
        {"w_contract": 0, "w_data": 0},
        {"w_contract": 99},
        {"mark": 101},
        {"mark": "x"},
        {"f_data": -1},
        {"most": 2, "least": 6},
        {"least": 1, "most": 1},
        {"must_cover": "zzz-999"},
        {"must_cover": next(one.id for one in BANK.of("ip") if one.core is None)},
        {"months": 99},
        {"attempts": 0},
        {"mark": 99},
    ],
)
def test_terms_that_make_no_sense_are_refused_in_words(session, sign_in, world, bad):
    owner, page = sign_in(world.desk.owner), f"/projects/{world.project.id}/interview"

    shown = owner.get(page, query_string=query(**bad))
    saved = owner.post(page, query_string=query(**bad), data={"seen": "0"})

    assert "to put right" in shown.text
    assert saved.status_code == 422
    assert templates.of_project(session, id_of(world.project)) is None


def test_an_expert_sees_what_is_asked_takes_it_and_says_yes(session, sign_in, world):
    ask(session, world)
    forget(session, world, "data")
    expert = sign_in(world.user)
    invited = expert.get(f"/invitations/{world.invitation.id}")
    assert "See what is asked, and start" in invited.text
    assert "Yes, I take part" not in invited.text

    page = expert.get(f"/projects/{world.project.id}/your-interview")
    assert "Proven, so it is not asked" in page.text
    assert "Not proven yet, so it is asked" in page.text
    before = expert.get(f"/interviews/before/law?project={world.project.id}")
    assert world.project.title in before.text
    given = {"field": "law", "project": world.project.id, "consent": "y"}
    started = expert.post("/interviews/start", data=given)
    assert started.status_code == 302
    assert expert.post("/interviews/start", data=given).location == started.location
    interview = session.exec(select(Interview).where(Interview.state == State.ACTIVE)).one()
    assert expert.get(started.location).status_code == 200
    under_way = expert.get(f"/projects/{world.project.id}/your-interview")
    assert "An interview is under way" in under_way.text
    answer_all(session, interview, right)

    result = expert.get(f"/interviews/{interview.id}/result")
    assert "beyond the proof in the field" in result.text
    assert "What was proven before counted as well" in result.text
    assert "count for other projects as well" in result.text
    assert "You are qualified" in expert.get(f"/projects/{world.project.id}/your-interview").text
    assert "Yes, I take part" in expert.get(f"/invitations/{world.invitation.id}").text
    assert expert.post(f"/invitations/{world.invitation.id}/accept").status_code == 302
    assert "What you have proven in it" in expert.get("/interviews?field=law").text

    # As where a person lets somebody pass below the floors: this project alone has something of it.
    revoked = "update competency_proof set revoked_at = now(), decision_id = :it"
    decision = session.exec(select(Decision)).first()
    session.execute(
        text(f"{revoked} where interview_id = :id"), {"it": decision.id, "id": interview.id}
    )
    assert "for other projects" not in expert.get(f"/interviews/{interview.id}/result").text


def test_a_failed_one_shows_its_reasons_and_who_is_not_invited_sees_nothing(
    session, sign_in, world
):
    ask(session, world)
    forget(session, world, "contract", "data")
    interview = answer_all(session, begin(session, world), unknown)
    expert, stranger = sign_in(world.user), make_expert(session)

    result = expert.get(f"/interviews/{interview.id}/result")
    assert "you do not take part in this project for now" in result.text
    page = f"/projects/{world.project.id}/your-interview"
    assert "You can start the next interview" in expert.get(page).text
    other = sign_in(session.get_one(User, stranger.user_id))
    assert other.get(page).status_code == 404
    assert other.get(f"/interviews/before/law?project={world.project.id}").status_code == 404
    given = {"field": "law", "project": world.project.id, "consent": "y"}
    assert other.post("/interviews/start", data=given).status_code == 404
    for nonsense in ("x", "-1", "9" * 30, "٣"):
        at = f"/interviews/before/law?project={nonsense}"
        assert other.get(at).status_code == 404


def test_a_member_whose_qualification_has_run_out_is_told_where_to_go(session, sign_in, world):
    template = ask(session, world)
    forget(session, world, "data")
    old = now() - timedelta(days=400)
    make_qualification(
        session, template, world.id, qualified_at=old, expires_at=old + timedelta(days=365)
    )
    world.invitation.state, world.invitation.answered_at = Answer.ACCEPTED, old
    session.flush()

    refused = sign_in(world.user).post(f"/work/projects/{world.project.id}/claim")

    assert refused.status_code in (404, 409)


def test_operators_filter_by_project_and_note_an_outage(session, sign_in, world):
    ask(session, world)
    forget(session, world, "data")
    interview = begin(session, world)
    answer_one(session, interview, 1, None)
    conversation.leave(session, interview, now())
    operator = sign_in(make_user(session, "operator"))

    listed = operator.get(f"/operator/interviews?state=all&project={world.project.id}")
    assert "1 interview<" in listed.text
    assert operator.get("/operator/interviews?project=99999999999999").status_code == 200
    page = f"/operator/interviews/{interview.id}"
    assert "It broke off for a fault of ours" in operator.get(page).text
    assert operator.post(f"{page}/outage", data={"words": "no"}).status_code == 422
    assert operator.post(f"{page}/outage", data={"words": "The power went."}).status_code == 302
    assert "Broken off by an outage" in operator.get(page).text
