"""Words of strangers on their way to a language model: cleaned, and fenced by a random mark.

Nothing here decides; it only takes away what could pass for a turn of ours. Whatever a model says
of such words is read like anything else that a stranger sends.
"""

import re
import unicodedata

# Tokens by which models tell turns apart, and tags that imitate them.
MARKERS = re.compile(
    r"<\|[^|>\n]{1,40}\|>"  # <|im_start|>, <|system|>
    r"|<{1,2}/?(?:s|sys|system|inst|user|assistant|im_start|im_end)>{1,2}"
    r"|\[/?(?:inst|sys|system|user|assistant)\]",
    re.IGNORECASE,
)
TURNS = re.compile(
    r"^[ \t]*(?:#{1,6}[ \t]*)?(?:system|assistant|user|developer|human|système|utilisateur)"
    r"[ \t]*:[ \t]*",
    re.IGNORECASE | re.MULTILINE,
)
AT_MOST = 4000  # characters of an answer


def cleaned(text: str) -> str:
    """Return words without characters that nobody sees and without marks of turns."""
    seen = "".join(one for one in text[:AT_MOST] if is_seen(one))
    before = None
    while before != seen:  # a mark may stand inside another
        before, seen = seen, TURNS.sub("", MARKERS.sub(" ", seen))
    return seen.strip()


def fenced(text: str, nonce: str) -> str:
    """Return words between two lines that only we know beforehand."""
    inside = cleaned(text).replace(nonce, "")
    return f"<words-{nonce}>\n{inside}\n</words-{nonce}>"


def is_seen(one: str) -> bool:
    """Return whether a character shows, or is a plain space or end of line."""
    return one in "\n\t" or unicodedata.category(one) not in ("Cc", "Cf", "Co", "Cs", "Cn")
