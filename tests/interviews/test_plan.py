"""Plans: the same for the same seed, balanced, fresh on a retake. Pure."""

from collections import Counter

import pytest

from interviews import plan
from tests.interviews.conftest import planned_at_start

BANKS = list(planned_at_start().values())


@pytest.mark.parametrize("bank", BANKS, ids=lambda bank: bank.field)
class TestEachBank:
    def test_a_plan_is_the_same_for_the_same_seed(self, bank):
        assert plan.draw(bank, "seed") == plan.draw(bank, "seed")
        assert plan.draw(bank, "seed") != plan.draw(bank, "other seed")

    @pytest.mark.parametrize("attempt", [1, 2, 3])
    def test_competencies_are_balanced_and_everybody_has_the_core(self, bank, attempt):
        for seed in map(str, range(30)):
            items = [bank.item(step.item) for step in plan.draw(bank, seed, attempt=attempt)]
            assert len({item.id for item in items}) == bank.questions
            counts = Counter(item.competency for item in items)
            assert set(counts.values()) == {bank.template.per_competency}
            core = {item.competency for item in items if item.core == plan.series_of(attempt)}
            assert core == set(bank.competencies)
            assert not [i for i in items if i.core and i.core != plan.series_of(attempt)]

    def test_easier_questions_come_first(self, bank):
        items = [bank.item(step.item) for step in plan.draw(bank, "seed")]
        thirds = [plan._stride(item) for item in items]
        assert thirds == sorted(thirds)

    def test_options_are_shuffled_and_whole(self, bank):
        orders = set()
        for seed in map(str, range(40)):
            for step in plan.draw(bank, seed):
                question = bank.item(step.item).question
                if question.kind in ("single", "multiple", "ordering"):
                    assert sorted(step.order[plan.WHOLE]) == sorted(question.options)
                    orders.add(tuple(step.order[plan.WHOLE]))
                if question.kind == "ordering":
                    assert step.order[plan.WHOLE] != question.answer
        assert len(orders) > 20

    def test_no_item_is_asked_much_more_often_than_its_share(self, bank):
        drawn = Counter(s.item for seed in range(400) for s in plan.draw(bank, str(seed)))
        free = [item for item in bank.items if item.core is None]
        mean = sum(drawn[item.id] for item in free) / len(free)
        assert all(drawn[item.id] < 2 * mean + 20 for item in free)
        assert all(drawn[item.id] > 0 for item in free)


def test_a_retake_asks_other_questions_while_there_are_any():
    law = next(bank for bank in BANKS if bank.field == "law")
    first = plan.draw(law, "a", attempt=1)
    seen = {step.item for step in first}
    second = plan.draw(law, "b", attempt=2, seen=seen)
    seen |= {step.item for step in second}
    third = plan.draw(law, "c", attempt=3, seen=seen)

    assert not {step.item for step in first} & {step.item for step in second}
    repeated = [law.item(step.item) for step in third if step.item in seen]
    assert all(item.core == "A" for item in repeated)
