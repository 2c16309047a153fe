"""What the audit trail says of money."""

from flask_babel import lazy_gettext as _l

from core.audit_words import Row

ACTIONS = {
    "money.read": _l("Payouts of a person read"),
    "deposit.opened": _l("Deposit begun"),
    "deposit.paid": _l("Deposit paid"),
    "deposit.failed": _l("Deposit did not arrive"),
    "refund.asked": _l("Refund asked for"),
    "refund.succeeded": _l("Refund given back"),
    "refund.failed": _l("Refund failed, money back in the budget"),
    "payee.opened": _l("Account for payouts opened"),
    "payee.rhythm": _l("Rhythm of payouts chosen"),
    "payee.none": _l("Account for payouts: not there"),
    "payee.started": _l("Account for payouts: started"),
    "payee.pending": _l("Account for payouts: being checked"),
    "payee.restricted": _l("Account for payouts: details needed"),
    "payee.active": _l("Account for payouts: can be paid"),
    "payee.closed": _l("Account for payouts: closed"),
    "payout.requested": _l("Payout asked for"),
    "payout.sent": _l("Payout sent"),
    "payout.paid": _l("Payout arrived"),
    "payout.bank_refused": _l("Payout refused by the bank"),
    "payout.blocked": _l("Payout waits for the expert’s details"),
    "payout.failed": _l("Payout failed, money owed again"),
    "payout.hold_lifted": _l("Withheld payouts sent again"),
    "payout.looked_up": _l("Lost payout looked up"),
}
ROWS = {
    "payout": Row(_l("Payout %(id)s")),
    "deposit": Row(_l("Deposit %(id)s")),
    "refund": Row(_l("Refund %(id)s")),
    "payee": Row(_l("Account of expert number %(id)s")),
}
