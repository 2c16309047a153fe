"""Words of strangers on their way to a language model: cleaned, and fenced by a random mark.

Pure. `cleaned` takes away what could pass for a turn of ours and what nobody sees; `fenced` puts
what is left between two lines that cannot stand inside it. `signs` names what looks like an attempt
to steer whoever reads. A sign never lowers a point: it says that a person has to read.
"""

import re
import secrets
import unicodedata
from collections.abc import Callable
from enum import StrEnum
from functools import lru_cache

AT_MOST = 4000  # characters, as many as an answer may have

# Letters and signs that look like others, one for one, so that places in a text stay the same.
ALIKE = str.maketrans(
    "﹤﹥❘∣¦аеорсухіѕјԁһԛԝАЕОРСУХІЅЈНКМТВαονρτιΑΒΕΗΙΚΜΝΟΡΤΧ",
    "<>|||aeopcyxisjdhqwAEOPCYXISJHKMTBaovptiABEHIKMNOPTX",
)
# Tokens by which models tell turns apart. Tags that XML or an INI file may well have stay.
TOKENS = re.compile(
    r"<\|[^<>\n]{0,60}?\|>"
    r"|<{1,2}/?(?:s|sys|bos|eos|pad|unk|inst|think|thinking|im_start|im_end|start_of_turn"
    r"|end_of_turn|end_of_text|begin_of_text|tool_call|tool_calls|tool_response)>{1,2}"
    r"|\[/?(?:inst|sys|system_prompt|tool_calls|available_tools|tool_results)\]",
    re.IGNORECASE,
)
ROLE = r"(?:system|assistant|user|human|developer|ai|bot|model|systeme|système|utilisateur|humain)"
# A role at the start of a line: with marks around it, with a capital letter, or before a sentence.
# `user: root` of a settings file is none of these.
TURNS = re.compile(
    r"^[ \t]*(?:(?![-*_=][^-*_=\[#>])[#>*_=\-\[]{1,40}[ \t]{0,4}(?:[\[*_]{1,3}[ \t]{0,2})?"
    rf"(?i:{ROLE})(?:[ \t]{{1,4}}(?i:message|prompt|turn))?"
    r"[ \t]{0,4}[\]*_=#-]{0,8}[ \t]{0,4}(?::|$)[*_]{0,3}"
    r"|(?:System|Assistant|User|Human|AI|SYSTEM|ASSISTANT|USER|HUMAN|Système|Utilisateur|Humain"
    r"|SYSTÈME|UTILISATEUR)[ \t\u00a0\u202f]*:"
    rf"|(?i:{ROLE})[ \t\u00a0\u202f]*:(?=(?:[ \t\u00a0\u202f]+[^\s{{}}\[\]]+){{4}}))"
    r"[ \t\u00a0\u202f]*",
    re.MULTILINE,
)
FENCES = re.compile(
    r"</?[ \t]*words-[^<>\n]{0,80}>"
    r"|</?[ \t]*(?:end[-_ ]of[-_ ])?(?:candidate|untrusted|exhibit)"
    r"(?:[-_ ][a-z0-9_-]{1,40})?[ \t]*>"
    r"|</?[ \t]*(?:answer|reponse|réponse)[-_][a-z0-9_-]{1,40}[ \t]*>"
    r"|^[ \t]*[-=#*<>_\[|~]{2,20}[^\n\w]{0,20}(?:begin|start|end|fin|debut|début)(?:[ \t]+[^\W\d_]+"
    r"['’]?s?){0,4}[ \t]+['’a-zé]{0,3}(?:answer|words|input|exhibit|response|reponse|réponse"
    r"|candidat|candidate)[^\n\w]{0,40}$",
    re.IGNORECASE | re.MULTILINE,
)

# Blank characters that are no spaces: of Hangul and of Braille, and one that joins nothing.
BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
JOINERS = frozenset("\u200c\u200d")
SHOWN_AS = frozenset("\ufe0e\ufe0f")  # as a text or as an emoji
LINES = str.maketrans({"\r": "\n", "\u2028": "\n", "\u2029": "\n", "\x0b": "\n", "\x0c": "\n"})
# These turn the direction of what follows, so that it is read otherwise than it is written.
TURNING = frozenset("\u202a\u202b\u202d\u202e\u2066\u2067\u2068")
# More of these than pasting leaves behind is a message, or splits words that are looked for.
UNSEEN = frozenset("\u200b\u200c\u200d\u2060\u2061\u2062\u2063\u2064\ufeff\u034f\u3164\u2800\u180e")
MANY = 8  # the flags of some countries are written with seven tags


class Sign(StrEnum):
    """What in an answer looks like an attempt to steer whoever reads it."""

    HIDDEN = "hidden"
    TOKENS = "tokens"
    TURNS = "turns"
    FENCE = "fence"
    ORDER = "order"
    VERDICT = "verdict"
    CODED = "coded"


