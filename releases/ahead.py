"""What comes one after the other, made by a thread while the one before is looked at."""

from collections.abc import Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

One = TypeVar("One")


def ahead(found: Iterable[One]) -> Generator[One, None, None]:
    """Yield what comes, in its order; while one is looked at, a thread makes the next."""
    left, end = iter(found), object()
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, left, end)
        while (one := coming.result()) is not end:
            coming = pool.submit(next, left, end)
            yield one  # type: ignore[misc]
