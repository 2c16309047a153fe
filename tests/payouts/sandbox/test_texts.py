"""Every word of the pages is there in both languages, and none is left over."""

import re
from pathlib import Path

import pytest

from payouts.sandbox import money, paying, texts

HOME = Path(texts.__file__).parent


def said() -> set[str]:
    """Return what templates and views say, as far as it stands there as a literal."""
    found: set[str] = set()
    for file in [*HOME.glob("templates/*.html"), *HOME.glob("*.py")]:
        text = file.read_text()
        found |= set(re.findall(r'\bt\(\s*"([^"]+)"', text))
        found |= set(re.findall(r"\bt\(\s*'([^']+)'", text))
        found |= set(re.findall(r'say\(\s*"([^"]+)"', text))
        found |= set(re.findall(r'^  "[\d ]+": "([^"]+)"', text, re.MULTILINE))
    return found | set(paying._DECLINED.values())


def test_everything_that_is_said_is_there_in_french():
    assert len(said()) > 50
    assert said() - texts.FRENCH.keys() == set()


def test_placeholders_are_the_same_in_both_languages():
    for english, french in texts.FRENCH.items():
        assert sorted(re.findall(r"%\(\w+\)s", english)) == sorted(re.findall(r"%\(\w+\)s", french))


def test_french_has_its_no_break_spaces():
    for french in texts.FRENCH.values():
        assert not re.search(r"[^\u00a0][:;?!]", french.replace("://", "")), french


@pytest.mark.parametrize(
    ("amount", "code", "english", "french"),
    [
        (123450, "eur", "€1,234.50", "1\u202f234,50\u00a0€"),
        (-5, "eur", "\u2212€0.05", "\u22120,05\u00a0€"),
        (500, "jpy", "¥500", "500\u00a0¥"),
        (1234, "chf", "CHF\u00a012.34", "12,34\u00a0CHF"),
        (0, "usd", "$0.00", "0,00\u00a0$"),
    ],
)
def test_amounts_are_written_for_their_reader(amount, code, english, french):
    assert money.written(amount, code) == english
    assert money.written(amount, code, "fr") == french