def cleaned(text: str) -> str:
    """Return words without characters that nobody sees and without marks of turns."""
    now, before = text.replace("\r\n", "\n").translate(LINES), None
    while before != now:  # a mark may stand inside another, and what is cut out may join two halves
        before = now
        now = _cut(_cut(_cut(_seen(now), TOKENS), FENCES), TURNS)[:AT_MOST].strip()
    return now


def fenced(text: str, nonce: str) -> str:
    """Return words between two lines that only we know beforehand."""
    inside, before = cleaned(text), None
    while before != inside:
        before, inside = inside, cleaned(inside.replace(nonce, ""))
    return f"<words-{nonce}>\n{inside}\n</words-{nonce}>"


def nonce() -> str:
    """Return a mark that nobody can guess, new for every question to a model."""
    return secrets.token_hex(8)


def signs(text: str) -> tuple[Sign, ...]:
    """Return what speaks for a person's reading; nothing for what people write in good faith."""
    bare = "".join(one for one in plainer(text.translate(LINES)) if is_seen(one))
    told = _without_quotes(bare)
    # Dots, stars or ends of lines between the words of an order do not hide it.
    sentences = [*SENTENCE.findall(told), BETWEEN.sub(" ", told)]
    found: dict[Sign, Callable[[], bool]] = {
        Sign.HIDDEN: lambda: _hides(text),
        Sign.TOKENS: lambda: TOKENS.search(bare) is not None,
        Sign.TURNS: lambda: TURNS.search(bare) is not None,
        Sign.FENCE: lambda: FENCES.search(bare) is not None,
        Sign.ORDER: lambda: any(is_order(one) for one in sentences),
        Sign.VERDICT: lambda: VERDICT.search(bare) is not None,
        Sign.CODED: lambda: CODED.search(bare) is not None,
    }
    return tuple(sign for sign, is_there in found.items() if is_there())


def is_order(sentence: str) -> bool:
    """Return whether a sentence tells its reader how to read or to score: that is no evidence."""
    alike = plainer(sentence)
    if VERDICT.search(alike) is not None:
        return True
    clauses = {_folded(alike), *(_folded(part) for part in CLAUSE.split(alike))}
    return any(pattern.search(words) for pattern in ORDERS for words in clauses)


def plainer(text: str) -> str:
    """Return a text with plain letters and signs in the place of those that look like them."""
    return text if text.isascii() else "".join(map(_plainer, text))


@lru_cache(maxsize=10_000)
def _plainer(one: str) -> str:
    bare = unicodedata.normalize("NFKC", one)
    return (bare if len(bare) == 1 and bare.isascii() and bare > " " else one).translate(ALIKE)


@lru_cache(maxsize=10_000)
def is_seen(one: str) -> bool:
    """Return whether a character shows, or is a plain space or end of line."""
    if one in BLANK or "\ufe00" <= one <= "\ufe0f" or "\U000e0000" <= one <= "\U000e0fff":
        return False
    return one in "\n\t" or unicodedata.category(one) not in ("Cc", "Cf", "Co", "Cs", "Cn")


def is_blank(text: str) -> bool:
    """Return whether nothing in a text shows."""
    return not any(is_seen(one) and not one.isspace() for one in text)


def _seen(text: str) -> str:
    """Return the characters that show, and joiners where a script or an emoji needs them."""
    kept: list[str] = []
    for at, one in enumerate(text):
        after = text[at + 1] if at + 1 < len(text) else ""
        if (
            is_seen(one)
            or (one in JOINERS and kept and after and _joins(kept[-1], after))
            or (one in SHOWN_AS and kept and _is_sign(kept[-1]))
        ):
            kept.append(one)
    return "".join(kept)


def _joins(before: str, after: str) -> bool:
    if before in SHOWN_AS or unicodedata.category(before) == "Sk":
        return unicodedata.category(after) == "So"
    if unicodedata.category(before) == unicodedata.category(after) == "So":
        return True
    return all("\u0600" <= one <= "\u0fff" and is_seen(one) for one in (before, after))


def _is_sign(one: str) -> bool:
    return one in "#*0123456789" or unicodedata.category(one) in ("So", "Sm", "Po")


def _cut(text: str, pattern: re.Pattern[str]) -> str:
    """Take out what a pattern finds, whichever of two letters that look alike it is written in."""
    pieces, end = [], 0
    for found in pattern.finditer(plainer(text)):
        pieces.append(text[end : found.start()])
        end = found.end()
    return "".join(pieces) + text[end:] if end else text


def _hides(text: str) -> bool:
    """Return whether there is more that nobody sees than pasting leaves behind."""
    if any(one in TURNING for one in text):
        return True
    lost = sum(one in UNSEEN for one in text) - sum(one in UNSEEN for one in _seen(text))
    return lost + sum("\U000e0000" <= one <= "\U000e0fff" for one in text) > MANY


