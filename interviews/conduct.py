"""What an interviewer may say: every sentence of a model is looked at before anybody reads it.

Pure. A model may leak the answer, confirm or deny, repeat itself, invent, give orders or speak
another language; small ones do all of it. What fails here is replaced by a question of ours
(`talk_prompts`), so refusing a harmless sentence costs nothing, and letting a bad one through does.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from enum import StrEnum

from interviews import talk_languages
from interviews.evidence import plain, sentences
from interviews.items import Item, Short

LONGEST, MOST_WORDS, SENTENCES = 280, 45, 2
NEW_WORDS = 8  # that stand neither in the question nor in what the candidate wrote
STEM, SHORTEST = 6, 4
SAME = 0.85

OUTSIDE = re.compile(
    r"https?:|www\.|\b\w+\.(com|org|net|io|fr|eu)\b|@|[`<>{}\[\]|#*_\\]"
    r"|\b(click|download|paste|visit|ignore|prompt|instructions?|system|password|cliquez"
    r"|t[ée]l[ée]charge\w*|ignore[rz]|consignes?|mot de passe)\b"
    r"|\b(as an ai|language model|mod[èe]le de langue|assistant|interviewer|candidate?)\b",
    re.IGNORECASE,
)
OF_THE_PROFILE = re.compile(
    r"\b(your|as an?) (profile|cv|resume|employer|degree|career|diploma|licen[cs]e number)\b"
    r"|\b(votre|vos) (profil|cv|employeur|dipl[ôo]mes?|carri[èe]re)\b",
    re.IGNORECASE,
)
# Whoever hears one of these knows whether the answer was right.
VERDICTS = {
    "en": r"correct(ly)?|right|rightly|wrong(ly)?|incorrect(ly)?|inaccurate|accurate(ly)?"
    r"|exact(ly)?|indeed|absolutely|definitely|of course|perfect(ly)?|excellent|great"
    r"|good|better|best|well done|nice(ly)?|almost|nearly|partly|partial(ly)?|close|true|false"
    r"|mistake[ns]?|errors?|miss(ed|es|ing)?|forg[oe]t\w*|omit\w*|overlook\w*|(in)?complete(ly)?"
    r"|(in)?sufficient(ly)?|enough|agree[ds]?|unfortunately|however|actually|scores?|points"
    r"|pass(ed)?|fail(ed)?|hints?|expected|answer is|not quite|impressive|interesting|solid|valid"
    r"|^(yes|no|ok|okay|sure|precisely)",
    "fr": r"correcte?s?|correctement|exacte?s?|exactement|justes?|fausse?s?|faux|vraie?s?|vraiment"
    r"|parfaite?s?|parfaitement|excellente?s?|tres bien|bien vu|bien joue|c est bien|bonnes?|bons?"
    r"|presque|pas tout a fait|tout a fait|incorrecte?s?|inexacte?s?|erreurs?|erronee?s?|a tort"
    r"|avez raison|oubli\w*|manqu\w*|omis\w*|(in)?complete?s?|suffi\w*|insuffisant\w*|enfait"
    r"|effectivement|absolument|en effet|bien sur|malheureusement|cependant|toutefois"
    r"|notes?|points|reussi\w*|echou\w*|indices?|attendue?s?|la reponse est|interessante?s?"
    r"|valables?|d accord|^(oui|non|ok|precisement)",
    "de": r"richtig\w*|falsch\w*|genau|korrekt\w*|stimmt|fast|perfekt\w*|ausgezeichnet\w*|leider"
    r"|fehl\w*|vergess\w*|gut\w*|super|wahr|unwahr|jedoch|vollstandig\w*|unvollstandig\w*"
    r"|teilweise|punkte?|^(ja|nein|ok)",
    "es": r"correct[oa]s?|incorrect[oa]s?|exact\w*|ciert[oa]|fals[oa]|perfect\w*|casi|bien|buen\w*"
    r"|excelente|error\w*|falta\w*|olvid\w*|acert\w*|lamentablemente|sin embargo|puntos?|^(si|no)",
    "it": r"corrett[oa]|esatt\w*|giust[oa]|sbagliat[oa]|perfett\w*|quasi|bene|buon\w*|ottim[oa]"
    r"|vero|falso|errat[oa]|errore|manca\w*|dimentic\w*|purtroppo|tuttavia|punti|^(si|no)",
    "pt": r"corret[oa]|cert[oa]|errad[oa]|exat\w*|quase|perfeit\w*|bem|bom|boa|otim[oa]|verdade\w*"
    r"|fals[oa]|falta\w*|esquec\w*|infelizmente|no entanto|pontos|^(sim|nao)",
    "nl": r"juist\w*|correct\w*|fout\w*|precies|klopt|bijna|perfect\w*|goed\w*|helaas|ontbre\w*"
    r"|vergeten|waar|onwaar|echter|volledig\w*|punten|^(ja|nee)",
}
# What an interviewer says of an answer without saying anything about it.
ABOUT = """
    answer answered wrote write written mention mentioned said thank thanks your yours that this
    what which when where reponse repondu ecrit ecrivez evoque evoquez parlez parle mentionnez
    mentionne merci votre vous cette dans avez dites
"""
COMMON = """
    could would should might explain describe tell more further detail details example case
    situation sentence sentences word words does with from have there about into they their them
    these those then than other another anything something reason reasons happen happens follow
    follows depend depends matter change apply mean means still also will been being
    pourriez pouvez expliquer expliquez decrire precisez preciser plus davantage exemple cas
    phrase phrases quoi quel quelle quels quelles comment pourquoi avec dont sont etre
    leur leurs elle elles autre autres chose raison raisons passe dependent
    signifie encore aussi sera serait selon pour
