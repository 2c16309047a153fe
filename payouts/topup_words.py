"""What automatic top-ups are called on pages and in letters."""

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from payouts.topup_models import TopUpEnd

ENDS: dict[TopUpEnd, LazyString] = {
    TopUpEnd.OWNER: _l("It was turned off by a member of your organisation."),
    TopUpEnd.REPLACED: _l("It was replaced by another agreement."),
    TopUpEnd.NOT_FINISHED: _l("The card was not saved within a day, so nothing began."),
    TopUpEnd.DECLINED: _l(
        "The bank declined the card. Nothing was charged, and no card is tried again."
    ),
    TopUpEnd.AUTHENTICATION: _l(
        "The bank wants the card’s holder to confirm the payment, which nobody can do for you."
        " Nothing was charged."
    ),
    TopUpEnd.UNCLEAR: _l(
        "Stripe has received a payment in another amount or currency than asked. The operator"
        " looks into it; nothing is lost."
    ),
    TopUpEnd.NOT_TOLD: _l(
        "Stripe does not say what became of the card or of its last charge. The operator looks into"
        " it; nothing is lost, and nothing more is charged."
    ),
    TopUpEnd.CLOSED: _l("The project is completed."),
}
