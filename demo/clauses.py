"""What kind of clause a passage is, by its words: rules that a careful reader would start from.

They choose a balanced demo and stand in for experts on `make walk`; they are never gold.
"""

import re
from collections.abc import Iterator

CLAUSES = ("grant", "patent", "redistribution", "warranty", "liability", "termination", "other")

_SIGNS: tuple[tuple[str, int, str], ...] = (
    ("grant", 4, r"\bhereby grant(?:s|ed)\b|\bpermission .{0,80}\bgranted\b"),
    ("grant", 3, r"\bare permitted provided\b|\bis granted to\b|\bpermission is granted\b"),
    (
        "grant",
        2,
        r"\broyalty-free\b|\bmay be (?:freely )?(?:used|copied)\b|\byou (?:may|can) use\b",
    ),
    (
        "grant",
        1,
        r"\bis free to\b|\bfree of charge\b|\bwithout fee\b|\bsublicen[sc]e\b|\bany purpose\b",
    ),
    ("patent", 4, r"\bgrant of patent\b|\bpatent license to\b"),
    ("patent", 4, r"\bpatent (?:licen[sc]e|claims?|infringement|litigation|rights?)\b"),
    ("patent", 2, r"\bpatents?\b"),
    ("redistribution", 3, r"\bmust (?:retain|reproduce|include|give|cause|carry|be included)\b"),
    ("redistribution", 3, r"\bshall be included in\b|\bmust not be (?:removed|misrepresented)\b"),
    ("redistribution", 3, r"\bneither the names?\b|\bendorse or promote\b|\bplainly marked\b"),
    ("redistribution", 3, r"\bmust inform\b|\bagrees to include\b|\bcopies of the library's\b"),
    ("redistribution", 2, r"\bredistribut|\bdistribute copies\b|\bconvey\b|\bsource code form\b"),
    ("redistribution", 1, r"\bprovided that\b|\bcopyright notices?\b|\bdistribut(?:e|ion)\b"),
    ("warranty", 4, r"\bas[ -]is\b|\bwithout (?:any )?(?:warranty|warranties)\b|\bno warranty\b"),
    ("warranty", 3, r"\bdisclaims?\b.{0,60}\bwarrant|\bmakes? no representations?\b"),
    ("warranty", 2, r"\bmerchantability\b|\bfitness for\b|\bwarrant(?:y|ies)\b"),
    ("liability", 4, r"\bin no event\b|\bbe (?:held )?liable\b|\bbe responsible for\b"),
    ("liability", 2, r"\bconsequential\b|\bindemni|\bdamages\b"),
    ("liability", 1, r"\bliabilit(?:y|ies)\b"),
    ("termination", 5, r"\bterminat(?:e|es|ed|ion)\b|\breinstated\b"),
    ("other", 3, r"\bmeans\b|\brefers to\b|\bshall mean\b|\bdefinitions?\b"),
    ("other", 3, r"\bgoverned by\b|\bjurisdiction\b|\bunenforceable\b|\bagency\b|\btrademarks?\b"),
    ("other", 2, r"\bcopyright (?:19|20)\d\d\b|\ball rights reserved\b|\bauthors?\b.*\bsee\b"),
)
_COMPILED = tuple((clause, weight, re.compile(signs, re.I)) for clause, weight, signs in _SIGNS)

_PARTY = re.compile(
    r"\b(?:(?:each|any|no|the|such|every|initial) )?(?:contributors?|licensors?|licensees?)\b"
    r"|\bthe (?:authors? or )?copyright (?:holders?|owners?)(?: (?:and|or) contributors)?\b"
    r"|\byou\b|\bthe authors?\b|\bany person\b|\brecipients?\b|\b(?:PSF|CNRI|CWI|BeOpen)\b",
    re.IGNORECASE,
)
_OBLIGATION = re.compile(
    r"\b(?:must|shall|agrees? to|may not|are retained|appears? in)\b[^.;:]{3,240}", re.IGNORECASE
)


def guess(text: str) -> str:
    """Say the likeliest clause of a passage."""
    return ranked(text)[0]


def ranked(text: str) -> list[str]:
    """List the clauses from the likeliest to the least likely."""
    weights = dict.fromkeys(CLAUSES, 0)
    weights["other"] = 1
    for clause, weight, signs in _COMPILED:
        if signs.search(text):
            weights[clause] += weight
    return sorted(CLAUSES, key=lambda clause: -weights[clause])


def spans(text: str) -> Iterator[tuple[str, int, int]]:
    """Yield label, start and end of what looks like a party or an obligation."""
    for found in list(_PARTY.finditer(text))[:2]:
        yield "Party", found.start(), found.end()
    for found in list(_OBLIGATION.finditer(text))[:2]:
        yield "Obligation", found.start(), found.start() + len(found.group().rstrip(" ,and"))
