"""Personal data that has a form is found and hidden; what has none is not, and we say so."""

import json

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from releases import cards, duplicates, personal_scan


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("Écrivez à marie.curie@exemple.fr.", ["email"]),
        ("Appelez le 01 42 68 53 00 ou le +33 6 12 34 56 78.", ["phone", "phone"]),
        ("Appelez le 01\u00a042\u00a068\u00a053\u00a000.", ["phone"]),
        ("Appelez le +33\u202f6\u202f12\u202f34\u202f56\u202f78.", ["phone"]),
        ("Appelez le 01 42 68 53 00 9 rue du Bac", ["phone"]),
        ("Au 12 01 42 68 53 00, puis 01 42 68 53 00 01 42 68 53 01", ["phone"] * 3),
        ("Call 650 253 0000 22 times, or +1 650 253 0000 22", ["phone"] * 2),
        ("On 2026 11 27 12 30 45", []),
        ("Write, or call +44 20 7946 0958.", ["phone"]),
        ("IBAN FR14 2004 1010 0505 0001 3M02 606 please", ["iban"]),
        ("Card 4111 1111 1111 1111 expires", ["card"]),
        ("Card 4111 1111 1111 1112 is none", []),
        ("From 8.8.8.8, not from 192.168.0.1 or 999.1.1.1", ["ip"]),
        ("NIR 1 84 12 76 451 089 46", ["fr_nir"]),
        ("SSN 536-90-4399", ["us_ssn"]),
        ("Order 1234567890 of 2026-11-27 at 12:30, page 12-14, section 3.1.4", []),
        ("Jean Dupont, né le 3 mai 1970 à Lyon", []),
        ("", []),
    ],
)
def test_what_is_found(text, kinds):
    assert [one.kind for one in personal_scan.scan(text)] == kinds


def test_a_mask_keeps_the_length_and_the_rest():
    text = "Mail jean@example.org, call 01 42 68 53 00."

    hidden = personal_scan.mask(text)

    assert hidden == "Mail [EMAIL]*********, call [PHONE]*******."
    assert len(hidden) == len(text)
    assert personal_scan.scan(hidden) == []


def test_parts_of_what_is_hidden_are_hidden_too():
    secrets = personal_scan.secrets({"text": "Mail jean@example.org."})

    found = personal_scan.hidden([{"id": "jean", "value": {"text": "jean@example"}}], secrets)

    assert found == [{"id": "jean", "value": {"text": "*" * 12}}]


def test_labels_are_the_forms_even_where_a_secret_holds_the_same_letters():
    secrets = personal_scan.secrets({"text": "Mail person@example.org."})
    value = {"hypertextlabels": ["person"], "taxonomy": [["person"]], "selected": "person"}

    assert personal_scan.hidden([{"value": value}], secrets) == [{"value": value}]


def test_texts_of_signs_alone_are_near_only_where_they_are_the_same(tmp_path):
    finder = duplicates.Finder(tmp_path, near=True)
    for one in ("👍", "👎", "👍 "):
        finder.add(one)

    roots, _near = finder.clusters()
    finder.close()

    assert roots.tolist() == [0, 1, 0]


def test_a_card_says_in_words_that_nothing_was_searched_for():
    off = {"asked": "off", "found": {}, "rows": 0}

    assert cards.personal({"personal_data": off}) == (
        "The words were not searched for personal data."
    )
    assert cards.paths({"review_paths": {"waiting": 3}}) == [
        "3 rows: handed in, and not accepted by anybody yet."
    ]


def test_near_duplicates_are_alike_and_others_are_not(tmp_path):
    words = "the licensor grants to you a worldwide royalty free licence " * 3
    finder = duplicates.Finder(tmp_path, near=True)
    for one in (words + "for ever", "something else entirely is said", words + "for ever now", ""):
        finder.add(one)
    finder.add("")

    roots, near = finder.clusters()
    finder.close()

    assert roots.tolist() == [0, 1, 0, 3, 4]
    assert near.tolist() == [False, False, True, False, False]


@given(st.lists(st.text(st.sampled_from("aB \t\n~é\x7fß"), max_size=6)))
def test_many_words_are_brought_into_one_form_as_single_ones_are(words):
    whole = pa.array(["", *words], pa.string())

    assert duplicates.normals(whole.slice(1)) == [duplicates.normal(one) for one in words]


_PIECES = """01 42 68 53 00|9 rue|+33\u202f6\u202f12\u202f34\u202f56\u202f78|(0)1.42.68.53.00|12|né
202-555-0143|FR1420041010050500013M02606|4111 1111 1111 1111|8.8.8.8|536-90-4399|jean@example.org
1 84 12\t76451089 46|1\u200984 12 76 451 089 46|0044 20 7946 0958""".replace("\n", "|").split("|")


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(_PIECES), st.sampled_from([" ", "\n", "\t", "", ", ", '"', "/"]))
    )
)
@example([("12", "\n"), ("8.8.8.8", "")])
@example([("né", "/"), ("FR1420041010050500013M02606", "")])
def test_the_look_at_many_texts_passes_over_nothing_that_is_found(pieces):
    text = "".join(words + gap for words, gap in pieces)
    as_json = json.dumps({"text": text}, ensure_ascii=False)

    if personal_scan.scan(text):
        for words in (text, as_json):  # as the database writes it
            assert personal_scan.may_hold(words)
            assert personal_scan.may_hold_each(pa.array([words])).to_pylist() == [True]
