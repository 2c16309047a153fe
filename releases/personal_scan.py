"""Looks for personal data in the words of tasks, and masks it. Pure, offline, in any language.

It finds what has a form that can be checked: addresses of mail and of machines, telephone
numbers, bank accounts, payment cards, and national numbers with a check digit. It cannot find
names (`person_names.py` can, where it is installed), places, dates of birth or what a story tells
of a person; the report says so. Numbers are checked by `phonenumbers` and `python-stdnum`, so that
few others are taken for them.
"""

import ipaddress
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import phonenumbers
import pyarrow as pa
import pyarrow.compute as pc
from stdnum import iban, luhn
from stdnum.exceptions import ValidationError
from stdnum.fr import nir

EMAIL, PHONE, IBAN, CARD, ADDRESS, FRENCH, AMERICAN = (
    "email",
    "phone",
    "iban",
    "card",
    "ip",
    "fr_nir",
    "us_ssn",
)
KINDS = (EMAIL, PHONE, IBAN, CARD, ADDRESS, FRENCH, AMERICAN)
# What is tried for numbers without a country: where instances of English and French work stand.
REGIONS = ("FR", "GB", "US", "BE", "CH", "CA")
_EMAIL = re.compile(
    r"[A-Za-z0-9][\w.!#$%&'*+/=?^`{|}~-]{0,63}@(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}"
)
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?:[ ]?[A-Z0-9]{2,4}){3,8}\b")
_DIGITS = re.compile(r"(?<![\w.])\d(?:[ -]?\d){12,18}(?![\w])")
_NIR = re.compile(r"\b[12]\s?\d\d\s?[01]\d\s?\d[\dAB]\s?\d{3}\s?\d{3}\s?\d\d\b")
_SSN = re.compile(r"\b(?!000|666|9)\d{3}-(?!00)\d\d-(?!0000)\d{4}\b")
_IP = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])")
# A text without a run like this holds no telephone number, and most hold none.
_MAYBE_PHONE = re.compile(r"\d(?:[ ().\-/\u00A0\u202F]{0,2}\d){7}")
# In JSON the letter of an escaped line break stands right before what begins a line.
_MAYBE_IP = re.compile(r"(?:\d{1,3}\.){3}\d")
# What every text has in which something is found, as JSON writes it and as RE2 reads it: there a
# number may stand behind a letter that is part of an escaped sign. Arrow looks in many at once.
_EDGE = r"(?:^|[^\w./\-]|\\[bfnrt]|\\u[0-9a-f]{4})"
_SPACE = r"(?:[\s\p{Z}]|\\[bfnrt]|\\u[0-9a-f]{4})"
_MAYBE = "|".join(
    (
        "@",
        r"(?:^|[^\w]|\\[bfnrt]|\\u[0-9a-f]{4})[A-Z]{2}\p{Nd}{2}(?: ?[A-Z0-9]){6}",
        _EDGE + r"\(?(?:\+|00|0|1[ .\-])?\(?\p{Nd}(?:[ .\-()\x{A0}\x{202F}]{0,2}\p{Nd}){8,13}"
        r"(?:[^\w/\-]|$)",
        r"(?:^|[^\w.]|\\[bfnrt]|\\u[0-9a-f]{4})\p{Nd}(?:[ \-]?\p{Nd}){12}",
        r"(?:^|[^\w]|\\[bfnrt]|\\u[0-9a-f]{4})"
        rf"[12]{_SPACE}?\p{{Nd}}{{2}}{_SPACE}?[01]\p{{Nd}}{_SPACE}?\p{{Nd}}[\p{{Nd}}AB]"
        rf"{_SPACE}?\p{{Nd}}",
        r"\p{Nd}{3}-\p{Nd}\p{Nd}-\p{Nd}{4}",
        r"\p{Nd}\.\p{Nd}{1,3}\.\p{Nd}{1,3}\.\p{Nd}",
    )
)
# What `may_hold` asks, as RE2 reads it and without what stands around it.
_HOLDS = "|".join(
    (
        "@",
        r"\p{Nd}(?:[ ().\-/\x{A0}\x{202F}]{0,2}\p{Nd}){7}",
        r"(?:\p{Nd}{1,3}\.){3}\p{Nd}",
    )
)
# French sets numbers apart by spaces that do not break.
_LOCAL_PHONE = re.compile(
    r"(?<![\w./-])\(?(?:\+|00|0|1[ .-])?\(?\d(?:[ .\-()\u00A0\u202F]{0,2}\d){8,13}(?![\w/-])"
)
_GAP = re.compile(r"[ \u00A0\u202F]+")
# Where a number begins that follows on another one.
_BEGINS = re.compile(r"(?<=[ \u00A0\u202F])(?:\+|\(|0\d)")
# What is so written is a number, whatever stands behind it: dates and counts are not.
_FORMED = re.compile(r"[0+(]|[2-9]\d\d[ .-]\d{3}[ .-]\d{4}(?!\d)")
_LEAST = 9  # digits of a telephone number


