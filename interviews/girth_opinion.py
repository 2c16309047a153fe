"""A second opinion on a calibration: the same answers, estimated by girth without the authors.

girth is loaded only when it is asked, since it brings all of SciPy with it (about 3 seconds and 90
MB); where it is not installed a calibration says that it had no second opinion. Its estimates do
not count for anybody: they only tell how far ours rest on the answers.
"""

import importlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from interviews.calibrating import Answers, Calibrated

log = logging.getLogger(__name__)

ANSWERS = 100  # of an item: with fewer, an estimate without a prior tells nothing
ITEMS = 5
OPTIONS = {"hyper_quadrature_n": 21, "max_iteration": 20}


class GirthAbsent(RuntimeError):
    """The library girth is not installed here: install it for second opinions on calibrations."""


@dataclass(frozen=True)
class Opinion:
    """How the places of items go with those that girth finds: a correlation, over so many."""

    agrees: float
    items: int


def ask(answers: Answers, found: Sequence[Calibrated]) -> Opinion | None:
    """Return how girth's places go with ours; None with too few answers to tell."""
    kept = [number for number, one in enumerate(found) if _is_telling(answers, number, one)]
    if len(kept) < ITEMS:
        return None
    girth = _girth()
    table = np.full((len(kept), answers.people), girth.INVALID_RESPONSE)
    for row, number in enumerate(kept):
        rows, places = answers.of(number)
        table[row, rows] = answers.categories[rows, places]
    known = list(range(int(answers.categories.max()) + 1))
    try:
        result = girth.grm_mml_eap(girth.tag_missing_data(table, known), OPTIONS)
    except (ValueError, ArithmeticError, IndexError, np.linalg.LinAlgError) as trouble:
        log.warning("girth could not estimate: %s", type(trouble).__name__)
        return None
    theirs = np.nanmean(result["Difficulty"], axis=1)
    ours = np.array([found[number].place for number in kept])
    if not (np.isfinite(theirs).all() and theirs.std() and ours.std()):
        return None
    return Opinion(float(np.clip(np.corrcoef(theirs, ours)[0, 1], -1, 1)), len(kept))


def _is_telling(answers: Answers, number: int, one: Calibrated) -> bool:
    rows, places = answers.of(number)
    there = np.unique(answers.categories[rows, places])
    return one.answers >= ANSWERS and there.size == one.curve.categories


def _girth() -> Any:
    try:
        return importlib.import_module("girth")
    except ModuleNotFoundError as missing:
        raise GirthAbsent(str(GirthAbsent.__doc__)) from missing
