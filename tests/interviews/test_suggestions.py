"""Suggestions for a profile: changed by their person before they count, and answered once."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlmodel import select

from core.models import AuditEvent
from experts import profile
from interviews.talk_models import ProfilePart, SuggestionState
from tests.factories.accounts import make_user
from tests.factories.talks import (
    MODEL,
    make_answer_turn,
    make_led_interview,
    make_suggestion,
    make_turn,
)

SAID = "I have been a lawyer for 12 years, admitted to the Paris bar."
FOUND = {
    ProfilePart.HEADLINE: {"text": "lawyer for 12 years"},
    ProfilePart.ABOUT: {"text": SAID},
    ProfilePart.YEARS: {"years": 12},
    ProfilePart.LICENCE: {"title": "Paris bar", "issuer": "Paris bar"},
}


@pytest.fixture
def user(session):
    return make_user(session, "expert")


@pytest.fixture
def interview(session, user):
    return make_led_interview(session, user)


@pytest.fixture
def offer(session, user, interview):
    """Return how to suggest something for a part of the profile."""
    make_turn(session, interview)
    turn = make_answer_turn(session, interview, SAID)

    def make(part, **changes):
        given = {"part": part, "value": FOUND[part], "quote": SAID, "llm_model": MODEL}
        one = make_suggestion(session, interview, turn, **(given | changes))
        session.commit()
        return one

    return make


@pytest.fixture
def client(user, interview, sign_in):
    return sign_in(user)


def answer(client, one, choice="accept", **fields):
    data = {f"s{one.id}-{name}": value for name, value in fields.items()}
    return client.post(
        f"/interviews/{one.interview_id}/suggestions/{one.id}", data=data | {"answer": choice}
    )


def page(client, interview):
    return client.get(f"/interviews/{interview.id}/suggestions").text


def test_every_part_is_taken_in_as_its_person_has_changed_it(
    session, user, interview, offer, client
):
    changed = {
        ProfilePart.HEADLINE: {"text": "Lawyer, <b>contracts</b> & 100% fair"},
        ProfilePart.ABOUT: {"text": "Twelve years at the bar.\r\nContracts above all."},
        ProfilePart.YEARS: {"years": "13"},
        ProfilePart.LICENCE: {"title": "Admitted in 2014", "issuer": "Barreau de Paris"},
    }
    offers = {part: offer(part) for part in FOUND}

    for part, fields in changed.items():
        assert answer(client, offers[part], **fields).status_code == 302

    session.expire_all()
    expert = profile.of(session, user.id)
    assert expert.headline == "Lawyer, <b>contracts</b> & 100% fair"
    assert expert.about == "Twelve years at the bar.\nContracts above all."
    assert expert.years == 13
    [licence] = profile.licences(session, user.id)
    assert (licence.title, licence.issuer) == ("Admitted in 2014", "Barreau de Paris")
    assert [one.quote for one in offers.values()] == [SAID] * 4
    assert [one.value for one in offers.values()] == list(FOUND.values())
    assert offers[ProfilePart.YEARS].own == {"years": 13}
    trail = select(AuditEvent).where(AuditEvent.action == "profile.suggestion_accepted")
    assert [one.details["is_edited"] for one in session.exec(trail)] == [True] * 4
    shown = page(client, interview)
    assert "as you changed it: Lawyer, &lt;b&gt;contracts&lt;/b&gt; &amp; 100% fair" in shown
    assert shown.count(SAID) == 4


def test_what_is_taken_in_as_it_was_found_is_not_called_changed(
    session, user, interview, offer, client
):
    one = offer(ProfilePart.YEARS)
    assert "Found by small-1" in page(client, interview)

    answer(client, one, years="12")

    session.expire_all()
    assert (one.own, one.state) == (None, SuggestionState.ACCEPTED)
    assert profile.of(session, user.id).years == 12
    assert "In your profile: 12 years" in page(client, interview)


@pytest.mark.parametrize(
    ("part", "fields", "words"),
    [
        (ProfilePart.HEADLINE, {"text": "  "}, "Write one line about your work."),
        (ProfilePart.HEADLINE, {"text": "x" * 121}, "Use 120 characters at most."),
        (ProfilePart.ABOUT, {"text": ""}, "or leave it out."),
        (ProfilePart.ABOUT, {"text": "x" * 4001}, "Use 4,000 characters at most."),
        (ProfilePart.ABOUT, {"text": "x" * 3950}, "shorten these words by 22 characters"),
        (ProfilePart.YEARS, {"years": "many"}, "Write a number of years from 0 to 70."),
        (ProfilePart.YEARS, {"years": "-1"}, "Write a number of years from 0 to 70."),
        (ProfilePart.YEARS, {}, "Write a whole number of years"),
        (ProfilePart.LICENCE, {"title": "Bar"}, "Write who issued it."),
    ],
)
def test_what_cannot_stand_in_a_profile_is_said_and_changes_nothing(
    session, user, interview, offer, client, part, fields, words
):
    expert = profile.of(session, user.id)
    expert.about = "y" * 70
    one = offer(part)

    answered = answer(client, one, **fields)

    assert answered.status_code == 422
    assert words in answered.text
    assert "One thing to put right" in answered.text
    session.expire_all()
    assert one.state is SuggestionState.OPEN
    assert (expert.headline, expert.about, expert.years) == ("", "y" * 70, None)


def test_a_second_click_changes_nothing(session, user, interview, offer, client):
    one = offer(ProfilePart.ABOUT)
    answer(client, one, text="First.")

    for choice in ("accept", "decline"):
        again = answer(client, one, choice, text="Second.")
        assert again.status_code == 302
    assert answer(client, one, text="").status_code == 302

    session.expire_all()
    assert profile.of(session, user.id).about == "First."
    assert one.state is SuggestionState.ACCEPTED
    assert "You had answered this suggestion before" in page(client, interview)


def test_leaving_out_asks_for_no_words(session, user, interview, offer, client):
    one = offer(ProfilePart.HEADLINE)

    answer(client, one, "decline", text="")

    session.expire_all()
    assert one.state is SuggestionState.DECLINED
    assert profile.of(session, user.id).headline == ""


@pytest.mark.parametrize(
    "change", ["quote = 'x'", "value = '{}'", "llm_model = NULL", "part = 'about'"]
)
def test_the_quote_and_what_was_found_stay(session, offer, change):
    offer(ProfilePart.HEADLINE)

    with pytest.raises(DBAPIError, match="stays as it was said"), session.begin_nested():
        session.execute(text(f"UPDATE profile_suggestion SET {change}"))


def test_what_was_not_accepted_has_no_words_of_its_person(session, offer):
    offer(ProfilePart.HEADLINE)

    with pytest.raises(DBAPIError, match="own_once_accepted"), session.begin_nested():
        session.execute(text("UPDATE profile_suggestion SET own = '{}'"))
