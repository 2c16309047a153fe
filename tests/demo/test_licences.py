"""The demo's input: real clauses, cut well, said once, in the same order each time."""

import json
from collections import Counter

import pytest

from demo import annotators, clauses, gold, licences
from demo.cutting import Seen, is_clause, split

MIT = """MIT License

Copyright (c) 2020 A. Person

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY
CLAIM, DAMAGES OR OTHER LIABILITY.
"""


@pytest.fixture(scope="module")
def found():
    return list(licences.passages())


def test_a_licence_is_cut_into_its_clauses():
    pieces = [piece for piece in split(MIT) if is_clause(piece)]

    assert [gold.clause(piece) for piece in pieces] == [
        "grant",
        "redistribution",
        "warranty",
        "liability",
    ]


def test_a_heading_stays_with_its_clause_and_lettered_items_with_theirs():
    text = (
        "4. Redistribution\n\nYou may pass copies on if these conditions are met:\n\n"
        "  (a) you keep every notice; and\n  (b) you say what you changed.\n\n"
        "5. Another matter altogether, which is about something else entirely.\n"
    )

    pieces = split(text)

    assert pieces[0].startswith("4. Redistribution You may")
    assert "(b) you say what you changed." in pieces[0]
    assert pieces[1].startswith("5. Another matter")


def test_a_comment_box_is_read_as_prose():
    boxed = (
        "/* THIS SOFTWARE IS PROVIDED BY NOBODY ``AS IS''\n * AND ANY WARRANTIES ARE\n * OUT. */"
    )

    assert split(boxed) == [
        "THIS SOFTWARE IS PROVIDED BY NOBODY ``AS IS'' AND ANY WARRANTIES ARE OUT."
    ]


def test_a_bullet_list_keeps_its_items_apart():
    text = (
        "* Redistributions of source code must retain the notice\n  above and this list.\n"
        "* Redistributions in binary form must reproduce the notice\n  above and this list.\n"
    )

    assert len(split(text)) == 2


def test_an_endless_sentence_is_left_out_and_a_long_clause_is_cut_between_sentences():
    assert split("word " * 400) == []
    assert all(len(piece) <= 1200 for piece in split("You may do this and that. " * 100))


def test_a_near_copy_is_known_when_it_comes():
    seen = Seen()
    first = (
        "Neither the name of Django nor the names of its contributors may be used to endorse it."
    )

    assert seen.is_new(first)
    assert not seen.is_new(first.upper())
    assert not seen.is_new(first.replace("Django", "Pallets"))
    assert seen.is_new("You must give any other recipients of the Work a copy of this License.")


def test_text_in_any_encoding_is_read():
    assert licences.decode("© Grönholm".encode()) == "© Grönholm"
    assert licences.decode("© Grönholm".encode("cp1252")) == "© Grönholm"
    assert licences.decode(b"\xef\xbb\xbfMIT") == "MIT"


def test_what_is_installed_here_is_enough_for_a_demo(found):
    assert len(found) >= 200
    assert len({task["id"] for task in found}) == len(found)
    assert len({task["group"] for task in found}) >= 10
    assert all(40 <= len(task["data"]["text"]) <= 1200 for task in found)
    assert all("\n" not in task["data"]["text"] for task in found)
    json.dumps(found)


def test_the_same_packages_give_the_same_tasks(found):
    assert list(licences.passages()) == found


def test_a_short_demo_is_balanced():
    chosen = list(licences.passages(limit=70, known=20))

    classes = Counter(clauses.guess(task["data"]["text"]) for task in chosen)
    assert len(chosen) == 70
    assert min(classes[clause] for clause in clauses.CLAUSES) >= 5
    assert sum("gold" in task for task in chosen) == 20


def test_enough_passages_have_a_gold_answer_and_their_spans_fit(found):
    golds = [(task["data"]["text"], task["gold"]) for task in found if "gold" in task]

    assert len(golds) >= 40
    assert sum(len(answer) > 1 for _, answer in golds) >= 15
    assert {answer[0]["value"]["choices"][0] for _, answer in golds} == set(clauses.CLAUSES)
    for text, answer in golds:
        for one in answer[1:]:
            value = one["value"]
            assert text[value["start"] : value["end"]] == value["text"]
            assert value["labels"] in (["Party"], ["Obligation"])


def test_a_passage_of_two_known_clauses_has_no_gold_answer():
    both = (
        "This software is provided 'as-is', without any express or implied warranty. "
        "In no event will the authors be held liable for any damages."
    )

    assert gold.answer(both) is None


def test_a_known_clause_deep_inside_another_text_has_no_gold_answer():
    deep = "word " * 30 + "In no event will the authors be held liable for any damages."

    assert gold.answer(deep) is None


def test_spans_are_left_out_when_the_print_differs():
    changed = "Permission is granted to anybody and anyone-else to use it. "
    known = "Permission to use, copy, modify, and/or distribute this software for any purpose"

    assert gold.answer(changed) is None
    answer = gold.answer(f"{known} is granted if you smile.")
    assert answer is not None
    assert len(answer) == 1


def test_an_annotator_answers_alike_each_time_and_not_like_the_others(found):
    texts = [task["data"]["text"] for task in found]

    first = [annotators.annotate(text, "K-1") for text in texts]
    again = [annotators.annotate(text, "K-1") for text in texts]
    other = [annotators.annotate(text, "K-2") for text in texts]

    assert first == again
    same = sum(a[0] == b[0] for a, b in zip(first, other, strict=True)) / len(texts)
    assert 0.6 < same < 1


def test_a_skilled_annotator_knows_most_gold_answers(found):
    golds = [task for task in found if "gold" in task]

    right = sum(
        annotators.annotate(task["data"]["text"], "K-1", skill=0.95)[0] == task["gold"][0]
        for task in golds
    )

    assert right > 0.85 * len(golds)


def test_an_annotators_spans_fit_the_text(found):
    for task in found:
        text = task["data"]["text"]
        for one in annotators.annotate(text, "K-3", skill=0.6)[1:]:
            value = one["value"]
            assert 0 <= value["start"] < value["end"] <= len(text)
            assert text[value["start"] : value["end"]] == value["text"]
