"""Templates of fields: written by operators, told to experts, kept by interviews under way."""

import pytest
from sqlmodel import select

from accounts.models import User
from core.clock import now
from core.models import AuditEvent
from experts.fields import Field
from interviews import bank_drafts, bank_publishing, items, standing, talk, templates, terms
from interviews.models import Interview, Mode, State
from interviews.talk_models import TurnKind
from interviews.template_models import InterviewTemplate
from interviews.terms import Terms
from tests.factories.accounts import make_user
from tests.factories.banks import make_bank
from tests.factories.experts import make_expert
from tests.factories.interviews import answer_all, make_interview
from tests.factories.talks import make_answer_turn, make_led_interview
from tests.factories.templates import make_field_template, make_terms

ADAPTIVE = True
BANK = items.banks()[Field.LAW]
PAGE = "/operator/interviews/templates/law"
FOR_ALL = next(one.id for one in BANK.of("data") if one.core is None)


@pytest.fixture
def operator(session):
    return make_user(session, "operator", name="Olga Operator")


def query(**changes):
    given = {"mark": 62, "certainty": 92, "least": 5, "most": 10, "minutes": 30, "open_hours": 48}
    given |= {"follow_ups": 1, "attempts": 2, "within": 300, "delay": 20, "delay_unfinished": 3}
    given |= {"other_items": "y", "free_after_outage": "y", "contest_days": 21}
    given |= {f"w_{key}": 0 for key in BANK.competencies}
    given |= {f"f_{key}": 40 for key in BANK.competencies}
    given |= {"w_contract": 3, "w_data": 1, "f_contract": 55, "must_cover": FOR_ALL}
    return {key: one for key, one in (given | changes).items() if one is not None}


def last(session):
    return templates.last_of_field(session, Field.LAW)


def test_an_operator_sees_what_it_means_and_saves_it_once(session, sign_in, operator):
    client = sign_in(operator)
    assert "as the bank says" in client.get(PAGE).text

    shown = client.get(PAGE, query_string=query())
    assert "5 to 10 questions" in shown.text
    assert last(session) is None
    for _click in range(2):
        assert client.post(PAGE, query_string=query(), data={"seen": "0"}).status_code == 302

    found = last(session)
    assert found.version == 1
    kept = templates.read(found)
    assert kept.weights == {"contract": 3, "data": 1}
    assert kept.floors == {"contract": 0.55, "data": 0.4}
    assert kept.must_cover == [FOR_ALL]
    assert (kept.certainty, kept.minutes, kept.open_hours, kept.contest_days) == (0.92, 30, 48, 21)
    assert kept.retakes.model_dump() == {
        "attempts": 2, "within_days": 300, "delay_days": 20, "delay_days_unfinished": 3,
    }  # fmt: skip
    event = session.exec(select(AuditEvent).where(AuditEvent.action == "interview.template_set"))
    assert event.one().subject == f"interview_template:{found.id}"
    assert "Olga Operator" in client.get(PAGE).text
    version = client.get(f"/operator/interviews/templates/versions/{found.id}")
    assert "Olga Operator" in version.text
    assert "Weight of" in version.text
    assert "version 1" in client.get("/operator/interviews/templates").text


def test_two_operators_at_once_do_not_overwrite_each_other(session, sign_in, operator):
    make_field_template(session, operator)
    client = sign_in(make_user(session, "operator"))

    late = client.post(PAGE, query_string=query(mark=71), data={"seen": "0"})

    assert late.status_code == 409
    assert "Somebody else has changed it meanwhile" in late.text
    assert 'value="71"' in late.text, "what was typed stands in the form"
    assert last(session).version == 1
    again = client.post(PAGE, query_string=query(mark=71), data={"seen": "1"})
    assert again.status_code == 302
    assert last(session).version == 2


def test_it_is_left_to_the_bank_again(session, sign_in, operator):
    make_field_template(session, operator)
    client = sign_in(operator)

    for _click in range(2):
        assert client.post(f"{PAGE}/bank", data={"seen": "1"}).status_code == 302

    assert (last(session).version, last(session).content) == (2, None)
    assert templates.of_field(session, Field.LAW) is None
    expert = make_expert(session)
    assert standing.of(session, expert.user_id, Field.LAW, now()).bank is BANK
    number = last(session).id
    assert (
        "leaves it to the bank"
        in client.get(f"/operator/interviews/templates/versions/{number}").text
    )


@pytest.mark.parametrize(
    "bad",
    [
        {"minutes": 2},
        {"minutes": 9999},
        {"most": 60, "minutes": 240},
        {"certainty": 100},
        {"contest_days": 3},
        {"open_hours": 0},
        {"within": None},
        {"w_contract": 0, "w_data": 0},
        {"must_cover": "zzz-999"},
        {"mark": 100},
        {"f_data": 99},
        {"mark": 85, "least": 3, "most": 3},  # so few right answers show too little
    ],
)
def test_terms_that_make_no_sense_are_refused_in_words(session, sign_in, operator, bad):
    client = sign_in(operator)

    shown = client.get(PAGE, query_string=query(**bad))
    saved = client.post(PAGE, query_string=query(**bad), data={"seen": "0"})

    assert "to put right" in shown.text
    assert saved.status_code == 422
    assert last(session) is None


