"""Tax identification numbers: whether one can be right, in the countries whose rule is known here.

Pure. Formats and check digits are those that the countries publish (the European Commission lists
most of them: "TIN by country"). A number that fails is asked about and never refused: rules change,
and some people have a number of an older kind. `problem` is the only door: a library such as
python-stdnum can stand behind it instead.
"""

import re
from collections.abc import Callable
from datetime import date

EU = frozenset(
    {"AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU"}
    | {"IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK"}
)
# Greece writes EL before its VAT numbers, Northern Ireland XI.
VAT_PREFIXES = (EU - {"GR"}) | {"EL", "XI"}
NOISE = re.compile(r"[\s\u00a0\u202f./\\-]+")
LONGEST = 30


def plain(number: str) -> str:
    """Return a number without the spaces and dashes that people set, in capitals."""
    return NOISE.sub("", number).upper()[:LONGEST]


def masked(number: str) -> str:
    """Return what may be shown of a number: its end, and less of a short one."""
    shown = number[-3:] if len(number) > 6 else number[-1:]
    return f"…{shown}" if number else ""


def looks_wrong(country: str, number: str) -> bool:
    """Whether a number cannot be one of a country, as far as we know its rule."""
    found = plain(number)
    if country in CHECKS:
        return not CHECKS[country](found)
    return len(found) < 4 or not any(one.isdigit() for one in found)


def vat_looks_wrong(number: str) -> bool:
    """Whether a VAT number does not begin as those of the EU, or has an odd length."""
    found = plain(number)
    return found[:2] not in VAT_PREFIXES or not re.fullmatch(r"[A-Z]{2}[0-9A-Z+*]{8,12}", found)


def _digits(number: str, count: int) -> bool:
    return len(number) == count and number.isascii() and number.isdecimal()


def _luhn(number: str) -> bool:
    doubled = (int(one) * (1 + at % 2) for at, one in enumerate(reversed(number)))
    return sum(value // 10 + value % 10 for value in doubled) % 10 == 0


def _weighed(number: str, weights: tuple[int, ...]) -> int:
    return sum(int(one) * weight for one, weight in zip(number, weights, strict=False))


def _is_day(day: str, month: str, year: str) -> bool:
    try:
        return bool(date(2000 + int(year) if len(year) == 2 else int(year), int(month), int(day)))
    except ValueError:
        return False


def _belgium(number: str) -> bool:
    if not _digits(number, 11):
        return False
    check = int(number[9:])
    return any(97 - int(born + number[:9]) % 97 == check for born in ("", "2"))


def _germany(number: str) -> bool:
    if not _digits(number, 11) or number[0] == "0":
        return False
    rest = 10
    for one in number[:10]:
        rest = (int(one) + rest) % 10 or 10
        rest = rest * 2 % 11
    return (11 - rest) % 10 == int(number[10])


def _spain(number: str) -> bool:
    if not re.fullmatch(r"[0-9XYZ][0-9]{7}[A-Z]", number):
        return bool(re.fullmatch(r"[KLM][0-9]{7}[A-Z]", number))
    value = int(number[:8].translate(str.maketrans("XYZ", "012")))
    return "TRWAGMYFPDXBNJZSQVHLCKE"[value % 23] == number[8]


def _finland(number: str) -> bool:
    found = re.fullmatch(r"([0-9]{2})([0-9]{2})([0-9]{2})[-+A-FU-Y]?([0-9]{3})([0-9A-Y])", number)
    if not found:
        return False
    day, month, year, serial, check = found.groups()
    letters = "0123456789ABCDEFHJKLMNPRSTUVWXY"
    return letters[int(day + month + year + serial) % 31] == check


def _france(number: str) -> bool:
    return (
        _digits(number, 13) and number[0] in "0123" and int(number[:10]) % 511 == int(number[10:])
    )


def _ireland(number: str) -> bool:
    found = re.fullmatch(r"([0-9]{7})([A-W])([A-IW]?)", number)
    if not found:
        return False
    digits, check, second = found.groups()
    extra = 0 if second in ("", "W") else 9 * (ord(second) - 64)
    return (
        "WABCDEFGHIJKLMNOPQRSTUV"[(_weighed(digits, (8, 7, 6, 5, 4, 3, 2)) + extra) % 23] == check
    )


def _italy(number: str) -> bool:
    if not re.fullmatch(
        r"[A-Z]{6}[0-9L-NP-V]{2}[A-EHLMPR-T][0-9L-NP-V]{2}[A-Z][0-9L-NP-V]{3}[A-Z]", number
    ):
        return False
    odd = (
        1,
        0,
        5,
        7,
        9,
        13,
        15,
        17,
        19,
        21,
        2,
        4,
        18,
        20,
        11,
        3,
        6,
        8,
        12,
        14,
        16,
        10,
        22,
        25,
        24,
        23,
    )
    values = [int(one) if one.isdecimal() else ord(one) - 65 for one in number]
    total = sum(odd[value] if at % 2 == 0 else value for at, value in enumerate(values[:15]))
    return chr(65 + total % 26) == number[15]


def _netherlands(number: str) -> bool:
    digits = number.zfill(9)
    return (
        _digits(digits, 9)
        and int(digits) > 0
        and _weighed(digits, (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0
    )


def _poland(number: str) -> bool:
    if _digits(number, 10):
        return _weighed(number[:9], (6, 5, 7, 2, 3, 4, 5, 6, 7)) % 11 == int(number[9])
    if not _digits(number, 11):
        return False
    return -_weighed(number[:10], (1, 3, 7, 9, 1, 3, 7, 9, 1, 3)) % 10 == int(number[10])


def _portugal(number: str) -> bool:
    if not _digits(number, 9):
        return False
    check = 11 - _weighed(number[:8], (9, 8, 7, 6, 5, 4, 3, 2)) % 11
    return (0 if check > 9 else check) == int(number[8])


def _sweden(number: str) -> bool:
    short = number[2:] if _digits(number, 12) else number.replace("+", "")
    return _digits(short, 10) and _luhn(short)


def _switzerland(number: str) -> bool:
    return (
        _digits(number, 13)
        and number.startswith("756")
        and _weighed(number, (1, 3) * 6 + (1,)) % 10 == 0
    )


def _britain(number: str) -> bool:
    if _digits(number.removesuffix("K"), 10):
        return True
    return bool(
        re.fullmatch(
            r"(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z][0-9]{6}[A-D]?", number
        )
    )


def _united_states(number: str) -> bool:
    # Social security, employer and individual taxpayer numbers have nine digits each.
    return _digits(number, 9) and number[:3] != "000" and len(set(number)) > 1


CHECKS: dict[str, Callable[[str], bool]] = {
    "AT": lambda number: _digits(number, 9),
    "BE": _belgium,
    "CA": lambda number: _digits(number, 9) and _luhn(number),
    "CH": _switzerland,
    "DE": _germany,
    "DK": lambda number: _digits(number, 10) and _is_day(number[:2], number[2:4], number[4:6]),
    "ES": _spain,
    "FI": _finland,
    "FR": _france,
    "GB": _britain,
    "IE": _ireland,
    "IT": _italy,
    "LU": lambda number: _digits(number, 13) and _is_day(number[6:8], number[4:6], number[:4]),
    "NL": _netherlands,
    "PL": _poland,
    "PT": _portugal,
    "SE": _sweden,
    "US": _united_states,
}
