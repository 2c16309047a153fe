"""The banks of software and linguistics: large, varied, and right where a program can tell."""

import json
import subprocess
import sys
from bisect import bisect_left
from collections import Counter
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text
from sqlmodel import Session

from experts.fields import Field
from interviews import scoring
from interviews.items import Bank, Multiple, Short, Single, banks

BANKS = [banks()[Field.SOFTWARE], banks()[Field.LINGUISTICS]]
SHORTS = {item.id: item.question for bank in BANKS for item in bank.items if item.kind == "short"}
ANSWERS = json.loads(
    Path(__file__).with_name("answers_software_linguistics.json").read_text(encoding="utf-8")
)
SOME = [
    (item_id, language, sort, answer)
    for item_id, languages in ANSWERS.items()
    for language, sorts in languages.items()
    for sort, answers in sorts.items()
    for answer in answers
]
LEAST = {"numeric": 5, "short": 5, "sentence": 4, "case": 4, "ordering": 3, "multiple": 5}
NO_BREAK = "\u00a0"


@pytest.mark.parametrize("bank", BANKS, ids=lambda bank: bank.field)
def test_a_bank_has_enough_items_of_every_kind_and_competency(bank: Bank):
    kinds = Counter(item.kind for item in bank.items)
    competencies = Counter(item.competency for item in bank.items)

    assert len(bank.items) >= 44
    assert kinds["single"] <= len(bank.items) / 2
    assert all(kinds[kind] >= least for kind, least in LEAST.items())
    assert len(competencies) == 5
    assert min(competencies.values()) >= 8


@pytest.mark.parametrize("bank", BANKS, ids=lambda bank: bank.field)
def test_difficulties_lie_on_both_sides_of_the_cut(bank: Bank):
    for key in bank.competencies:
        priors = [item.difficulty for item in bank.of(key)]
        assert min(priors) < 0 < max(priors)
        assert max(priors) - min(priors) >= 1
    cores = [item.difficulty for item in bank.items if item.core]
    assert all(-1.8 <= prior <= 0.3 for prior in cores)


@pytest.mark.parametrize("bank", BANKS, ids=lambda bank: bank.field)
def test_right_options_are_spread_over_the_letters(bank: Bank):
    keys = Counter(item.question.answer for item in bank.items if isinstance(item.question, Single))

    assert set(keys) == set("abcd")
    assert max(keys.values()) <= 0.4 * sum(keys.values())


@pytest.mark.parametrize("bank", BANKS, ids=lambda bank: bank.field)
def test_how_many_options_are_right_cannot_be_guessed(bank: Bank):
    several = [item.question for item in bank.items if isinstance(item.question, Multiple)]

    assert len({(len(one.answer), len(one.options)) for one in several}) >= 3


def test_every_answer_in_words_has_samples():
    assert set(ANSWERS) == set(SHORTS)
    for languages in ANSWERS.values():
        for sorts in languages.values():
            assert len(sorts["good"]) >= 3
            assert len(sorts["wrong"]) >= 3


@pytest.mark.parametrize(("item_id", "language", "sort", "answer"), SOME)
def test_good_answers_in_words_earn_the_point_and_wrong_ones_do_not(
    item_id: str, language: str, sort: str, answer: str
):
    mark = scoring.mark(SHORTS[item_id], {"text": answer})

    if sort == "good" and mark.key_words:
        assert mark.points < 1  # next to no sentence: a person counts it
    elif sort == "good":
        assert mark.points == 1, [reading for reading in mark.readings if not reading.met]
    else:
        assert mark.points <= 0.5, mark.readings


@pytest.mark.parametrize("question", SHORTS.values(), ids=SHORTS)
def test_no_check_is_met_by_the_words_of_the_question(question: Short):
    for language in ("en", "fr"):
        asked = scoring.mark(question, {"text": question.prompt.in_(language)})

        assert not [reading for reading in asked.readings if reading.met]


@pytest.mark.parametrize(
    ("item_id", "printed"),
    [
        ("sof-037", "[1, 3]"),
        ("sof-038", "[12, 12, 12]"),
        ("sof-039", "7"),
        ("sof-044", "main 1\ny 1\nx 1\ny 2\nmain 2\nx 2"),
    ],
)
def test_programs_print_what_the_key_says(item_id: str, printed: str):
    assert run(item_id) == printed
    assert printed == keyed(item_id)


def test_the_search_hangs_in_the_line_that_the_key_names():
    line = keyed("sof-040")
    mended = code("sof-040").replace(f"{line}\n", f"{line} + 1\n")
    found = defined(mended)["first_at_least"]

    assert line == "lo = mid"
    for ordered in ([], [1], [1, 1], [1, 2, 2, 5], [3, 3, 3, 3, 9]):
        for wanted in range(11):
            assert found(ordered, wanted) == bisect_left(ordered, wanted)


def test_the_calls_that_raise_are_the_ones_in_the_key():
    question = banks()[Field.SOFTWARE].item("sof-043").question
    names = defined(code("sof-043"))

    assert {key for key, call in question.options.items() if fails(call.en, names)} == set(
        question.answer
    )


def test_the_query_gives_the_sums_of_the_key(session: Session):
    tables, query = code("sof-030").split("\n\n")
    for line in tables.splitlines():
        head, rows = line.split(": ")
        name, columns = head.rstrip(")").split("(")
        kinds = ", ".join(f"{column} int" for column in columns.split(", "))
        session.connection().execute(text(f"CREATE TEMPORARY TABLE {name} ({kinds})"))
        session.connection().execute(text(f"INSERT INTO {name} VALUES {rows}"))
    parts = banks()[Field.SOFTWARE].item("sof-030").question.parts

    joined = query.replace("c.id, sum(o.total)", "count(*)").split("GROUP BY")[0]
    assert session.connection().execute(text(joined)).scalar() == parts["p1"].answer
    sums = dict(tuple(row) for row in session.connection().execute(text(query.rstrip(";"))))
    assert sums[1] == parts["p2"].answer


def test_a_passage_of_code_keeps_its_lines_on_the_page(app: Flask):
    with app.test_request_context():
        shown = app.jinja_env.get_template("_parts.html").module.quote("if a:\n\u00a0\u00a0b()")

    assert 'class="dy-quote dy-pre"' in shown
    assert "if a:\n\u00a0\u00a0b()<" in shown


def code(item_id: str) -> str:
    passage = banks()[Field.SOFTWARE].item(item_id).passage
    assert passage is not None
    assert passage.text.en == passage.text.fr
    return passage.text.en.replace(NO_BREAK, " ")


def keyed(item_id: str) -> str:
    question = banks()[Field.SOFTWARE].item(item_id).question
    if question.kind == "numeric":
        return f"{question.answer:g}"
    if question.kind == "ordering":
        return "\n".join(question.options[key].en for key in question.answer)
    return question.options[question.answer].en


def defined(source: str) -> dict:
    names: dict = {"__name__": "passage"}
    exec(f"import asyncio\n{source}", names)
    return names


def run(item_id: str) -> str:
    """Run a program as its reader would: one of them has an event loop of its own."""
    ran = subprocess.run(
        [sys.executable, "-I", "-c", f"import asyncio\n{code(item_id)}"],
        capture_output=True,
        text=True,
        check=True,
    )
    return ran.stdout.strip()


def fails(call: str, names: dict) -> bool:
    try:
        eval(call, names)
    except (IndexError, ZeroDivisionError):
        return True
    return False
