"""Banks for tests of interviews: planned at their start, but where a module is about adaptive ones.

Both are ways that a bank may choose. What does not depend on it is tested with the simpler one,
whose length is known; a module with `ADAPTIVE = True` has the banks as they are.
"""

from functools import cache

import pytest

from interviews import items
from interviews.items import Bank, banks


@pytest.fixture(autouse=True)
def planned_banks(request, monkeypatch):
    if not getattr(request.module, "ADAPTIVE", False):
        monkeypatch.setattr(items, "banks", planned_at_start)


@cache
def planned_at_start():
    """Return the banks with interviews that are drawn by lot at their start."""
    found = {}
    for field, bank in banks().items():
        content = bank.model_dump()
        content["template"]["adaptive"] = None
        found[field] = Bank.model_validate(content)
    return found