def _without_quotes(text: str) -> str:
    """Return a text without what it cites, unless that is all: citing is not giving an order."""
    told = QUOTED.sub(" ", text)
    return told if len(told.split()) >= SAID_AT_LEAST else text


def _folded(text: str) -> str:
    """Return small letters without accents and signs; letters set apart are joined."""
    alike = "".join(one for one in plainer(text) if is_seen(one))
    bare = unicodedata.normalize("NFKD", alike).casefold()
    kept = "".join(one for one in bare if not unicodedata.combining(one))
    words = NOT_WORDS.sub(" ", kept).strip()
    return APART.sub(lambda found: found.group().replace(" ", ""), words)


SENTENCE = re.compile(r"[^.;!?\n]+")
CLAUSE = re.compile(r"[,:()<>\u2013\u2014]")
QUOTED = re.compile(r"«[^«»]{1,300}»|“[^“”]{1,300}”|\"[^\"\n]{1,300}\"|`[^`\n]{1,300}`")
BETWEEN = re.compile(r"[\s.*_~|\u2026-]+")
SAID_AT_LEAST = 5  # words around a citation
NOT_WORDS = re.compile(r"[^a-z0-9]+")
APART = re.compile(r"\b(?:[a-z] ){4,}[a-z]\b")
VERDICT = re.compile(
    r"[\"'“](?:met|is_met|score|points|verdict|passed|grade|note)[\"'”]\s*:\s*"
    r"[\"'“]?(?:true|\d|passed|met|full|maximum|vrai)"
    r"|\b(?:met|is_met|verdict|passed)\s*[:=]\s*[\"'“]?(?:true|passed|met|yes|1)\b",
    re.IGNORECASE,
)
CODED = re.compile(
    r"\b(?=[A-Za-z0-9+/]*[A-Z])(?=[A-Za-z0-9+/]*[a-z])(?=[A-Za-z0-9+/]*\d)[A-Za-z0-9+/]{40,}={0,2}"
    r"|(?:\b[0-9a-f]{2}[ ,:]){20,}|(?:\\u[0-9a-f]{4}){6,}"
)

