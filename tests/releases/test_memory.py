"""What a build holds in memory does not grow with the number of rows."""

import json
import tracemalloc
from dataclasses import replace
from functools import partial

import numpy as np
import pyarrow as pa

from annotation.released import Batch
from releases import gathering, spool
from releases.recipe import Recipe
from releases.rows import Setting
from tests.factories.annotation import choice

SIZE = 60
# Of a row stay eight bytes for finding duplicates, and what their array keeps free.
BY_ROW = 40


texts = partial(pa.array, type=pa.string())


def steps(count):
    """Yield batches of different tasks, as the database gives them."""
    numbers = np.arange(SIZE, dtype=np.int64)
    made = Batch(
        project_id=1,
        task_ids=numbers,
        external_ids=texts([]),
        group_keys=texts(["g"] * SIZE),
        data=texts([]),
        gold={},
        places=np.repeat(numbers, 3),
        assignments=np.arange(3 * SIZE),
        experts=np.tile(np.arange(3), SIZE),
        states=texts(["accepted"] * 3 * SIZE),
        rules=texts([None] * 3 * SIZE),
        submitted=np.zeros(3 * SIZE, np.int64),
        decided=np.ones(3 * SIZE, np.int64),
        seconds=np.full(3 * SIZE, 60),
        pays=np.full(3 * SIZE, 420),
        currencies=texts(["eur"] * 3 * SIZE),
        results=texts([]),
    )
    for step in range(count):
        names = [f"t-{step}-{number}" for number in range(SIZE)]
        yield replace(
            made,
            external_ids=texts(names),
            data=texts([json.dumps({"text": f"Clause {name} " * 20}) for name in names]),
            results=texts(
                [json.dumps(choice("grant", (0, 5 + at % 7, "Party"))) for at in range(3 * SIZE)]
            ),
        )


def peak(folder, count):
    folder.mkdir()
    pa.default_memory_pool().release_unused()
    tracemalloc.start()
    held, most = pa.total_allocated_bytes(), 0

    def beat(_rows):
        nonlocal most
        most = max(most, pa.total_allocated_bytes() - held)

    gathered = gathering.gather(folder, steps(count), Setting(Recipe(), 1, {}), ["text"], beat)
    found = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert gathered.rows == count * SIZE
    return found + most


def test_four_times_the_rows_need_no_more_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(spool, "AT_ONCE", SIZE)
    peak(tmp_path / "warm", 1)

    # How many steps are on their way at once is up to threads; what grows with rows always does.
    runs = [[peak(tmp_path / f"{run} {count}", count) for count in (3, 12)] for run in range(3)]
    few, many = max(one for one, _ in runs), min(many for _, many in runs)

    assert many - few < BY_ROW * 9 * SIZE + 0.1 * few
