"""Projects that ask from their organisation's own bank, and banks that lack what is asked."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlmodel import select

from accounts.models import MemberRole, User
from core.clock import now
from core.models import AuditEvent, Letter
from experts.fields import Field
from experts.models import Expert
from interviews import (
    bank_drafts,
    bank_publishing,
    bank_withdrawals,
    banks,
    conversation,
    course,
    editions,
    gaps,
    items,
    jobs,
    project_gate,
    project_standing,
    project_terms,
    proven,
    qualification,
    standing,
    templates,
    terms,
)
from interviews.gap_models import BankWithdrawal, TemplateGap
from interviews.models import Interview, State
from interviews.project_standing import CannotBeAsked, CompetencyMissing
from interviews.template_models import InterviewTemplate
from projects import home, invitations
from projects.models import Project, id_of
from tests.factories.accounts import make_member, make_user
from tests.factories.annotation import claimed, make_desk
from tests.factories.banks import make_bank
from tests.factories.experts import make_expert
from tests.factories.interviews import answer_all, answer_one, right, unknown
from tests.factories.invited import begin, look, make_world, query
from tests.factories.projects import make_invitation
from tests.factories.templates import (
    make_own_bank,
    make_template,
    make_terms,
    make_withdrawal,
)

ADAPTIVE = True
BANK = items.banks()[Field.LAW]
# In the own bank the items of the starter bank have other numbers, in the same order.
OWN = {item.id: f"ola-{number:03}" for number, item in enumerate(BANK.items, 1)}
OF_DATA = next(one.id for one in BANK.of("data") if one.core is None)


@pytest.fixture
def world(session):
    return make_world(session, own_bank=True)


def ask(session, desk, *, own=True, seen=None, **changes):
    last = templates.of_project(session, id_of(desk.project))
    seen = seen if seen is not None else last.version if last else 0
    said = project_terms.ask(
        session, desk.project, make_terms(**changes), seen=seen, by=desk.owner, at=now(), own=own
    )
    return said.template


def another_project(session, world):
    """Return another project of the same organisation, to which the expert is invited as well."""
    first = world.project
    made = Project.model_validate(first.model_dump(exclude={"id"}))
    session.add(made)
    session.flush()
    return made


def retire(session, draft, by, *numbers):
    """Publish a version without some items."""
    for number in numbers:
        bank_drafts.retire(session, draft, number, by=by.id, at=now())
    row = bank_publishing.publish(
        session, draft, "Retired.", revision=draft.revision, by=by.id, at=now()
    )
    session.flush()
    return row


def letters(session, template="interviews/gap"):
    return list(session.exec(select(Letter).where(Letter.template == template)))


# Asking from an own bank, and what of it is reused


def test_the_questions_come_from_the_own_bank_whatever_was_proven_in_the_field(session, world):
    template = ask(session, world.desk)

    found = look(session, world)
    interview = begin(session, world)
    answer_all(session, interview)

    assert template.bank_id == world.bank.id
    assert found.missing == ["contract", "data"]
    assert {step["item"][:4] for step in interview.plan} == {"ola-"}
    assert banks.owning(session, interview.edition) == world.bank.id
    assert interview.state is State.PASSED
    assert interview.decided_rule == f"PI-{world.project.id}/1"
    assert look(session, world).is_met
    invitations.accept(session, world.invitation, by=world.user, at=now())
    assert claimed(session, world.project, world.id, at=now()).id


def test_what_was_shown_on_an_own_bank_counts_for_its_organisation_and_bank_alone(session, world):
    ask(session, world.desk)
    field_before = proven.held(session, world.id, Field.LAW, now())
    answer_all(session, begin(session, world))
    same = another_project(session, world)
    stranger = make_desk(session, experts=0)
    make_own_bank(session, stranger)

    project_terms.ask(session, same, make_terms(), seen=0, by=world.desk.owner, at=now(), own=True)
    ask(session, stranger)

    assert look(session, world, same).is_met
    assert look(session, world, stranger.project).missing == ["contract", "data"]
    assert proven.held(session, world.id, Field.LAW, now()) == field_before
    shown = [one for one in proven.shown(session, world.id, now()) if one.whose]
    assert {one.proof.competency for one in shown} == {"contract", "data"}
    assert {one.whose for one in shown} == {world.desk.organisation.name}


def test_a_project_of_the_organisation_that_asks_from_the_field_does_not_take_it(session, world):
    session.execute(text("delete from competency_proof"))
    ask(session, world.desk)
    answer_all(session, begin(session, world))

    ask(session, world.desk, own=False)

    assert look(session, world).missing == ["contract", "data"]
    assert qualification.in_force(session, id_of(world.project), world.id, now())


def test_an_owner_is_told_who_qualifies_by_the_same_rule(session, world):
    session.delete(world.invitation)
    session.flush()

    in_field = project_terms.effects(session, world.project, make_terms(), BANK, now())
    own = banks.own_by_id(session, world.bank.key).bank
    in_own = project_terms.effects(session, world.project, make_terms(), own, now())

    assert (in_field.qualify, in_own.qualify) == (1, 0)


def test_a_failed_one_is_a_decision_as_any_other_and_takes_nothing_away(session, world):
    ask(session, world.desk)

    interview = answer_all(session, begin(session, world), unknown)

    assert interview.state is State.FAILED
    assert interview.contest_until
    assert interview.decision_id
    assert len(proven.held(session, world.id, Field.LAW, now())) == len(BANK.competencies)
    with pytest.raises(standing.TooSoon):
        begin(session, world)


def test_numbers_of_another_organisations_bank_are_not_taken_for_seen(session, world):
    stranger = make_desk(session, experts=0)
    make_own_bank(session, stranger)
    ask(session, stranger)
    make_invitation(session, stranger.project, session.get_one(Expert, world.id))
    theirs = conversation.start(
        session, world.id, Field.LAW, consent_version="t", at=now(), project=stranger.project
    )
    answer_all(session, theirs)
    ask(session, world.desk)

    here = project_standing.of(session, world.id, world.project, now())
    interview = begin(session, world)

    assert here.seen == frozenset()
    assert course._seen(session, interview) == frozenset()
    field = standing.of(session, world.id, Field.LAW, now())
    assert {one[:3] for one in field.seen} == {"law"}


# Whose bank


def test_a_project_never_asks_from_the_bank_of_another_organisation(session, world):
    stranger = make_desk(session, experts=0)

    with pytest.raises(templates.NoOwnBank):
        ask(session, stranger)

    row = {"project": stranger.project_id, "bank": world.bank.id, "by": stranger.owner.id}
    with pytest.raises(DBAPIError, match="its own organisation"), session.begin_nested():
        session.execute(
            text(
                "insert into interview_template (field, project_id, version, digest, content,"
                " bank_id, written_by, written_at)"
                " values ('law', :project, 1, 'x', '{}', :bank, :by, now())"
            ),
            row,
        )


def test_a_proof_says_which_bank_it_was_shown_on(session, world):
    ask(session, world.desk)
    interview = answer_all(session, begin(session, world))

    with pytest.raises(DBAPIError, match="the bank that its interview"), session.begin_nested():
        session.execute(
            text(
                "insert into competency_proof (expert_id, field, competency, level, low, high,"
                " interview_id, edition, rule, proven_at, expires_at) select expert_id, field,"
                " 'ip', level, low, high, interview_id, edition, rule, proven_at, expires_at"
                " from competency_proof where interview_id = :id limit 1"
            ),
            {"id": interview.id},
        )


# Withdrawn


def test_a_withdrawn_bank_lets_nobody_new_in_and_ends_nothing_that_has_begun(session, world):
    ask(session, world.desk)
    interview = begin(session, world)
    edition = interview.edition

    for _click in range(2):
        bank_withdrawals.withdraw(
            session, world.bank, "Its answers have leaked.", by=world.desk.owner.id, at=now()
        )
    other = make_expert(session)
    invited = make_invitation(session, world.project, other)

    with pytest.raises(CannotBeAsked):
        invitations.accept(session, invited, by=session.get_one(User, other.user_id), at=now())
    with pytest.raises(CannotBeAsked):
        project_standing.of(session, other.user_id, world.project, now())
    with pytest.raises(banks.NoBank):
        banks.edition_to_use(
            session, Field.LAW, organisation_id=world.desk.organisation.id, own=True
        )
    assert begin(session, world).id == interview.id
    answer_all(session, interview)
    assert (interview.state, interview.edition) == (State.PASSED, edition)
    invitations.accept(session, world.invitation, by=world.user, at=now())
    assert len(session.exec(select(BankWithdrawal)).all()) == 1


def test_a_bank_is_taken_up_again_by_hand_or_by_a_new_version(session, world):
    ask(session, world.desk)
    make_withdrawal(session, world.bank, world.desk.owner)
    assert templates.is_held_up(session, world.project)

    assert bank_withdrawals.end(session, world.bank, by=world.desk.owner.id, at=now())
    assert not bank_withdrawals.end(session, world.bank, by=world.desk.owner.id, at=now())
    assert look(session, world).missing == ["contract", "data"]

    make_withdrawal(session, world.bank, world.desk.owner)
    by = world.desk.owner.id
    revision = world.bank.revision
    row = bank_publishing.publish(
        session, world.bank, "The same again.", revision=revision, by=by, at=now()
    )
    assert row.version == 2
    assert bank_withdrawals.of(session, world.bank) is None
    with pytest.raises(DBAPIError), session.begin_nested():
        session.execute(text("update bank_withdrawal set words = 'Something else now.'"))


def test_the_bank_of_a_field_is_never_withdrawn(session, sign_in):
    draft, operator = make_bank(session), make_user(session, "operator")

    client = sign_in(operator)

    assert client.get(f"/item-banks/{draft.id}/withdraw").status_code == 404
    assert (
        client.post(f"/item-banks/{draft.id}/withdraw", data={"words": "x" * 20}).status_code == 404
    )


# What a bank lacks


def test_a_question_for_everybody_that_is_gone_leaves_the_rest_asked_and_is_told_once(
    session, world
):
    field_bank = make_bank(session)
    make_template(
        session, world.project, world.desk.owner, make_terms(must_cover=[OF_DATA]), at=now()
    )
    operator = make_user(session, "operator")

    retire(session, field_bank, operator, OF_DATA)

    found = templates.asking(session, world.project)
    assert found.written.must_cover == [OF_DATA]
    assert found.terms.must_cover == []
    assert found.terms.weights == {"contract": 2, "data": 1}
    assert look(session, world).is_met
    title = BANK.item(OF_DATA).title.en
    needs = home.needs(session, world.project, world.desk.owner)
    assert any("lacks something" in one.words and title in one.note for one in needs)
    assert [gaps.tell(session, world.project, now()) for _time in range(2)] == [True, False]
    assert [one.user_id for one in letters(session)] == [world.desk.owner.id]
    assert title in letters(session)[0].body
    assert len(session.exec(select(TemplateGap)).all()) == 1
    told = select(AuditEvent).where(AuditEvent.action == "project.interview_gap")
    assert len(session.exec(told).all()) == 1


def test_competencies_that_are_gone_leave_the_others_asked(session, world):
    of_bank = BANK.model_dump()
    del of_bank["competencies"]["data"]
    of_bank["items"] = [one for one in of_bank["items"] if one["competency"] != "data"]
    smaller = items.Bank.model_validate(of_bank)
    wanted = make_terms(must_cover=[OF_DATA])

    gone, left = terms.lacking(wanted, smaller), terms.narrowed(wanted, smaller)

    assert (gone.competencies, gone.must_cover) == (("data",), (OF_DATA,))
    assert left.weights == {"contract": 2}
    assert left.must_cover == []
    assert left.digest != wanted.digest
    assert terms.narrowed(wanted, BANK) is wanted
    only = make_terms(weights={"data": 1}, floors={"data": 0.4})
    assert terms.narrowed(only, smaller) is None


def test_nothing_is_told_where_all_is_well_or_of_projects_that_are_over(session, world):
    ask(session, world.desk)
    assert not gaps.tell(session, world.project, now())
    make_withdrawal(session, world.bank, world.desk.owner)

    assert [one.id for one, _of, _gap in gaps.of_projects(session)] == [world.project.id]
    session.execute(text("update project set state = 'completed'"))
    session.expire_all()

    assert gaps.of_projects(session) == []
    assert gaps.running(session) == []


def test_the_job_tells_each_owner_in_their_language(session, world):
    ask(session, world.desk)
    french = make_member(session, world.desk.organisation, role=MemberRole.MEMBER, locale="fr")
    make_withdrawal(session, world.bank, world.desk.owner)

    told = [jobs.tell_of_gaps() for _time in range(2)]

    assert told == [1, 0]
    found = {one.user_id: one for one in letters(session)}
    assert set(found) == {world.desk.owner.id, french.id}
    assert "lets nobody new in" in found[world.desk.owner.id].subject
    assert "Its answers have leaked." in found[world.desk.owner.id].body
    assert "n’accueille plus" in found[french.id].subject


# Pages


def test_an_owner_chooses_the_own_bank_and_sees_when_it_is_away(session, sign_in, world):
    owner, page = sign_in(world.desk.owner), f"/projects/{world.project.id}/interview"
    assert "Ask from our own bank" in owner.get(page).text
    shown = owner.get(page, query_string=query(bank="own", must_cover=OWN[OF_DATA]))
    assert "They see the questions that were asked" in shown.text
    for _click in range(2):
        given = query(bank="own", must_cover=OWN[OF_DATA])
        assert owner.post(page, query_string=given, data={"seen": "0"}).status_code == 302
    template = templates.of_project(session, id_of(world.project))
    assert (template.version, template.bank_id) == (1, world.bank.id)
    assert "the own bank of your organisation" in owner.get(page).text

    bank = f"/item-banks/{world.bank.id}/withdraw"
    assert world.project.title in owner.get(bank).text
    assert owner.post(bank, data={"words": "short"}).status_code == 422
    for _click in range(2):
        assert owner.post(bank, data={"words": "Its answers have leaked."}).status_code == 302

    away = owner.get(page)
    assert "nobody new is let in" in away.text
    assert "Its answers have leaked." in away.text
    assert "Your own bank is not in use" in away.text
    assert "cannot be asked" in owner.get(f"/projects/{world.project.id}").text
    assert (
        owner.post(page, query_string=query(bank="own", mark=70), data={"seen": "1"}).status_code
        == 422
    )
    expert = sign_in(world.user)
    asks = expert.get(f"/projects/{world.project.id}/your-interview")
    assert "This cannot be asked at the moment" in asks.text
    assert "out of use" in expert.get(f"/invitations/{world.invitation.id}").text
    assert owner.post(f"{page}/field", data={"seen": "1"}).status_code == 302
    assert not templates.is_held_up(session, world.project)


def test_an_own_bank_that_was_never_published_cannot_be_chosen(session, sign_in):
    desk = make_desk(session, experts=0)
    owner, page = sign_in(desk.owner), f"/projects/{desk.project_id}/interview"
    assert "There is none in this field" in owner.get(page).text
    make_bank(session, desk.organisation, by=desk.owner)

    shown = owner.get(page, query_string=query(bank="own"))

    assert "no version of it is published yet" in shown.text
    assert owner.post(page, query_string=query(bank="own"), data={"seen": "0"}).status_code == 422
    assert session.exec(select(InterviewTemplate)).all() == []


def test_an_expert_reads_whose_questions_they_are_and_where_it_counts(session, sign_in, world):
    ask(session, world.desk)
    expert, name = sign_in(world.user), world.desk.organisation.name

    for page in (
        f"/projects/{world.project.id}/your-interview",
        f"/interviews/before/law?project={world.project.id}",
    ):
        assert f"a bank of {name}’s own" in expert.get(page).text
    interview = answer_all(session, begin(session, world), right)

    result = expert.get(f"/interviews/{interview.id}/result")
    assert f"counts for the projects of {name}" in result.text
    assert f"for projects of {name}" in expert.get("/interviews?field=law").text
    assert f"projects of {name}" in letters(session, "interviews/project_passed")[0].body


def test_publishing_says_which_projects_would_lack_something(session, sign_in, world):
    draft, operator = make_bank(session), make_user(session, "operator")
    make_template(
        session, world.project, world.desk.owner, make_terms(must_cover=[OF_DATA]), at=now()
    )
    bank_drafts.retire(session, draft, OF_DATA, by=operator.id, at=now())
    session.flush()
    client = sign_in(operator)

    page = client.get(f"/item-banks/{draft.id}/publish")

    assert f"Project {world.project.id}" in page.text
    assert OF_DATA in page.text
    data = {"note": "Out of date.", "revision": draft.revision}
    assert client.post(f"/item-banks/{draft.id}/publish", data=data).status_code == 302
    listed = client.get("/operator/interviews/templates")
    assert f"Project {world.project.id}" in listed.text
    assert BANK.item(OF_DATA).title.en in listed.text
    assert "asks for what its bank no longer has" in client.get("/operator").text


def test_a_gate_is_as_it_was_for_projects_that_ask_for_nothing(session, world):
    assert project_gate.refusal(session, world.project, world.id, now()) is None
    ask(session, world.desk)
    with pytest.raises(CompetencyMissing):
        project_gate.admit(session, world.project, world.id, now())


def test_an_interview_keeps_its_own_questions_through_versions(session, world):
    ask(session, world.desk, must_cover=[OWN[OF_DATA]])
    interview = begin(session, world)
    answer_one(session, interview, 1, None)
    retire(session, world.bank, world.desk.owner, OWN[OF_DATA])

    bank = editions.of(session, interview)
    answer_all(session, interview)

    assert OWN[OF_DATA] in bank.must_cover
    assert OWN[OF_DATA] in {step["item"] for step in interview.plan}
    found = gaps.of_project(session, world.project)
    assert found.lacking.must_cover == (OWN[OF_DATA],)
    assert session.exec(select(Interview).where(Interview.state == State.ACTIVE)).all() == []
