"""What stands on a statement for each kind of amount; a kind without words here keeps its own."""

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from payouts import words

# By the last part of a move's event and its own name within it, as in `words.MOVES`.
ACTS = {
    "earned/pay": _l("Work accepted"),
    "completed/pay": _l("Rest of the pay of work that was paid in part"),
    "sent/amount": _l("Payout"),
    "reversed/amount": _l("Payout that came back"),
}
# Told apart by their narration: pay beside the price of tasks, whose acts are those of work, and
# what the rail gave back.
BESIDE = {
    "bonus given": _l("Bonus"),
    "review earned": _l("Review"),
    "qualification earned": _l("Qualification task"),
    "payout taken back, owed again": _l("Payout taken back, owed again"),
    "reversal made good": _l("Payout that was taken back made good"),
}


def act(name: str, narration: str, *, in_part: bool) -> str:
    """Say what an amount was for."""
    if in_part and name == "earned/pay" and narration not in BESIDE:
        return str(_("Work accepted in part"))
    found = BESIDE.get(narration) or ACTS.get(name)
    # A kind that came later has words in the ledger; they are translated where somebody did so.
    return str(found) if found else str(_(narration)).capitalize()


def cause(name: str) -> str:
    """Say which task or payout an amount belongs to."""
    kind, _colon, number = name.partition(":")
    if kind == "assignment":
        return str(_("Assignment %(number)s", number=number))
    if kind in words.EXTRA_NUMBERED:
        return str(words.EXTRA_NUMBERED[kind] % {"number": number})
    if kind == "payout":
        return str(_("Payout %(number)s", number=number))
    return "" if kind == "reversal" else name
