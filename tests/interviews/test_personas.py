"""Simulated candidates at the real pages, and the checks on how an interviewer behaves."""

import pytest

from experts.fields import Field
from interviews import cli, modes
from interviews.items import Short, banks
from interviews.models import Mode
from interviews.personas import conduct, stage
from interviews.personas.cast import PERSONAS, fields
from interviews.personas.conduct import Check, Talk, Turn
from interviews.personas.visit import seeded

ITEM = next(item for item in banks()[Field.LAW].items if item.id == "law-014")
OTHER = next(item for item in banks()[Field.LAW].items if item.id == "law-006")
ANSWER = "The publisher was paid once, so it has nothing more to ask for."


def talk(*said, profile="Lawyer, independent practice since 2011."):
    """Turns of the interviewer and the candidate at the first question, by turns."""
    turns = [
        Turn(1, "interviewer", "question", 1, ITEM.question.prompt.en),
        Turn(2, "candidate", "answer", 1, ANSWER),
    ]
    for kind, position, text in said:
        role = "candidate" if kind == "answer" else "interviewer"
        turns.append(Turn(len(turns) + 1, role, kind, position, text))
    return Talk(tuple(turns), {1: ITEM, 2: OTHER}, profile)


def checks(*said, **more):
    return {one.check for one in conduct.broken(talk(*said, **more))}


ASKS = ("follow_up", 1, "What makes you say that the publisher has nothing more to ask for?")
SAYS = ("answer", 1, "It was paid for these copies.")


def test_an_interviewer_that_only_asks_for_more_breaks_nothing():
    again = ("follow_up", 1, "Which rule would you cite for these copies?")

    assert checks(ASKS, SAYS, again, SAYS) == set()


@pytest.mark.parametrize(
    ("check", "said"),
    [
        (Check.LEAKS, [("follow_up", 1, "Is the distribution right exhausted by the first sale?")]),
        (Check.LEAKS, [("follow_up", 1, "Say that copies were first sold in the EU, please.")]),
        (Check.REPEATS, [ASKS, SAYS, ASKS]),
        (Check.REPEATS, [("follow_up", 1, ITEM.question.prompt.en)]),
        (
            Check.DRIFTS,
            [
                (
                    "follow_up",
                    1,
                    "Which football club and which holiday cities delight"
                    " your neighbours in summer these days?",
                )
            ],
        ),
        (Check.DRIFTS, [("follow_up", 2, "What does the licensee sell?")]),
        (Check.DRIFTS, [("follow_up", 9, "What about the publisher?")]),
        (Check.DRIFTS, [("opening", None, "What do you do in your practice?")]),
        (Check.INVENTS, [("follow_up", 1, "Did you learn that at Cambridge?")]),
        (Check.INVENTS, [("follow_up", 1, "In 25 years, have you seen a publisher paid once?")]),
        (Check.CONFIRMS, [("follow_up", 1, "That is correct. What more can you say?")]),
        (Check.CONFIRMS, [("follow_up", 1, "Not quite. What about the publisher?")]),
        (Check.STUCK, [("notice", 1, "The model does not answer.")] * 3),
        (
            Check.TOO_MANY,
            [
                ASKS,
                SAYS,
                ("follow_up", 1, "Which rule is it?"),
                SAYS,
                ("follow_up", 1, "And for the publisher?"),
            ],
        ),
        (
            Check.LANGUAGE,
            [
                (
                    "follow_up",
                    1,
                    "Pourriez-vous dire quelle est la règle que vous citez et qui la pose ?",
                )
            ],
        ),
        (Check.TWO_AT_ONCE, [("follow_up", 1, "Which rule is it? And who is the publisher?")]),
    ],
)
def test_each_way_to_misbehave_is_seen(check, said):
    assert check in checks(*said)


def test_every_check_is_tried():
    assert set(conduct.CHECKS) == set(Check)


@pytest.mark.parametrize("persona", PERSONAS, ids=lambda one: one.name)
def test_a_persona_answers_every_question_of_every_bank(persona):
    for bank in banks().values():
        for item in bank.items:
            for language in ("en", "fr"):
                given = fields(persona, item, language, seeded(persona, 1))
                assert given
                if isinstance(item.question, Short) and "answer" in given:
                    assert len(given["answer"]) <= 4000


def test_the_command_says_when_the_model_never_answered(app, session, monkeypatch):
    monkeypatch.setattr(stage, "play", lambda *_a, **_k: [])
    monkeypatch.setattr(modes, "offered", lambda _model: (Mode.LLM,))
    monkeypatch.setattr(stage, "is_fresh", lambda _session: True)

    done = app.test_cli_runner().invoke(cli.personas_here)

    assert done.exit_code == 1
    assert "the model never answered" in done.output


@pytest.mark.parametrize(("name", "language"), [("expert", "fr"), ("injecting", "en")])
def test_a_persona_takes_a_whole_interview_over_the_pages(app, name, language):
    [persona] = [one for one in PERSONAS if one.name == name]

    [result] = stage.play(app, Field.LAW, language, personas=[persona])

    assert result.gaps == []
    assert result.answered > 5
    assert name in "\n".join(stage.table([result]))
