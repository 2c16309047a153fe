"""Countries, languages and time zones by name, from the locale data of babel. Pure."""

import unicodedata
from collections.abc import Iterable
from functools import cache
from zoneinfo import available_timezones

from babel import Locale

# Codes that CLDR names and that nobody lives in.
_NOT_COUNTRIES = frozenset({"EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"})
_NOT_ZONES = ("Etc/", "SystemV/", "US/", "posix/", "right/")


def countries(locale: Locale) -> list[tuple[str, str]]:
    """Return code and name of each country, by name as the language sorts it."""
    return _countries(str(locale))


def languages(locale: Locale) -> list[tuple[str, str]]:
    """Return code and name of each language that has a code of two letters, by name."""
    return _languages(str(locale))


@cache
def time_zones() -> list[str]:
    """Return the names of the time zones that stand for a place, and UTC."""
    places = [name for name in available_timezones() if "/" in name]
    return ["UTC", *sorted(name for name in places if not name.startswith(_NOT_ZONES))]


def country_name(code: str, locale: Locale) -> str:
    """Return the name of a country, or its code where there is no name."""
    return str(locale.territories.get(code, code))


def language_name(code: str, locale: Locale) -> str:
    """Return the name of a language, or its code where there is no name."""
    return str(locale.languages.get(code, code))


@cache
def _countries(language: str) -> list[tuple[str, str]]:
    names = Locale.parse(language).territories
    return _by_name(
        (code, name)
        for code, name in names.items()
        if len(code) == 2 and code.isalpha() and code not in _NOT_COUNTRIES
    )


@cache
def _languages(language: str) -> list[tuple[str, str]]:
    names = Locale.parse(language).languages
    return _by_name((code, name) for code, name in names.items() if len(code) == 2)


def _by_name(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return sorted(
        ((str(code), str(name)) for code, name in pairs), key=lambda pair: _plain(pair[1])
    )


def _plain(name: str) -> str:
    """Return a name as it is sorted: without accents, so that Écosse stands among the Es."""
    return unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
