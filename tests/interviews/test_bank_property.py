"""Whatever the editor can publish can be planned and run: banks of any shape it lets through."""

import copy
from random import Random

import pytest

from experts.fields import Field
from interviews import (
    ability,
    adaptive,
    bank_check,
    bank_forms,
    course,
    curves,
    graded,
    items,
    plan,
    scoring,
)
from interviews.graded import Answered
from interviews.items import Bank
from tests.factories.interviews import right_answer

LAW = items.banks()[Field.LAW].model_dump(mode="json")
ADAPTIVE = True


def bank_of(seed):
    """A bank as somebody might leave it: items gone, numbers at their ends, rules changed."""
    random, content = Random(seed), copy.deepcopy(LAW)
    keys = random.sample(list(content["competencies"]), random.randint(2, 5))
    content["competencies"] = {key: content["competencies"][key] for key in keys}
    share = random.choice([0.2, 0.5, 1.0])
    content["items"] = [
        item
        for item in content["items"]
        if item["competency"] in keys and (item["core"] or random.random() < share)
    ]
    for item in content["items"]:
        item["difficulty"] = random.choice([-3, 0, 3, item["difficulty"]])
        item["discrimination"] = random.choice([0.2, 1, 3])
        item["exposure_cap"] = random.choice([0, 0.4, 1])
    content["template"]["per_competency"] = random.randint(1, 4)
    least = random.randint(1, 8)
    adaptive_ = {"least": least, "most": least + random.choice([0, 3, 100])}
    content["template"]["adaptive"] = random.choice([None, adaptive_, adaptive_])
    content["rule"] |= {
        "pass_mark": random.choice([0, 0.6, 1]),
        "floor": random.choice([0, 1]),
        "certainty": random.choice([0.51, 0.9, 0.999]),
    }
    return content


def run(bank, attempt, random):
    """Answer an interview whose questions follow from the answers, and score it."""
    left = {one.id: one for one in curves.pool(bank, plan.series_of(attempt))}
    asked, given = [], []
    while True:
        now = ability.estimate((one.graded for one in given), certainty=bank.rule.certainty)
        if adaptive.ending(course.of(bank), asked, list(left.values()), now):
            break
        found = adaptive.choose(course.of(bank), asked, list(left.values()), now, random)
        item = bank.item(found.id)
        plan.step(item, found.curve, random)
        answer = right_answer(item) if random.random() < 0.5 else None
        points = scoring.mark(item.question, answer).points
        given.append(Answered(item.competency, found.curve, points))
        asked.append(left.pop(found.id))
    card = graded.scorecard(given, bank)
    scoring.verdict(card, bank.rule, best=card.total)
    return asked


def test_every_bank_that_can_be_published_can_be_planned_and_run():
    published = 0
    for seed in range(60):
        content = bank_of(seed)
        if bank_check.of_bank(content):
            continue
        published += 1
        bank = Bank.model_validate(content)
        for attempt in (1, 2):
            steps = plan.draw(bank, str(seed), attempt=attempt)
            assert len(steps) == bank.template.per_competency * len(bank.competencies)
            if bank.template.adaptive is not None:
                asked = run(bank, attempt, Random(seed))
                cores = sum(one.is_core for one in asked)
                assert cores == len(bank.competencies)
                assert len(asked) <= bank.questions
    assert published >= 10


def test_what_the_check_lets_through_is_a_bank_and_nothing_else(app):
    with app.test_request_context():
        for seed in range(80):
            content = bank_of(seed)
            try:
                Bank.model_validate(content)
            except ValueError:
                assert bank_check.of_bank(content), seed
            else:
                found = bank_check.of_bank(content)
                # A mark that nobody can reach is no fault of form (tests of `reach` ask for it).
                assert {one.path for one in found} <= {"rule.floor", "rule.pass_mark"}, seed


@pytest.mark.parametrize("field", list(items.banks()))
def test_every_starter_bank_can_be_published(field):
    assert bank_check.of_bank(items.banks()[field].model_dump(mode="json")) == []


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Avis écrit + Délai", "avis ecrit + delai"),
        ("licen* + written !no need", "licen* + written !no need"),
        ("L’accord, préalable", "l accord prealable"),
        ("***", "* * *"),
        ("  ", ""),
    ],
)
def test_forms_are_kept_as_answers_are_read(typed, kept):
    assert bank_check.form_of_words(typed) == kept


def test_the_forms_of_the_starter_banks_are_written_so_already():
    for bank in items.banks().values():
        for item in bank.items:
            for check in getattr(item.question, "checks", {}).values():
                assert [bank_check.form_of_words(form) for form in check.forms] == check.forms


def test_an_order_never_stands_in_the_names_of_its_options():
    item = bank_forms.new_item("law-501", "ordering", "contract")
    item["question"]["options"] = {key: {"en": key, "fr": key} for key in "abc"}
    item["question"]["answer"] = list("abc")

    moved = bank_forms.act(item, "up:question.options:b")

    answer = moved["question"]["answer"]
    assert [moved["question"]["options"][key]["en"] for key in answer] == ["b", "a", "c"]
    assert answer != sorted(answer)
