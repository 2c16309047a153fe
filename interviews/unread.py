"""Answers in words that nobody has read yet: what is not found there may yet be there."""

from collections.abc import Sequence

from interviews.items import Bank, Short
from interviews.models import Response


def points(bank: Bank, responses: Sequence[Response]) -> dict[str, float]:
    """Return the points that no check found in answers in words, by item; a blank has none.

    What a person has read leaves none. What only judges have read does: they add points and take
    no chance away.
    """
    return {
        response.item_id: 1 - response.points
        for response in responses
        if response.answer is not None
        and isinstance(bank.item(response.item_id).question, Short)
        and not response.mark.get("read_by")
    }
