"""Every item of every bank is sound: it can be asked in both languages and is scored fairly."""

import re
from collections import Counter

import pytest
from pydantic import ValidationError

from experts.fields import Field
from interviews import evidence, scoring
from interviews.forms import filled, number_of
from interviews.items import (
    Bank,
    Case,
    Item,
    Multiple,
    Numeric,
    Ordering,
    Sentence,
    Short,
    Single,
    banks,
)
from tests.factories.interviews import right_answer

EVERY = [item for bank in banks().values() for item in bank.items]
# A bank is full when its interview asks three questions in each competency.
FULL = [bank for bank in banks().values() if bank.template.per_competency >= 3]
QUESTIONS = [
    part
    for item in EVERY
    for part in (
        item.question.parts.values() if isinstance(item.question, Case) else [item.question]
    )
]


def every(kind):
    return [(item.id, item.question) for item in EVERY if isinstance(item.question, kind)]


@pytest.mark.parametrize("bank", FULL, ids=lambda bank: bank.field)
def test_a_full_bank_has_enough_items_of_every_kind(bank: Bank):
    kinds = Counter(item.kind for item in bank.items)

    assert len(bank.items) >= 40
    assert set(kinds) == {"single", "multiple", "ordering", "numeric", "short", "sentence", "case"}
    assert kinds["single"] <= len(bank.items) / 2


@pytest.mark.parametrize("bank", FULL, ids=lambda bank: bank.field)
def test_a_full_bank_has_enough_items_in_every_competency(bank: Bank):
    for key in bank.competencies:
        items = bank.of(key)
        assert len(items) >= 8, key
        assert {item.core for item in items} == {"A", "B", None}, key


def test_law_medicine_and_finance_have_full_banks():
    assert {bank.field for bank in FULL} >= {Field.LAW, Field.MEDICINE, Field.FINANCE}


def test_ids_are_used_once_in_all_banks():
    assert len({item.id for item in EVERY}) == len(EVERY)


@pytest.mark.parametrize("item", EVERY, ids=lambda item: item.id)
def test_a_right_answer_earns_the_point_in_both_languages(item: Item):
    for language in ("en", "fr"):
        assert scoring.mark(item.question, right_answer(item, language)).points == 1


@pytest.mark.parametrize("item", EVERY, ids=lambda item: item.id)
def test_no_answer_earns_nothing(item: Item):
    assert scoring.mark(item.question, None).points == 0


@pytest.mark.parametrize("item", EVERY, ids=lambda item: item.id)
def test_the_words_are_whole_in_both_languages(item: Item):
    for text in texts(item.model_dump()):
        assert text["en"][0] == text["en"][0].strip()
        assert "  " not in text["en"] + text["fr"]
        assert "'" not in text["en"] + text["fr"], text
        bare = re.search(r"\w [;?!]|\w :(?=\s|$)|« \w|\w »", text["fr"])
        assert not bare, f"no no-break space: {text['fr']}"


@pytest.mark.parametrize(("item_id", "question"), every(Short))
def test_a_wrong_answer_in_words_meets_no_check(item_id: str, question: Short):
    for language in ("en", "fr"):
        read = evidence.read(question.refused.in_(language), question.checks)

        assert not [one.check for one in read if one.met], item_id


@pytest.mark.parametrize(("item_id", "question"), every(Short))
def test_the_question_itself_is_no_answer(item_id: str, question: Short):
    for language in ("en", "fr"):
        mark = scoring.mark(question, {"text": question.prompt.in_(language)})

        assert mark.points < 1, f"{item_id}: copying the question would pass"


@pytest.mark.parametrize(("item_id", "question"), every(Short))
def test_every_check_can_be_met_by_a_form_of_its_own(item_id: str, question: Short):
    for key, check in question.checks.items():
        for form in check.forms:
            words = form.split("!")[0].replace("*", "").replace("+", " ")
            assert evidence.holds(words, form), (item_id, key, form)


@pytest.mark.parametrize("question", [q for q in QUESTIONS if isinstance(q, Numeric)])
def test_numbers_can_be_written_down_as_they_are_meant(question: Numeric):
    written = f"{question.answer:g}"

    assert number_of(written) == question.answer
    assert number_of(written.replace(".", ",")) == question.answer


def test_the_right_option_is_not_always_at_the_same_place_or_the_longest():
    for bank in banks().values():
        singles = [item.question for item in bank.items if isinstance(item.question, Single)]
        keys = Counter(question.answer for question in singles)
        assert max(keys.values()) <= len(singles) * 0.5, bank.field
        longest = [
            q for q in singles if q.answer == max(q.options, key=lambda k: len(q.options[k].en))
        ]
        assert len(longest) <= len(singles) * 0.55, bank.field


def test_blind_guessing_does_not_pass_any_bank():
    for bank in banks().values():
        assert guessing(bank) < bank.rule.pass_mark - 0.2


def test_the_fields_of_a_right_answer_have_their_documented_names():
    for item in EVERY:
        names = set(filled(item))
        if item.kind == "ordering":
            assert all(name.startswith("rank_") for name in names)
        elif item.kind == "case":
            assert all(name.startswith("answer_") for name in names)
        else:
            assert names == {"answer"}


@pytest.mark.parametrize(
    "change",
    [
        {"answer": "z"},
        {"options": {"a": {"en": "One", "fr": "Un"}, "b": {"en": "Two", "fr": "Deux"}}},
        {"prompt": {"en": "Only English"}},
        {"surprise": 1},
    ],
)
def test_an_unsound_question_is_refused(change):
    item = next(item for item in EVERY if item.kind == "single").model_dump()
    item["question"] |= change

    with pytest.raises(ValidationError):
        Item.model_validate(item)


def test_an_order_that_its_names_give_away_is_refused():
    item = next(item for item in EVERY if item.kind == "ordering").model_dump()
    item["question"]["answer"] = sorted(item["question"]["answer"])

    with pytest.raises(ValidationError, match="give the order away"):
        Item.model_validate(item)


@pytest.mark.parametrize("changed", ["id", "prompt", "core", "competency"])
def test_an_unsound_bank_is_refused(changed):
    content = banks()[Field.LAW].model_dump()
    items = content["items"]
    if changed == "id":
        items[1]["id"] = items[0]["id"]
    elif changed == "prompt":
        items[1] = items[0] | {"id": "law-999", "core": items[1]["core"]}
    elif changed == "core":
        items[0]["core"] = None
    else:
        items[5]["competency"] = "astrology"

    with pytest.raises(ValidationError):
        Bank.model_validate(content)


def guessing(bank: Bank) -> float:
    """The mean points of somebody who chooses at random and writes nothing."""
    return sum(chance(item.question) for item in bank.items) / len(bank.items)


def chance(question) -> float:
    if isinstance(question, Single | Sentence):
        return 1 / len(question.options)
    if isinstance(question, Multiple):
        return 0.25
    if isinstance(question, Ordering):
        return 0.2
    if isinstance(question, Case):
        return sum(map(chance, question.parts.values())) / len(question.parts)
    return 0.0


def texts(value):
    if isinstance(value, dict):
        if set(value) == {"en", "fr"}:
            yield value
            return
        value = value.values()
    if isinstance(value, list) or not isinstance(value, str | int | float | None):
        for one in value:
            yield from texts(one)
