"""Bonuses by rule: exactly what was shown, all or nothing, nobody twice in one round."""

import html
import re
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlmodel import select

from annotation import bonus_measure
from core.clock import now
from core.models import AuditEvent, Letter
from payouts import bonus_rules, budgets, ledger
from payouts.bonus_rule_models import BonusGiving
from payouts.bonus_rules import Rule
from payouts.extra_pay_models import ExtraPay
from payouts.models import ProjectBudget
from tests.factories.accounts import make_user
from tests.factories.annotation import make_desk
from tests.factories.payouts import eur, make_budget, make_earning, make_expert
from tests.payouts.conftest import new_key

WORDS = "For the whole of November, with our thanks."


@pytest.fixture
def budget(session):
    return make_budget(session, funded=100_000)


@pytest.fixture
def owner(session):
    return make_user(session, "owner")


def worker(session, budget, tasks, pay=1000):
    expert = make_expert(session)
    for _task in range(tasks):
        make_earning(session, budget, expert.id, pay=pay)
    session.commit()
    return expert


def rule_of(budget, tasks=2, agreement=None, each=None, share=None):
    return Rule(budget.project_id, tasks, agreement, eur(each) if each else None, share)


def plan(session, rule, owner, number=1):
    return bonus_rules.plan(session, rule, number, fee_bps=1500, by=owner.id)


def give(session, found, owner, key=None):
    return bonus_rules.give(
        session, found, WORDS, fee_bps=1500, key=key or new_key(), by=owner, at=now()
    )


def bonuses_of(session):
    session.expire_all()
    return sorted((row.expert_id, row.pay_minor) for row in session.exec(select(ExtraPay)))


def test_everybody_who_meets_the_rule_gets_it_once_with_a_letter(session, budget, owner):
    many, enough, few = (worker(session, budget, tasks) for tasks in (4, 2, 1))
    before = budgets.available(session, budget.project_id)
    found = plan(session, rule_of(budget, each=500), owner)
    assert [(line.expert_id, line.tasks) for line in found.lines] == [(many.id, 4), (enough.id, 2)]
    assert (found.pay, found.fee) == (eur(1000), eur(150))

    row = give(session, found, owner)

    assert bonuses_of(session) == [(many.id, 500), (enough.id, 500)]
    assert budgets.available(session, budget.project_id) == before - eur(1150)
    assert (row.people, row.pay_minor, row.fee_minor, row.round) == (2, 1000, 150, 1)
    letters = session.exec(select(Letter).where(Letter.template == "payouts/bonus")).all()
    assert {letter.user_id for letter in letters} == {many.id, enough.id}
    assert session.exec(select(AuditEvent).where(AuditEvent.action == "bonus.given_by_rule")).one()
    assert few.id not in dict(bonuses_of(session))
    assert ledger.problems(session) == []


def test_a_share_is_of_what_each_has_earned_and_rounded_once(session, budget, owner):
    first, second = worker(session, budget, 2, pay=333), worker(session, budget, 3, pay=1000)

    give(session, plan(session, rule_of(budget, share=750), owner), owner)

    assert bonuses_of(session) == [(first.id, 50), (second.id, 225)]


def test_nobody_gets_the_same_rule_twice_unless_a_round_is_begun(session, budget, owner):
    first, rule = worker(session, budget, 2), rule_of(budget, each=500)
    give(session, plan(session, rule, owner), owner)
    again = plan(session, rule, owner)
    assert (again.lines, again.had) == ([], 1)
    with pytest.raises(bonus_rules.Nobody):
        give(session, again, owner)
    second = worker(session, budget, 2)

    give(session, plan(session, rule, owner), owner)
    assert bonuses_of(session) == [(first.id, 500), (second.id, 500)]
    with pytest.raises(bonus_rules.NoSuchRound):
        plan(session, rule, owner, number=3)
    give(session, plan(session, rule, owner, number=2), owner)

    assert len(bonuses_of(session)) == 4
    assert plan(session, rule_of(budget, each=501), owner).had == 0  # another rule


def test_a_double_click_gives_once(session, budget, owner):
    worker(session, budget, 2)
    found, key = plan(session, rule_of(budget, each=500), owner), new_key()

    assert give(session, found, owner, key).id == give(session, found, owner, key).id

    assert len(bonuses_of(session)) == 1
    with pytest.raises(bonus_rules.UsedForm):
        give(session, plan(session, rule_of(budget, each=900), owner), owner, key)


def test_other_people_or_amounts_than_shown_are_not_given(session, budget, owner):
    expert = worker(session, budget, 2)
    found = plan(session, rule_of(budget, share=1000), owner)
    make_earning(session, budget, expert.id, pay=1000)
    session.commit()

    with pytest.raises(bonus_rules.Changed):
        give(session, found, owner)
    assert bonuses_of(session) == []


def test_without_enough_budget_nobody_gets_anything(session, owner):
    budget = make_budget(session, funded=6000)
    for _expert in range(2):
        worker(session, budget, 2)

    with pytest.raises(budgets.OutOfBudget):
        give(session, plan(session, rule_of(budget, each=900), owner), owner)
    session.rollback()

    assert bonuses_of(session) == []
    assert session.exec(select(BonusGiving)).all() == []


