"""Lines of CSV that no spreadsheet runs: a text that begins like a formula is set in quotes."""

import csv
import io
import re

STARTS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")


def line(*cells: str) -> str:
    """Return one line; numbers stay numbers, whatever their sign."""
    out = io.StringIO()
    csv.writer(out).writerow(map(safe, cells))
    return out.getvalue()


def safe(cell: str) -> str:
    """Return a cell that no spreadsheet runs."""
    # Spaces before it do not stop a spreadsheet.
    starts = cell.lstrip(" \N{NO-BREAK SPACE}").startswith(STARTS_FORMULA)
    return f"'{cell}" if starts and not NUMBER.fullmatch(cell) else cell
