"""The matching rule: hard criteria, score, reasons, and who waited longest."""

from datetime import timedelta

import pytest

from core.clock import now
from experts.fields import Field, Fluency
from projects import matching, reasons
from tests.factories.accounts import make_member, make_organisation
from tests.factories.experts import make_expert, make_skill
from tests.factories.projects import make_invitation, make_project


@pytest.fixture
def project(session):
    return make_project(session, state="open")


def fit(session, *, level=0.8, proven=None, **changes):
    expert = make_expert(session, **changes)
    make_skill(session, expert, level=level, **(proven or {}))
    return expert


def chosen(session, project, limit=10):
    return [found.expert for found in matching.shortlist(session, project, limit)]


def test_whoever_meets_everything_is_found(session, project):
    expert = fit(session)

    assert chosen(session, project) == [expert]
    assert matching.count(session, project) == 1


@pytest.mark.parametrize(
    "lack",
    [
        {"level": 0.59},
        {"proven": {"field": Field.MEDICINE}},
        {"proven": {"passed_at": now() - timedelta(days=9), "expires_at": now()}},
        {"accepts_invitations": False},
        {"languages": {"fr": Fluency.NATIVE}},
        {"languages": {}},
    ],
    ids=["level", "field", "expired", "no invitations", "language", "no language"],
)
def test_whoever_lacks_one_thing_is_not_asked(session, project, lack):
    fit(session, **lack)

    assert chosen(session, project) == []
    assert matching.count(session, project) == 0


@pytest.mark.parametrize(
    ("ask", "expert"),
    [
        ({"min_years": 9}, {"years": 8}),
        ({"min_years": 1}, {"years": 8, "field": Field.FINANCE}),
        ({"min_years": 1}, {"years": None}),
        ({"countries": ["DE", "AT"]}, {"country": "FR"}),
        ({"countries": ["DE"]}, {"country": None}),
        ({"languages": ["en", "de"]}, {}),
    ],
)
def test_what_a_project_asks_for_must_be_met(session, ask, expert):
    fit(session, **expert)

    assert chosen(session, make_project(session, **ask)) == []


def test_nobody_is_asked_twice_whatever_they_said(session, project):
    for state in ("offered", "accepted", "declined", "withdrawn"):
        make_invitation(session, project, fit(session), state=state)

    assert chosen(session, project) == []


def test_nobody_works_for_their_own_organisation(session):
    organisation = make_organisation(session)
    project = make_project(session, organisation)
    fit(session, user=make_member(session, organisation))

    assert chosen(session, project) == []


def test_a_login_that_was_closed_is_not_asked(session, project):
    expert = fit(session)
    user = session.get(type(make_member(session, make_organisation(session))), expert.user_id)
    user.active = False
    session.flush()

    assert chosen(session, project) == []


def test_the_better_score_comes_first_and_the_parts_add_up(session, project):
    weak = fit(session, level=0.6, years=0, languages={"en": Fluency.WORKING})
    strong = fit(session, level=0.9, years=20, languages={"en": Fluency.NATIVE})

    found = matching.shortlist(session, project, 10)

    assert [one.expert for one in found] == [strong, weak]
    assert [one.score for one in found] == [54 + 15 + 15 + 10, 36 + 0 + 6 + 10]
    for one in found:
        assert sum(part["points"] for part in one.reasons) == one.score
        assert sum(part["weight"] for part in one.reasons) == 100


def test_years_count_above_what_is_asked_and_in_the_field_only(session):
    project = make_project(session, min_years=2)
    fit(session, years=7)
    elsewhere = make_project(session, min_years=0)
    other = fit(session, years=30, field=Field.FINANCE)

    def practice(one):
        return next(part for part in one.reasons if part["what"] == "practice")

    assert practice(matching.shortlist(session, project, 1)[0])["points"] == round(15 * 0.5)
    found = {one.expert.user_id: one for one in matching.shortlist(session, elsewhere, 5)}
    assert practice(found[other.user_id]) == {
        "what": "practice",
        "weight": 15,
        "points": 0,
        "years": None,
    }


def test_newcomers_have_a_share(session, project):
    busy, new = fit(session), fit(session)
    make_invitation(session, make_project(session), busy, state="accepted")

    found = matching.shortlist(session, project, 2)

    assert [one.expert for one in found] == [new, busy]
    assert found[0].score - found[1].score == matching.NEWCOMER


def test_with_equal_scores_whoever_was_asked_longest_ago_comes_first(session, project):
    elsewhere = make_project(session)
    lately, long_ago, never = fit(session), fit(session), fit(session)
    make_invitation(session, elsewhere, lately, state="declined")
    make_invitation(
        session, elsewhere, long_ago, state="declined", offered_at=now() - timedelta(days=40)
    )

    assert chosen(session, project) == [never, long_ago, lately]


def test_the_lot_is_drawn_once_for_each_project(session, project):
    experts = {fit(session).user_id for _number in range(12)}

    first = [expert.user_id for expert in chosen(session, project, 20)]

    assert set(first) == experts
    assert first == [expert.user_id for expert in chosen(session, project, 20)]
    assert first != sorted(first)


def test_the_best_of_two_proofs_counts(session, project):
    expert = fit(session, level=0.7)
    make_skill(session, expert, level=0.9)

    (found,) = matching.shortlist(session, project, 10)

    assert found.level == 0.9


def test_reasons_are_words_for_the_expert(session, project):
    fit(session, level=0.8, years=8)
    (found,) = matching.shortlist(session, project, 10)

    words = {part.title: (part.points, part.because) for part in reasons.explained(found.reasons)}

    assert words["Interview"][0] == 48
    assert words["Interview"][1].startswith("80 of 100, passed ")
    assert words["Years of practice"] == (12, "8 years")
    assert words["Language of the texts"] == (15, "English")
    assert words["Share for newcomers"] == (10, "In no project in the last 90 days")


def test_requirements_are_words_too(session):
    project = make_project(session, min_years=3, countries=["FR", "BE"], languages=["en", "fr"])

    assert reasons.requirements(project) == [
        "An interview passed in law, at 60 of 100 or more",
        "3 years of practice or more",
        "Works in English",
        "Works in French",
        "Practises in one of these: France, Belgium",
    ]
