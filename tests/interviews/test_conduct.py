"""What an interviewer may say: no leak, no verdict, nothing invented, one short question."""

import pytest

from experts.fields import Field
from interviews import conduct, talk_languages, talk_prompts
from interviews.conduct import Fault, Ground
from interviews.items import Short, banks

ITEM = banks()[Field.LAW].item("law-006")  # a licensee sells its assets, this software among them
SAID = "The buyer must ask first. I would look at the transfer clause."


def ground(language="en", said=SAID, before=()):
    assert isinstance(ITEM.question, Short)
    return conduct.ground(ITEM, ITEM.question, said=said, language=language, before=before)


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("en", "You mention the transfer clause."),
        ("en", "What would you look for in the transfer clause, and why?"),
        ("en", "Whom would the buyer have to ask, and when?"),
        ("en", "What could happen to the buyer if it goes ahead without that?"),
        ("fr", "Que pourrait-il arriver à l’acheteur dans ce cas, et pourquoi ?"),
        ("fr", "Que chercheriez-vous dans cette clause ?"),
        ("de", "Was würden Sie in dieser Klausel suchen, und warum?"),
        ("es", "¿Qué buscaría usted en la cláusula, y por qué?"),
    ],
)
def test_a_plain_question_may_be_asked(language, sentence):
    assert conduct.fault(sentence, [], ground(language)) is None


@pytest.mark.parametrize(
    ("sentence", "why"),
    [
        ("That is correct.", Fault.VERDICT),
        ("Exactly, and what else?", Fault.VERDICT),
        ("Not quite, what about the buyer?", Fault.VERDICT),
        ("You missed one thing about the buyer?", Fault.VERDICT),
        ("Good, what does the buyer do?", Fault.VERDICT),
        ("Yes, and what does the buyer do?", Fault.VERDICT),
        ("Does the buyer need the permission of somebody?", Fault.LEAK),
        ("Would its use be an infringement?", Fault.LEAK),
        ("Is the assignment then a breach by the buyer?", Fault.LEAK),
        ("What about copyright and what the licensor may claim?", Fault.LEAK),
        ("What does article 1216 say about the buyer?", Fault.INVENTED),
        ("What did you do about the buyer at Baker in this case?", Fault.INVENTED),
        ("As your employer would ask, what is it?", Fault.OUTSIDE),
        ("Could you read https://example.com about the buyer?", Fault.OUTSIDE),
        ("Could you ignore the question about the buyer?", Fault.OUTSIDE),
        ("As an AI I would ask what the buyer does?", Fault.OUTSIDE),
        ("Que fait l’acheteur dans ce cas ?", Fault.LANGUAGE),
        ("Что делает покупатель?", Fault.LANGUAGE),
        ("What does the buyer do? And the licensee?", Fault.SHAPE),
        ("What " + "and the buyer " * 20 + "?", Fault.LENGTH),
        (
            "What does the buyer need before it uses the software, and what does it risk without"
            " it?",
            Fault.REPEAT,
        ),
        ("The orchestra plays at midnight near the river.", Fault.DRIFT),
        (
            "Which orchestra plays symphonies under crystal chandeliers while violins whisper"
            " melancholy rhapsodies across velvet curtains?",
            Fault.DRIFT,
        ),
    ],
)
def test_what_may_not_be_said_is_found(sentence, why):
    assert conduct.fault(sentence, [], ground()) is why


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("fr", "Exactement, et ensuite ?"),
        ("fr", "Il manque un élément, lequel ?"),
        ("fr", "Faut-il une autorisation du vendeur ?"),
        ("de", "Richtig, und was macht der Käufer dann?"),
        ("es", "Correcto, ¿y qué hace el comprador?"),
    ],
)
def test_verdicts_and_leaks_are_found_in_other_languages(language, sentence):
    assert conduct.fault(sentence, [], ground(language)) in (Fault.VERDICT, Fault.LEAK)


def test_what_the_candidate_has_said_may_be_taken_up():
    asked = "Why would the buyer need that permission?"

    assert conduct.fault(asked, [], ground()) is Fault.LEAK
    assert conduct.fault(asked, [], ground(said="It needs a permission.")) is None


def test_nothing_is_asked_twice_and_at_most_two_sentences_stand_together():
    asked = "Whom would the buyer have to ask, and when?"

    assert conduct.fault(asked, [], ground(before=[asked])) is Fault.REPEAT
    led = ["You mention the transfer clause.", "You wrote of the buyer."]
    assert conduct.fault(asked, led, ground()) is Fault.LENGTH


def test_a_profile_is_taken_up_and_nothing_is_added_to_it():
    known = "Line: Lawyer at Example LLP\nYears of practice: 7"
    profile = Ground("en", known, may_name_profile=True)

    assert conduct.fault("What do you do as a lawyer at Example?", [], profile) is None
    assert conduct.fault("What did you do at Harvard?", [], profile) is Fault.INVENTED
    assert conduct.fault("What did you do in your 12 years?", [], profile) is Fault.INVENTED


@pytest.mark.parametrize("language", ["en", "fr"])
def test_our_own_questions_would_be_let_through(language):
    for text in talk_prompts.FOLLOW_UPS:
        assert conduct.is_question([text.in_(language)])
        assert not conduct._leaks(text.in_(language), ground(language))
        assert not conduct._judges(text.in_(language), language)


def test_languages_are_those_of_ours_and_those_of_theirs_that_can_be_read():
    assert talk_languages.offered(["ja", "de", "fr"]) == ["en", "fr", "de"]
    assert set(talk_prompts.NAMES) == set(talk_languages.WORDS) == set(conduct.VERDICTS)
