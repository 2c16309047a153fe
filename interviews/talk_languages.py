"""The languages in which the interviewer may write, and how a sentence's language is told.

Pure. Only languages whose words `conduct` can read are offered; answers may be in any.
"""

import re
from collections.abc import Iterable

from interviews.evidence import plain

# Common words that few neighbours share.
COMMON = {
    "en": "the and you your of is are to in that what which would could how do does it for with"
    " this on why when there did if",
    "fr": "le la les des du de vous votre est sont et que qui quel quelle dans une un pour avec"
    " pourriez comment pourquoi cette ce il elle au sur quand si ne pas",
    "de": "der die das und sie ihr ihre ist sind zu den dem ein eine was welche wie wurden warum"
    " konnen im mit fur auf nicht wenn es",
    "es": "el la los las de usted su es son que cual como por para una un en con podria cuando"
    " se lo si",
    "it": "il lo la gli le di lei suo sua e sono che quale come per una un in con potrebbe quando"
    " perche se nel della",
    "pt": "o a os as de voce seu sua e sao que qual como para uma um em com poderia quando por se"
    " na no do da",
    "nl": "de het een en u uw is zijn van in dat wat welke hoe waarom met voor op niet als kunt"
    " zou",
}
WORDS = {language: frozenset(words.split()) for language, words in COMMON.items()}
LATIN = re.compile(r"^[\x00-\x7f\u00a0-\u024f\u2010-\u2026€™]*$")


def offered(own: Iterable[str]) -> list[str]:
    """Return the languages that somebody may choose: ours, and of theirs those that we can read."""
    ours = ["en", "fr"]
    return ours + [one for one in own if one in WORDS and one not in ours]


def fits(sentence: str, language: str) -> bool:
    """Return whether a sentence may well be in a language; short ones say little."""
    if not LATIN.match(sentence):
        return False
    counts = {tongue: _count(sentence, tongue) for tongue in WORDS}
    most = max(counts.values())
    return most == 0 or counts.get(language, 0) >= max(1, most)


def _count(sentence: str, language: str) -> int:
    return sum(word in WORDS[language] for word in plain(sentence).split())
