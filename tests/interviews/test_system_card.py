"""The card of the interview system: what it says is what runs here."""

import json
from datetime import timedelta

import pytest
from flask_babel import force_locale
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from core.clock import now
from experts.fields import Field
from interviews import items, system_card
from tests.conftest import make_settings
from tests.factories.calibration import make_calibration, make_system_card
from tests.factories.interviews import answer_all, make_interview, right, unknown

ADAPTIVE = True
LAW = items.banks()[Field.LAW]


@pytest.fixture
def with_settings(tmp_path):
    return lambda **changes: make_settings(tmp_path, **changes)


def part(sections, key):
    return next(one for one in sections if one.key == key)


def test_everybody_reads_it_with_banks_rules_and_no_model(client):
    page = client.get("/interviews/system-card").text

    assert LAW.digest[:12] in page
    assert LAW.rule.name in page
    assert "None is set up. Answers stay on this instance." in page
    assert "fewer than 10" in page


def test_it_is_given_as_files(client):
    words = client.get("/interviews/system-card.md")
    said = client.get("/interviews/system-card.json").json

    assert words.mimetype == "text/markdown"
    assert words.text.startswith("# System card: interviews")
    assert "| Law | " in words.text
    assert {one["key"] for one in said["content"]} >= {"purpose", "data", "judges", "oversight"}
    assert client.get("/interviews/system-card.json?version=nothing").status_code == 404


def test_it_says_the_settings_of_this_instance(app, session, with_settings):
    with app.test_request_context():
        plain = system_card.content(session, with_settings())
        other = system_card.content(
            session,
            with_settings(
                llm_base_url="http://127.0.0.1:9/v1",
                llm_model="tiny-9",
                interview_contact="ask@example.org",
                retention_days={"transcripts": 200},
            ),
        )

    assert part(plain, "oversight").terms[-1][1].startswith("The operator has named none")
    assert part(other, "oversight").terms[-1][1] == "ask@example.org"
    assert part(other, "models").terms[0][0] == "tiny-9"
    assert "no interview uses it" in part(other, "models").terms[0][1]
    assert "200 days" in dict(part(other, "data").terms)["Answers kept by consent"]


def test_figures_are_those_of_whole_months_and_of_enough_people(app, session, with_settings):
    last_month = now().replace(day=1) - timedelta(days=3)
    for number in range(10):
        answer_all(
            session,
            make_interview(session, at=last_month - timedelta(hours=1)),
            right if number < 7 else unknown,
            at=last_month,
        )
    answer_all(session, make_interview(session), right)  # this month: not counted yet
    make_calibration(session)

    with app.test_request_context():
        found = system_card.figures(session, with_settings(), at=now())

    law = next(row for row in part(found, "results").grid.rows if row[0] == "Law")
    assert law[1:4] == ("10", "10", "70%")
    others = [row for row in part(found, "results").grid.rows if row[0] != "Law"]
    assert {row[2] for row in others} == {"fewer than 10"}
    assert "not made figures by group public" in part(found, "groups").words[0]


def test_it_is_kept_when_its_content_changes_and_not_when_figures_do(app, session, with_settings):
    at = now()
    with app.test_request_context():
        assert system_card.keep(session, with_settings(), at=at) is True
        assert system_card.keep(session, with_settings(), at=at) is False
        answer_all(session, make_interview(session), right)
        assert system_card.keep(session, with_settings(), at=at) is False
        changed = with_settings(interview_contact="ask@example.org")
        assert system_card.keep(session, changed, at=at + timedelta(hours=1)) is True
        found = system_card.changes(session, "en")

    assert [one.titles for one in found] == [["People who watch over it, and contact"], []]


def test_it_is_kept_in_both_languages(app, session, with_settings):
    with app.test_request_context():
        said = json.loads(system_card.everywhere(session, with_settings()))
        with force_locale("fr"):
            french = system_card.content(session, with_settings())

    assert set(said) == {"en", "fr"}
    assert said["fr"][0]["title"] == french[0].title


def test_words_of_settings_are_no_marks_in_markdown(app, session, with_settings):
    with app.test_request_context():
        found = system_card.card(session, with_settings(interview_contact="<script>|*a*"), at=now())

        words = system_card.markdown(found)

    assert "<script>" not in words.replace("\\<script\\>", "")
    assert "\\<script\\>\\|\\*a\\*" in words


def test_a_kept_card_is_never_changed(session):
    make_system_card(session)

    with pytest.raises(DBAPIError, match="system_card"):
        session.execute(text("update system_card set content = ''"))