"""
ORDINARY = frozenset(word[:STEM] for word in f"{ABOUT} {COMMON}".split())


class Fault(StrEnum):
    """Why a sentence is not shown."""

    LENGTH = "length"
    SHAPE = "shape"
    LANGUAGE = "language"
    OUTSIDE = "outside"
    VERDICT = "verdict"
    LEAK = "leak"
    REPEAT = "repeat"
    INVENTED = "invented"
    DRIFT = "drift"


@dataclass(frozen=True)
class Ground:
    """What a sentence may rest on: what both sides know, and what has to stay unsaid."""

    language: str
    known: str  # the question as it is shown, or the profile; and what the candidate has written
    before: tuple[str, ...] = ()  # what the interviewer has asked
    secret_forms: tuple[str, ...] = ()  # terms of checks
    secret_stems: frozenset[str] = field(default=frozenset())
    may_name_profile: bool = False


def ground(
    item: Item, question: Short, *, said: str, language: str, before: Sequence[str]
) -> Ground:
    """Return what may be said about an answer; nothing of a check or of the answer is told."""
    shown = " ".join(
        part.in_(tongue)
        for tongue in ("en", "fr")
        for part in (item.title, question.prompt, *((item.passage.text,) if item.passage else ()))
    )
    known = f"{shown}\n{said}"
    terms = {
        term.strip()
        for check in question.checks.values()
        for form in check.forms
        for term in form.split("!")[0].split("+")
    }
    hidden = [question.accepted, item.explanation, *(one.words for one in question.checks.values())]
    told = " ".join(text.in_(tongue) for text in hidden for tongue in ("en", "fr"))
    return Ground(
        language=language,
        known=known,
        before=(question.prompt.en, question.prompt.fr, *before),
        secret_forms=tuple(one for one in terms if len(one) >= SHORTEST and not _in(known, one)),
        secret_stems=frozenset(_stems(told) - _stems(known) - ORDINARY),
    )


def fault(sentence: str, so_far: Sequence[str], on: Ground) -> Fault | None:
    """Return what is wrong with the next sentence, if anything is."""
    whole = " ".join([*so_far, sentence])
    if len(whole) > LONGEST or len(whole.split()) > MOST_WORDS or len(so_far) >= SENTENCES:
        return Fault.LENGTH
    if not talk_languages.fits(sentence, on.language):
        return Fault.LANGUAGE
    if whole.count("?") > 1 or len(plain(sentence).split()) < 2:
        return Fault.SHAPE
    checks = (
        (_goes_outside(sentence, on), Fault.OUTSIDE),
        ("?" in sentence and _repeats(whole, sentence, on), Fault.REPEAT),
        (_judges(sentence, on.language), Fault.VERDICT),
        (_leaks(sentence, on), Fault.LEAK),
        (_invents(sentence, on), Fault.INVENTED),
        (_drifts(sentence, on), Fault.DRIFT),
    )
    return next((found for is_so, found in checks if is_so), None)


def is_question(sentences: Sequence[str]) -> bool:
    """Return whether all that was said comes to one question."""
    return bool(sentences) and sentences[-1].rstrip("”»\" '").endswith("?")


def _goes_outside(sentence: str, on: Ground) -> bool:
    if OUTSIDE.search(sentence) is not None:
        return True
    return not on.may_name_profile and OF_THE_PROFILE.search(sentence) is not None


def _judges(sentence: str, language: str) -> bool:
    words = plain(sentence).strip()
    return any(
        re.search(rf"\b({VERDICTS[tongue]})\b", words)
        for tongue in {language, "en"}
        if tongue in VERDICTS
    )


def _leaks(sentence: str, on: Ground) -> bool:
    if any(_in(sentence, term) for term in on.secret_forms):
        return True
    return len(_stems(sentence) & on.secret_stems) >= 2


def _invents(sentence: str, on: Ground) -> bool:
    """Return whether it has a number or a name that nobody has given."""
    known = plain(on.known)
    if any(f" {number} " not in known for number in re.findall(r"\d+", plain(sentence))):
        return True
    if on.language == "de":  # where every noun has a capital letter
        return False
    names = re.findall(r"(?<=[\w,;:’'] )[^\W\d_]*[A-ZÀ-Þ][\w’'-]*", sentence)
    return any(plain(name) not in known for name in names if name != "I")


def _drifts(sentence: str, on: Ground) -> bool:
    new = _stems(sentence) - _stems(on.known) - ORDINARY
    if "?" in sentence:
        return len(new) > NEW_WORDS
    return bool(new)  # what is no question only takes up what was said


def _repeats(whole: str, sentence: str, on: Ground) -> bool:
    asked = {part for before in on.before for part in (before, *sentences(before))}
    return any(
        SequenceMatcher(None, plain(before), plain(said)).ratio() > SAME
        for before in asked
        for said in (whole, sentence)
    )


def _in(text: str, term: str) -> bool:
    stems = plain(term.replace("*", "")).split()
    if not stems:
        return False
    pattern = " ".join(re.escape(stem) + "[a-z0-9]*" for stem in stems)
    return re.search(f" {pattern} ", plain(text)) is not None


def _stems(text: str) -> frozenset[str]:
    return frozenset(word[:STEM] for word in plain(text).split() if len(word) >= SHORTEST)
