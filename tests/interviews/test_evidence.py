"""Checks on answers in words: met by the person's own words or not at all."""

import pytest

from interviews import evidence
from interviews.items import Check, Text


def check(*forms):
    return {"it": Check(words=Text(en="It", fr="Cela"), forms=list(forms))}


@pytest.mark.parametrize(
    ("form", "sentence", "met"),
    [
        ("consent*", "It needs the licensor's CONSENT.", True),
        ("consent*", "It needs what is consented to.", True),
        ("consent", "It is consented to.", False),
        ("written + consent", "Consent must be given, and written down.", True),
        ("written + consent", "It must be written. Consent is needed.", True),
        ("faute lourde", "C'est une Faute-Lourde !", True),
        ("epuis*", "Le droit est épuisé.", True),
        ("scc", "Sign SCCs.", False),
        ("sccs", "They sign the SCCs (2021).", True),
        ("consent* !no consent", "There is no consent to ask for.", False),
        ("consent* !no consent", "There is consent.", True),
        ("first sale", "The first\n sale decides.", False),
        ("art 46", "See art. 46", False),
    ],
)
def test_forms(form, sentence, met):
    read = evidence.read(sentence, check(form))

    expected = met and not (form.startswith("written") and ". " in sentence)
    assert read[0].met is expected


def test_the_quote_is_the_sentence_verbatim():
    read = evidence.read("First this.  Then, the CONSENT of Zoë!  Last that.", check("consent"))

    assert read[0].quote == "Then, the CONSENT of Zoë!"


def test_a_long_sentence_is_cut_with_a_sign_that_says_so():
    read = evidence.read("consent " + "and so on " * 100, check("consent"))

    assert read[0].quote is not None
    assert len(read[0].quote) <= evidence.QUOTE_AT_MOST + 1
    assert read[0].quote.endswith("…")


@pytest.mark.parametrize("text", ["", " ", "...", "\n\n", "?!"])
def test_nothing_said_meets_nothing(text):
    assert not evidence.read(text, check("consent"))[0].met


def test_a_form_is_no_pattern_of_its_own():
    assert not evidence.read("anything", check(".*"))[0].met
