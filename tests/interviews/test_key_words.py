"""Key words without a sentence: counted by people only, and no honest answer is worse off."""

import pytest

from interviews import adaptive, being_read, course, editions, evidence, items, key_words, scoring
from interviews.ability import Estimate
from interviews.adaptive import Course, Ending
from interviews.items import Short
from interviews.judge_models import Why
from interviews.models import State
from interviews.personas.cast import PERSONAS
from proofs.redteam import corpus
from tests.factories.interviews import answer_all, make_interview, right

ADAPTIVE = True
SHORTS = [
    item
    for bank in items.banks().values()
    for item in bank.items
    if isinstance(item.question, Short)
]
TERSE = next(one for one in PERSONAS if one.name == "terse")
WAYS = [", ", " ", "\n", ". ", "; ", " and ", "\n- "]


def listed(question, between, *, form=0):
    """Return the words that the checks look for, one after another."""
    found = []
    for check in question.checks.values():
        wanted = check.forms[min(form, len(check.forms) - 1)].split("!")[0]
        found += [term.strip().replace("*", "") for term in wanted.split("+")]
    return between.join(found)


@pytest.mark.parametrize("between", WAYS)
def test_a_list_of_what_is_looked_for_earns_nothing_by_itself_and_is_seen_as_one(between):
    for item in SHORTS:
        for form in (0, 1, -1):
            mark = scoring.mark(item.question, {"text": listed(item.question, between, form=form)})
            assert mark.points == 0
            assert mark.key_words or between not in (", ", " ", " and ")


def test_short_honest_answers_keep_their_points():
    for item in SHORTS:
        for language in ("en", "fr"):
            assert evidence.read(item.question.accepted.in_(language), item.question.checks)
            for text in (
                item.question.accepted.in_(language),
                TERSE.words(item.question, language),
            ):
                mark = scoring.mark(item.question, {"text": text})
                assert mark.points == 1
                assert not mark.key_words
    for one in corpus.innocents():
        assert not evidence.is_key_words(one.words, one.question.question.checks)


def test_a_list_after_a_sentence_is_found_too():
    question = next(item.question for item in SHORTS if item.id == "law-014")
    both = f"{listed(question, ', ')}, {listed(question, ', ', form=1)}"
    words = f"I have known this for many years. {both}"
    said = "A copy that was sold in the EU with consent may be sold on: the right is exhausted."

    assert evidence.is_key_words(listed(question, ", "), question.checks)
    assert not any(one.met for one in evidence.read(words, question.checks))
    assert any(one.met for one in evidence.read(f"{said} {words}", question.checks))


@pytest.mark.parametrize("between", WAYS)
def test_a_sentence_that_says_nothing_does_not_help_a_list(between):
    fills = ("I have known this for many years. ", "In my view the answer is as follows. ")
    lists = [
        (item, fill + listed(item.question, between))
        for item in SHORTS
        for fill in fills
        if len(listed(item.question, " ").split()) > 2
    ]

    earned = [
        words for item, words in lists if scoring.mark(item.question, {"text": words}).points == 1
    ]
    kept = [
        scoring.mark(item.question, {"text": fills[0] + item.question.accepted.in_("en")}).points
        for item in SHORTS
    ]

    assert lists
    assert earned == []
    assert set(kept) == {1}


def test_numbers_and_nothing_are_no_lists():
    assert key_words.of([], []) == frozenset()
    assert key_words.of([" 30 "], []) == frozenset()
    assert not evidence.is_key_words("30", {})


def test_who_lists_key_words_waits_for_a_person_with_that_reason(session):
    interview = make_interview(session)

    def lists(place, item):
        if isinstance(item.question, Short):
            return {"text": listed(item.question, ", ")}
        return right(place, item) if place % 2 else None

    answer_all(session, interview, lists)

    bank, responses = editions.of(session, interview), editions.responses(session, interview)
    left = being_read.open_answers(bank, responses)
    assert left
    assert all(one.mark["key_words"] and one.points == 0 for one in left)
    row = being_read.of(session, interview)
    if interview.state is State.REVIEW:
        assert {being_read.why(session, one, row) for one in left} == {Why.KEY_WORDS}


def estimate(low, high):
    return Estimate(mean=(low + high) / 2, deviation=0.3, low=low, high=high)


@pytest.mark.parametrize(
    ("now", "best", "ends"),
    [
        (estimate(-2, -1), None, True),
        (estimate(-2, -1), estimate(-1.5, -0.5), True),
        (estimate(-2, -1), estimate(-0.5, 0.5), False),  # the reader could decide
        (estimate(0.5, 1), estimate(1, 2), True),  # clear above, whatever is found
        (estimate(-0.5, 0.5), estimate(0.5, 1), False),
    ],
)
def test_what_nobody_has_read_is_not_known_to_be_wrong(now, best, ends):
    asked = [adaptive.Candidate(str(one), "a", None) for one in range(6)]
    left = [adaptive.Candidate("x", "a", None)]

    ending = adaptive.ending(Course(least=5, most=12), asked, left, now, best)

    assert ending is (Ending.CLEAR if ends else None)


def test_unread_words_keep_an_interview_going_where_they_could_decide(session):
    def words_only(_place, item):
        return (
            {"text": "I would say it otherwise than you look for it, and at length."}
            if (isinstance(item.question, Short))
            else None
        )

    blank = answer_all(session, make_interview(session), lambda _place, _item: None)
    unread = answer_all(session, make_interview(session), words_only)

    assert unread.length >= blank.length
    known = course.of(items.banks()[unread.field])
    assert known.least <= unread.length <= known.most