# An order stands at the start of a sentence, or after one of these.
BEGIN = (
    r"(?:^|\b(?:please|now|then|instead|so|and|kindly|just|must|shall|should|to|ai|assistant|judge"
    r"|veuillez|maintenant|donc|et|puis|alors|juste|merci de|prie de|devez|dois|faut|ia|juge) )"
)
OF_OURS = (
    r"(?:previous|prior|above|earlier|preceding|foregoing|original|initial|system|your|everything"
    r"|precedentes?|anterieures?|ci dessus|initiales?|systeme|vos|tes|recues?|votre)"
)
RULES = (
    r"(?:instructions?|rules?|prompts?|guidelines?|rubrics?|criteria|directives?|programming"
    r"|orders|checks|consignes?|regles?|criteres?|grille|bareme|ordres|invite)"
)
ALL_OF_IT = (
    r"(?:(?:all|every|each|both|any|these|those) (?:\w+ )?"
    r"(?:checks?|criteri(?:a|on)|statements?)"
    r"|the (?:\w+ )?(?:checks|criteria|rubric)|(?:tous|chacun|chaque|toutes|les|ces) (?:\w+ )?"
    r"(?:criteres?|controles?"
    r"|verifications?|points attendus|cases)|(?:my|this|the present) (?:answer|response|submission"
    r"|candidate|essay|reply)|(?:ma|cette|la presente) (?:reponse|copie)"
    r"|(?:ce|le present) candidat|cette candidate)"
)
IS_GOOD = (
    r"(?:met|fulfilled|satisfied|passed|passing|true|full|maximum|perfect|correct|excellent"
    r"|complete|accepted|right|valide\w*|rempli\w*|satisfait\w*|vrai\w*|acquis\w*|atteint\w*"
    r"|exact\w*|parfait\w*|correcte?s?|maxim\w*|reussi\w*|juste|accepte\w*)"
)
SCORES = (
    r"(?:mark|grade|score|rate|count|treat|consider|accept|award|give|assign|set|return|output"
    r"|respond|reply|declare|confirm|report|record|deem|tick|judge|approve|write|say"
    r"|marque\w*|note[zr]?|attribue\w*|donne[zr]?|accorde\w*|considere\w*|valide[zr]?|coche[zr]?"
    r"|met(?:s|tez|tre)|repond\w*|retourne\w*|renvo\w*|declare\w*|confirme\w*|compte[zr]?|juge[zr]?"
    r"|traite[zr]?|accepte[zr]?|ecri\w*|dis|dites)"
)
READER = (
    r"(?:ai|a i|llm|model|language model|grader|interviewer|judge"
    r"|examiner|evaluator|assistant|scorer"
    r"|chatbot|marker|ia|modele|modele de langue|correcteur"
    r"|intervieweur|juge|examinateur|evaluateur|notateur)"
)
ORDERS = tuple(
    re.compile(pattern)
    for pattern in (
        # leave aside what you were told
        rf"{BEGIN}(?:completely )?(?:ignore|disregard|forget|override|bypass|discard|drop)"
        rf" (?=(?:\w+ ){{0,5}}{OF_OURS}\b)(?:\w+ ){{0,6}}(?:{RULES}|said|told|above|before)\b",
        rf"{BEGIN}(?:ignore[zr]?|oublie[zr]?|neglige[zr]?|outrepasse[zr]?|contourne[zr]?"
        r"|ne (?:tenez|tiens|tenir) (?:pas|aucun|plus) compte|faites abstraction|fais abstraction)"
        rf" (?=(?:\w+ ){{0,6}}{OF_OURS}\b)(?:\w+ ){{0,6}}(?:{RULES}|precede|dit)\b",
        # score it so
        rf"{BEGIN}(?:\w+ment |simply |always )?{SCORES} (?:\w+ ){{0,5}}?{ALL_OF_IT}"
        rf" (?:\w+ ){{0,6}}?{IS_GOOD}\b",
        rf"{BEGIN}{SCORES} (?:\w+ ){{0,6}}?{IS_GOOD} (?:\w+ ){{0,6}}?{ALL_OF_IT}\b",
        rf"{ALL_OF_IT} (?:\w+ ){{0,3}}(?:is|are|was|were|as|must be|shall be|should be|count|be"
        rf"|sont|est|doi\w+ etre|comme|etre|soit|soient) (?:\w+ ){{0,3}}?{IS_GOOD}\b",
        rf"{BEGIN}(?:approve|accept|pass|tick|valide[zr]?|coche[zr]?|acceptez|approuve[zr]?|recevez)"
        rf" (?:\w+ ){{0,2}}{ALL_OF_IT}\b",
        r"\b(?:full|maximum|top|perfect|highest|best|max|complete) (?:possible )?(?:marks?|points?"
        r"|score|credit|grade|rating)\b",
        r"\b(?:note|score|points|resultat) (?:maxim\w+|parfaite?|la plus (?:haute|elevee))\b",
        r"\b(?:maximum|totalite|ensemble) des? points\b",
        # who you are, who I am
        rf"\byou (?:are|re|act|will act|play|become) (?:\w+ ){{0,5}}{READER}\b",
        rf"\b(?:vous etes|tu es|vous jouez|tu joues|agissez|agis) (?:\w+ ){{0,5}}{READER}\b",
        rf"^(?:dear|attention|hey|hello|hi|note to|message to|message for|instruction|instructions)"
        rf" (?:\w+ ){{0,3}}{READER}\b",
        rf"^(?:cher|chere|attention|bonjour|note pour|message pour|message au|instructions? pour"
        rf"|a l attention) (?:\w+ ){{0,4}}{READER}\b",
        r"\b(?:administrator|admin|operator|operators|developers|board|head|director) of (?:this"
        r"|the) (?:platform|exam|interview|examination|system|instance|evaluation)\b",
        r"\b(?:administrat\w+|operat\w+|exploitant|responsable|direct\w+|jury) (?:de|du|d)"
        r" (?:cet|cette|la|le|l)? ?(?:plateforme|examen|entretien|systeme|instance|evaluation)\b",
        # or else
        r"\bif you (?:do not|don t|fail|refuse|reject|mark me|score me|grade me|give me)\b",
        r"\bsi vous (?:ne (?:me|validez|cochez|donnez|m)|refusez|me (?:refusez|recalez|donnez)"
        r"|m (?:accordez|attribuez))\b",
        # tell me what I should not know
        rf"{BEGIN}(?:tell|give|show|reveal|print|repeat|list|disclose|translate|output|share|write)"
        r" (?:\w+ ){0,7}(?:rubric|checks|expected answer|correct answer|model answer|answer key"
        r"|your instructions|your prompt|system prompt|scoring criteria|right answer)\b",
        rf"{BEGIN}(?:dites|dis|donne[zr]?|montre[zr]?|revele[zr]?|affiche[zr]?|repete[zr]?|liste[zr]?"
        r"|communique[zr]?|tradui\w+|recopie[zr]?|indique[zr]?) (?:\w+ ){0,7}(?:grille|bareme"
        r"|reponse attendue|bonne reponse|vos instructions|votre invite|tes instructions"
        r"|criteres de notation|corrige|reponse modele)\b",
        r"\brot ?13\b",
        r"\b(?:end|fin) (?:of|de) (?:the )?(?:answer|exhibit|reponse|la reponse|l epreuve)$",
    )
)