# Names of fields, labels and kinds are the form's, not the task's.
_FORMS = frozenset(
    [
        "id",
        "type",
        "from_name",
        "to_name",
        "from_id",
        "to_id",
        "parentID",
        "choices",
        "taxonomy",
        "selected",
        "format",
        "origin",
        "direction",
    ]
)


class Found(NamedTuple):
    """A place in a text that looks like personal data, and of what kind."""

    start: int
    end: int
    kind: str


Look = Callable[[str], list[Found]]


def scan(text: str) -> list[Found]:
    """Return what is found in a text, in its order; where two overlap, the first kind counts."""
    found: list[Found] = []
    if "@" in text:
        found += [Found(one.start(), one.end(), EMAIL) for one in _EMAIL.finditer(text)]
    if may_hold(text):
        for look in (_ibans, _national, _cards, _addresses, _phones):
            found += [one for one in look(text) if not meets(one, found)]
    return sorted(found)


def may_hold(text: str) -> bool:
    """Say whether a text, or the JSON around it, can hold anything that is looked for."""
    return "@" in text or bool(_MAYBE_PHONE.search(text) or _MAYBE_IP.search(text))


def may_hold_each(texts: pa.Array) -> pa.Array:
    """Say of each text whether it is worth looking at: none that holds anything is missed."""
    maybe, holds = _MAYBE, _HOLDS
    if pc.all(pc.string_is_ascii(texts)).as_py():
        # Arrow reads a pattern again each time: one with all the digits there are takes long.
        maybe, holds = (one.replace(r"\p{Nd}", r"\d") for one in (maybe, holds))
    found = pc.match_substring_regex(texts, maybe).to_numpy(zero_copy_only=False)
    places = np.flatnonzero(found)
    some = texts.take(pa.array(places))
    found[places] = pc.match_substring_regex(some, holds).to_numpy(zero_copy_only=False)
    return pa.array(found)


def kinds_in(value: Any) -> list[str]:
    """Return the kinds found anywhere in a value of JSON, once for each place."""
    return [found.kind for text in texts(value) for found in scan(text)]


def mask(text: str, look: Look = scan) -> str:
    """Return a text with what is found in it hidden; its length, and so every mark, stays."""
    for one in reversed(look(text)):
        text = text[: one.start] + _cover(one) + text[one.end :]
    return text


def masked(value: Any, look: Look = scan) -> Any:
    """Return a value of JSON with every text in it masked."""
    if isinstance(value, str):
        return mask(value, look)
    if isinstance(value, list):
        return [masked(one, look) for one in value]
    if isinstance(value, dict):
        return {key: masked(one, look) for key, one in value.items()}
    return value


def secrets(value: Any, look: Look = scan) -> dict[str, str]:
    """Return what is found in a value of JSON, with what stands in its place, the longest first."""
    found = {text[one.start : one.end]: _cover(one) for text in texts(value) for one in look(text)}
    return dict(sorted(found.items(), key=lambda item: (-len(item[0]), item[0])))


