"""Countries, languages and time zones by name."""

from zoneinfo import ZoneInfo

from babel import Locale

from experts import places


def test_countries_are_sorted_without_regard_to_accents():
    names = [name for _code, name in places.countries(Locale("fr"))]

    assert names.index("Égypte") < names.index("Espagne") < names.index("Finlande")
    assert "Union européenne" not in names


def test_languages_have_codes_of_two_letters():
    found = dict(places.languages(Locale("en")))

    assert found["fr"] == "French"
    assert all(len(code) == 2 for code in found)


def test_every_time_zone_can_be_used():
    assert "Europe/Paris" in places.time_zones()
    assert all(ZoneInfo(name) for name in places.time_zones())