def test_agreement_is_asked_of_whoever_measures_it(app, session, budget, owner, monkeypatch):
    good, poor, unknown = (worker(session, budget, 2) for _expert in range(3))
    measured = {good.id: 0.9, poor.id: 0.899}
    monkeypatch.setitem(app.extensions, "doyen.agreement", [lambda _session, _id: measured])

    found = plan(session, rule_of(budget, agreement=90, each=500), owner)

    assert [line.expert_id for line in found.lines] == [good.id]
    assert unknown.id not in measured


def test_agreement_is_measured_over_answers_of_the_same_tasks(session):
    desk = make_desk(session, tasks=1, experts=2)

    assert bonus_measure.by_expert(session, desk.project_id) == {}
    assert bonus_measure.by_expert(session, 999_999) == {}


def test_two_owners_at_once_give_it_once(live):
    with live.transaction() as session:
        budget = make_budget(session, funded=100_000)
        owners = [make_user(session, "owner").id for _one in range(2)]
        expert = make_expert(session)
        for _task in range(2):
            make_earning(session, budget, expert.id, pay=1000)
        rule, barrier = rule_of(budget, each=500), Barrier(2)

    def press(owner_id):
        from accounts.models import User

        with live.app.app_context(), live.transaction() as session:
            owner = session.get_one(User, owner_id)
            found = plan(session, rule, owner)
            barrier.wait()
            try:
                give(session, found, owner)
            except (bonus_rules.Nobody, bonus_rules.Changed):
                return 0
            return 1

    with ThreadPoolExecutor(2) as pool:
        given = list(pool.map(press, owners))

    assert sorted(given) == [0, 1]
    with live.transaction() as session:
        assert len(session.exec(select(ExtraPay)).all()) == 1


# The page


@pytest.fixture
def shown(session, sign_in):
    desk = make_desk(session, tasks=0, experts=2, funds=100_000)
    budget = session.get_one(ProjectBudget, desk.project_id)
    for expert in desk.experts:
        for _task in range(2):
            make_earning(session, budget, expert.user_id, pay=1000)
    session.commit()
    return desk, sign_in(desk.owner), f"/projects/{desk.project_id}/bonuses/rule"


def form_of(page):
    """Read the address and the hidden fields of the form that gives."""
    form = re.search(
        r'<form[^>]*action="(/projects[^"]*bonuses/rule[^"]*)"(.*?)</form>', page, re.S
    )
    fields = dict(re.findall(r'name="(shown|key)"[^>]*value="([^"]*)"', form[2]))
    return html.unescape(form[1]), {**fields, "words": WORDS}


def test_an_owner_sees_names_and_the_total_then_gives_exactly_that(session, shown):
    desk, client, where = shown
    assert "Show who gets it" in client.get(where).text
    query = {"tasks": "2", "kind": "share", "value": "10 %"}
    page = client.get(where, query_string=query).text
    for words in (*(one.pseudonym for one in desk.experts), "€4.00", "€0.60", "€4.60"):
        assert words in page
    action, form = form_of(page)

    assert client.post(action, data={**form, "words": "short"}).status_code == 422
    assert client.post(action, data={**form, "shown": "x"}).status_code == 409
    for _click in range(2):
        assert client.post(action, data=form).status_code == 302

    assert [pay for _who, pay in bonuses_of(session)] == [200, 200]
    again = client.get(where, query_string=query).text
    assert "Everybody has had it" in again
    assert "Begin round 2" in again
    assert "Given by rule" in again
    second = client.get(where, query_string={**query, "round": "2"}).text
    action, form = form_of(second)
    assert client.post(action, data=form).status_code == 302
    assert len(bonuses_of(session)) == 4


@pytest.mark.parametrize(
    "changed",
    [
        {"tasks": "0"},
        {"tasks": "x"},
        {"agreement": "101"},
        {"kind": "other"},
        {"value": "-5"},
        {"value": "101", "kind": "share"},
        {"value": "1e9"},
        {"value": ""},
    ],
)
def test_a_rule_that_cannot_be_shows_nobody_and_gives_nothing(session, shown, changed):
    _desk, client, where = shown
    query = {"tasks": "2", "kind": "each", "value": "5", **changed}

    page = client.get(where, query_string=query)
    given = client.post(where, query_string=query, data={"words": WORDS, "key": new_key()})

    assert page.status_code == 200
    assert "Give these bonuses" not in page.text
    assert given.status_code == 404
    assert bonuses_of(session) == []


def test_a_round_that_cannot_begin_is_refused(shown):
    _desk, client, where = shown
    query = {"tasks": "2", "kind": "each", "value": "5", "round": "7"}

    assert client.get(where, query_string=query).status_code == 422


def test_when_the_budget_is_short_the_page_says_so_before_and_after(session, shown):
    _desk, client, where = shown
    page = client.get(where, query_string={"tasks": "2", "kind": "each", "value": "700"}).text
    action, form = form_of(page)

    assert "they are given all or not at all" in page
    assert client.post(action, data=form).status_code == 409
    assert bonuses_of(session) == []