def test_nobody_else_sees_or_writes_it(session, sign_in, operator):
    found = make_field_template(session, operator)
    for role in ("expert", "owner", "ml_team"):
        client = sign_in(make_user(session, role))
        for page in ("", "/law", f"/versions/{found.id}"):
            assert client.get(f"/operator/interviews/templates{page}").status_code == 403
        assert client.post(PAGE, query_string=query(), data={"seen": "1"}).status_code == 403
    assert sign_in(operator).get("/operator/interviews/templates/cooking").status_code == 404


def test_experts_read_it_before_they_start_and_interviews_under_way_keep_theirs(
    session, sign_in, operator
):
    first = make_interview(session, session.get_one(User, make_expert(session).user_id))
    asked = make_terms(
        must_cover=[FOR_ALL], follow_ups=1, floors={"contract": 0.55, "data": 0.4}, open_hours=30
    )
    made = make_field_template(session, operator, asked)
    user = session.get_one(User, make_expert(session).user_id)
    expert = sign_in(user)

    fields = expert.get("/interviews?field=law").text
    before = expert.get("/interviews/before/law").text

    assert "4 to 9, one at a time" in fields
    assert "for 30 hours" in fields
    assert "Contracts and licences: 55%" in fields
    assert "weight 2" in fields
    assert "1 question beside one in each competency" in fields
    assert "and 1 more that everybody gets" in before
    second = answer_all(session, make_interview(session, user))
    assert (first.template_id, second.template_id) == (None, made.id)
    assert second.decided_rule == "FI-1/1"
    assert FOR_ALL in {step["item"] for step in second.plan}
    answer_all(session, first)
    assert first.decided_rule == BANK.rule.name
    third = make_interview(session, session.get_one(User, make_expert(session).user_id))
    page = sign_in(operator).get(PAGE).text
    assert "1 began by version 1" in page
    make_field_template(session, operator, make_terms(pass_mark=0.9))
    answer_all(session, third)
    assert third.decided_rule == "FI-1/1"


def test_a_language_model_asks_as_many_follow_ups_as_the_template_allows(session, operator):
    asked = {}
    for most in (0, 1, 2):
        make_field_template(session, operator, make_terms(follow_ups=most, minutes=9 + most))
        interview = make_led_interview(
            session, session.get_one(User, make_expert(session).user_id), field=Field.LAW
        )
        short = next(one for one in BANK.items if one.kind == "short")
        interview.plan = [{**interview.plan[0], "item": short.id, "order": {}}]
        said = [make_answer_turn(session, interview, "I would look at it.")]
        asked[most] = talk._follows(session, interview, 1, said)
        assert interview.mode is Mode.LLM
        assert all(one.kind is not TurnKind.FOLLOW_UP for one in said)

    assert asked == {0: False, 1: True, 2: True}


def test_a_template_whose_question_is_gone_asks_the_rest_and_operators_see_it(
    session, sign_in, operator
):
    make_field_template(session, operator, make_terms(must_cover=[FOR_ALL]))
    draft = make_bank(session)
    bank_drafts.retire(session, draft, FOR_ALL, by=operator.id, at=now())
    session.flush()
    client = sign_in(operator)
    assert "The template of this field" in client.get(f"/item-banks/{draft.id}/publish").text
    revision = draft.revision
    bank_publishing.publish(session, draft, "Old.", revision=revision, by=operator.id, at=now())
    session.flush()

    interview = answer_all(
        session, make_interview(session, session.get_one(User, make_expert(session).user_id))
    )

    assert interview.state is State.PASSED
    assert set(interview.part["asked"]) == {"contract", "data"}
    assert "The bank lacks something" in client.get(PAGE).text
    assert "The bank lacks what the template asks in" in client.get("/operator").text


def test_a_template_of_whose_competencies_none_is_left_leaves_it_to_the_bank(session, operator):
    made = make_field_template(session, operator)
    content = BANK.model_dump()
    renamed = {"contract": "agreements", "data": "privacy"}
    content["competencies"] = {
        renamed.get(key, key): one for key, one in content["competencies"].items()
    }
    for item in content["items"]:
        item["competency"] = renamed.get(item["competency"], item["competency"])
    other = items.Bank.model_validate(content)

    assert templates.applied(made, other) is other
    assert templates.columns(made, other) == {}


def test_terms_that_were_written_before_the_rule_of_the_work_sample_are_read(session, operator):
    content = make_terms().model_dump(mode="json") | {"work_sample": None}
    row = InterviewTemplate(
        field=Field.LAW, version=1, digest="x", content=content, written_by=operator.id,
        written_at=now(),
    )  # fmt: skip
    session.add(row)
    session.flush()

    assert templates.read(row) == make_terms()
    same = templates.set_of_field(session, Field.LAW, make_terms(), seen=1, by=operator, at=now())
    assert same.id == row.id
    assert "work_sample" not in Terms.model_fields
    assert session.exec(select(Interview)).all() == []


def test_a_bank_longer_than_a_template_may_be_is_cut_to_what_there_is():
    content = BANK.model_dump()
    content["template"] |= {"adaptive": None, "per_competency": 7, "open_hours": 5000}
    long = items.Bank.model_validate(content)

    found = terms.of_bank(long)

    assert found.adaptive.most == min(7 * len(BANK.competencies), 60, len(BANK.items) - 5)
    assert found.open_hours == 720
    assert terms.problems(found, long) == []