def hidden(value: Any, secrets: dict[str, str]) -> Any:
    """Return a value of JSON in which some words are hidden, also where a text is part of them."""
    if isinstance(value, str):
        for words, cover in secrets.items():
            value = value.replace(words, cover)
            if len(value) > 3 and value in words:
                return "*" * len(value)
        return value
    if isinstance(value, list):
        return [hidden(one, secrets) for one in value]
    if isinstance(value, dict):
        return {
            key: one if key in _FORMS or key.endswith("labels") else hidden(one, secrets)
            for key, one in value.items()
        }
    return value


def texts(value: Any) -> Iterator[str]:
    """Yield every text in a value of JSON."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for one in value:
            yield from texts(one)
    elif isinstance(value, dict):
        for one in value.values():
            yield from texts(one)


def written(result: Any) -> list[Any]:
    """Return what people wrote themselves in a result: all else is the form's or the task's."""
    return [one["value"].get("text") for one in result if one.get("type") == "textarea"]


def meets(one: Found, others: list[Found]) -> bool:
    """Say whether a place has a sign in common with one of some others."""
    return any(one.start < other.end and other.start < one.end for other in others)


def _cover(one: Found) -> str:
    size, name = one.end - one.start, f"[{one.kind.upper()}]"
    return name.ljust(size, "*") if len(name) <= size else "*" * size


def _ibans(text: str) -> Iterator[Found]:
    for one in _IBAN.finditer(text):
        # A word in capitals behind the number is not part of it: the longest that is right counts.
        for end in range(one.end(), one.start() + 14, -1):
            if iban.is_valid(text[one.start() : end]):
                yield Found(one.start(), end, IBAN)
                break


def _national(text: str) -> Iterator[Found]:
    for one in _NIR.finditer(text):
        if _is_right(nir.validate, one[0]):
            yield Found(one.start(), one.end(), FRENCH)
    for one in _SSN.finditer(text):
        yield Found(one.start(), one.end(), AMERICAN)


def _cards(text: str) -> Iterator[Found]:
    for one in _DIGITS.finditer(text):
        digits = re.sub(r"[ -]", "", one[0])
        if digits[0] in "23456" and _is_right(luhn.validate, digits):
            yield Found(one.start(), one.end(), CARD)


def _addresses(text: str) -> Iterator[Found]:
    for one in _IP.finditer(text):
        try:
            address = ipaddress.ip_address(one[0])
        except ValueError:
            continue
        if address.is_global:
            yield Found(one.start(), one.end(), ADDRESS)


def _phones(text: str) -> Iterator[Found]:
    """Yield telephone numbers, also those that another number stands right before or behind."""
    at = 0
    while (one := _LOCAL_PHONE.search(text, at)) is not None:
        begins = _BEGINS.search(text, one.start() + 1, one.end())
        end = next((end for end in _ends(one) if _is_any_phone(text, one, end)), None)
        if end is not None:
            yield Found(one.start(), end, PHONE)
            at = end
        else:
            at = begins.start() if begins else one.end()


def _ends(one: re.Match[str]) -> Iterator[int]:
    """Yield where a number may end: where it does, or at a gap in it, the latest first."""
    yield one.end()
    if _FORMED.match(one[0]):
        for gap in reversed([*_GAP.finditer(one[0])]):
            if sum(sign.isdecimal() for sign in one[0][: gap.start()]) >= _LEAST:
                yield one.start() + gap.start()


def _is_any_phone(text: str, one: re.Match[str], end: int) -> bool:
    words = text[one.start() : end]
    return any(_is_phone(words, region) for region in REGIONS)


def _is_phone(words: str, region: str) -> bool:
    # Ten digits in a row without a sign are more often an order number than a telephone.
    if words.isdigit() and not words.startswith("0"):
        return False
    words = words.replace("\u00a0", " ").replace("\u202f", " ")
    if words.startswith("00"):
        words = "+" + words[2:]
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(words, region))
    except phonenumbers.NumberParseException:
        return False


def _is_right(validate: Callable[[str], str], words: str) -> bool:
    try:
        validate(words)
    except ValidationError:
        return False
    return True
