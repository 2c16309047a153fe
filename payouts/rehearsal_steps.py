"""The scenario of a rehearsal: money in, accounts, money on, money back, and the books of it all.

The one rule: each step says what must be so in our adapter's own words, for a test key of Stripe's
and for our sandbox alike. The letters name the assumptions in payouts/sandbox/README.md.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from core.money import Money
from core.ports import (
    Checkout,
    NotEnoughFunds,
    OutcomeUnknown,
    PayeeNotReady,
    PayoutRefused,
    RailCharge,
    RailDispute,
    RailEntry,
    RailRefund,
)
from payouts.rehearsal import Differs, NotHere, Scene, Steps, check, refused, written

step = Steps()

BACK = "https://example.org/back"
BUDGET, CARD, SMALL = 20_000, 5_000, 1_000
MOST = 99_999_999


@step("the key is taken and the balance is read", is_vital=True)
def balance(scene: Scene) -> str:
    """Read what the platform has."""
    found = scene.rail.balances()
    lines = [f"{written(one.available)} and {written(one.pending)} pending" for one in found]
    return "; ".join(lines) or "no money yet"


# ---- money in ----------------------------------------------------------------------------------


def _open(scene: Scene, amount: int = BUDGET) -> Checkout:
    reference = scene.name("checkout")
    return scene.rail.open_checkout(
        scene.money(amount), reference=reference, title="Rehearsal", back_to=BACK
    )


@step("a checkout opens")
def checkout_opens(scene: Scene) -> str:
    """Open a hosted page for a budget."""
    opened = _open(scene)
    check(opened.state == "open", f"its state is {opened.state}")
    check(opened.amount == scene.money(BUDGET), f"it asks for {written(opened.amount)}")
    check(opened.url.startswith("http"), "it has no address")
    scene.made["checkout"] = opened.id
    return f"{opened.id}, {written(opened.amount)}"


@step("asked again, the same checkout comes back")
def checkout_again(scene: Scene) -> str:
    """Ask again under the same reference."""
    first = scene.need("checkout")
    again = _open(scene)
    check(again.id == first, f"a second one was opened: {again.id}")
    return first


@step("the same reference for another amount is told apart", "A5")
def checkout_mismatch(scene: Scene) -> str:
    """Ask for something else under a reference that is taken."""
    scene.need("checkout")
    return refused(OutcomeUnknown, lambda: _open(scene, BUDGET + 1))


@step("a person pays the checkout")
def checkout_is_paid(scene: Scene) -> str:
    """Read a payment with its charge and the fee."""
    id_ = scene.need("checkout")
    opened = scene.rail.checkout(id_)
    scene.person.pays(opened, lambda: scene.rail.checkout(id_).state == "paid")
    paid = scene.rail.checkout(id_)
    check(paid.state == "paid", f"its state is {paid.state}")
    check(paid.charge_id and paid.fee is not None, "its charge or its fee cannot be read")
    scene.moves(paid.charge_id or "", BUDGET)
    return f"{paid.charge_id}, fee {written(paid.fee)}" if paid.fee else ""


def _pay(scene: Scene, what: str, card: str, amount: int = CARD) -> RailCharge:
    """Pay by a test card, and note the charge and what must follow."""
    reference = scene.name(what)
    id_ = scene.rail.pay_by_test_card(scene.money(amount), card, reference=reference)
    scene.made[what] = id_
    scene.moves(id_, amount)
    scene.told |= {("payment_intent.succeeded", reference), ("charge.succeeded", reference)}
    charge = scene.rail.charge(id_)
    check(charge.amount == scene.money(amount), f"the charge is {written(charge.amount)}")
    check(charge.reference == reference, f"the charge does not bear {reference}")
    return charge


@step("a payment by test card whose funds are there at once")
def paid_at_once(scene: Scene) -> str:
    """Pay as much as the transfers below need."""
    charge = _pay(scene, "settled charge", "pm_card_bypassPending", BUDGET)
    check(scene.soon(lambda: scene.rail.charge(charge.id).is_settled), "it has not settled")
    return f"{charge.id}, {written(charge.amount)}"


@step("the fee stands in the balance line, in the charge's currency", "A1", "A9")
def fee(scene: Scene) -> str:
    """Read the line of a charge: what came in less the fee."""
    id_ = scene.need("settled charge")
    found: list[RailEntry] = []

    def is_there() -> bool:
        found[:] = [one for one in scene.rail.entries(scene.began) if one.source_id == id_]
        return bool(found)

    scene.soon(is_there)
    check(len(found) == 1, f"{len(found)} lines have it as their source")
    line = found[0]
    check(line.net.currency == scene.currency, f"it was converted to {line.net.currency}")
    taken = line.fee or scene.money(0)
    check(line.net + taken == scene.money(BUDGET), f"{written(line.net)} and {written(taken)}")
    usual = scene.money(scene.money(BUDGET).share_bps(150).minor + 25)
    return f"fee {written(taken)} (the sandbox takes {written(usual)}; yours is in your contract)"


@step("a payment by test card whose funds wait", "A3")
def paid_and_waits(scene: Scene) -> str:
    """Read when a payment settles."""
    id_ = _pay(scene, "waiting charge", "pm_card_visa").id
    # Stripe writes the line of a charge a moment after it was paid.
    scene.soon(lambda: scene.rail.charge(id_).settles_at is not None)
    charge = scene.rail.charge(id_)
    if charge.is_settled:
        return f"{charge.id} has settled at once (a sandbox may be told so; Stripe waits days)"
    check(charge.settles_at, "it does not say when it settles")
    return f"{charge.id} settles on {charge.settles_at:%Y-%m-%d} (the sandbox takes two days)"


@step("a declined card moves nothing", "A5")
def declined(scene: Scene) -> str:
    """Pay with a card that says no."""
    card = "pm_card_visa_chargeDeclined"
    code = refused(
        PayoutRefused,
        lambda: scene.rail.pay_by_test_card(
            scene.money(CARD), card, reference=scene.name("declined")
        ),
    )
    check(code == "card_declined", f"its code is {code}, the sandbox says card_declined")
    return code


def _charge_saved(scene: Scene, what: str) -> Checkout:
    return scene.rail.charge_saved(
        scene.money(CARD),
        customer_id=scene.need("customer"),
        card_id=scene.need("card"),
        reference=scene.name(what),
        title="Rehearsal",
    )


@step("a saved card is charged while nobody is there, and found again", "A4")
def saved_card(scene: Scene) -> str:
    """Charge a saved card and look the charge up as after a lost answer."""
    reference = scene.name("saved card")
    owner, card = scene.rail.save_test_card("pm_card_visa", reference=reference)
    scene.made |= {"customer": owner, "card": card}
    paid = _charge_saved(scene, "saved card")
    check(paid.state in ("paid", "processing"), f"its state is {paid.state}, {paid.trouble}")
    scene.moves(paid.charge_id or "", CARD)

    def is_paid() -> bool:
        found = scene.rail.find_saved_charge(
            customer_id=owner, reference=reference, since=scene.began
        )
        check(found and found.charge_id == paid.charge_id, "it cannot be looked up")
        return found is not None and found.state == "paid"

    check(scene.soon(is_paid), "it is never read as paid")
    return f"{paid.charge_id} of {owner}"


@step("a saved card that is forgotten cannot be charged", "A5")
def forgotten_card(scene: Scene) -> str:
    """Detach a card, and again."""
    card = scene.need("card")
    for _ in range(2):
        scene.rail.forget_card(card)
    return refused(PayoutRefused, lambda: _charge_saved(scene, "forgotten card"))


@step("a saved card may say no later, which is an answer", "A5")
def saved_card_declines(scene: Scene) -> str:
    """Charge a card that could be saved and is declined."""
    reference = scene.name("declining card")
    owner, card = scene.rail.save_test_card("pm_card_chargeCustomerFail", reference=reference)
    scene.made |= {"customer": owner, "card": card}
    found = _charge_saved(scene, "declining card")
    check(found.state == "failed", f"its state is {found.state}")
    check(
        found.trouble == "generic_decline",
        f"its code is {found.trouble}, the sandbox says generic_decline",
    )
    return str(found.trouble)


# ---- accounts ----------------------------------------------------------------------------------


@step("a payee's account opens, once")
def payee_opens(scene: Scene) -> str:
    """Open an account by Accounts v2, or by v1 where the platform has no v2."""
    asked = {
        "reference": scene.name("payee"),
        "email": "rehearsal@example.org",
        "country": scene.country,
    }
    id_ = scene.rail.open_payee(**asked)
    again = scene.rail.open_payee(**asked)
    check(id_ == again, f"asked again, a second one was opened: {again}")
    scene.made["new payee"] = id_
    return id_


@step("what a new account lacks is told")
def payee_lacks(scene: Scene) -> str:
    """Read a fresh account."""
    found = scene.rail.payee(scene.need("new payee"))
    check(found.state != "active", "it may receive money though nobody gave details")
    check(found.missing or found.state == "started", "it lacks nothing and is not active")
    return f"{found.state}, lacks {len(found.missing)} things"


@step("an account of the first API opens and is read by the same questions")
def payee_by_v1(scene: Scene) -> str:
    """Open an account as where a platform has no Accounts v2."""
    try:
        id_ = scene.rail.open_payee_by_v1(
            reference=scene.name("payee by v1"),
            email="rehearsal@example.org",
            country=scene.country,
        )
    except PayoutRefused as refusal:
        raise NotHere(f"this platform opens accounts by v2 only ({refusal})") from refusal
    scene.made["payee by v1"] = id_
    found = scene.rail.payee(id_)
    check(found.account_id == id_ and found.state != "active", f"its state is {found.state}")
    return f"{id_}, {found.state}"


@step("onboarding links lead to hosted pages, each a fresh one")
def onboarding_links(scene: Scene) -> str:
    """Ask for links for both accounts."""
    scene.need("new payee")
    opened = [what for what in ("new payee", "payee by v1") if what in scene.made]
    for what in opened:
        urls = {_link(scene, scene.made[what]) for _ in range(2)}
        check(len(urls) == 2, f"the link for {what} was used twice")
        check(all(url.startswith("http") for url in urls), f"{what} has no link")
    return f"two for each of {len(opened)} accounts"


def _link(scene: Scene, account_id: str) -> str:
    return scene.rail.onboarding_url(account_id, refresh_url=BACK, return_url=BACK)


@step("an account that is not ready receives nothing", "A5")
def not_ready(scene: Scene) -> str:
    """Send to a fresh account."""
    to, reference = scene.need("new payee"), scene.name("not ready")
    code = refused(
        PayeeNotReady, lambda: scene.rail.send(scene.money(SMALL), to=to, reference=reference)
    )
    check(scene.rail.count_sent(reference) == 0, "it was sent all the same")
    return code


@step("an account that does not exist receives nothing", "A5")
def no_such_account(scene: Scene) -> str:
    """Send to nobody."""
    reference = scene.name("nobody")
    return refused(
        PayoutRefused,
        lambda: scene.rail.send(
            scene.money(SMALL), to="acct_0000000000000000", reference=reference
        ),
    )


@step("a payee gives their details and may receive money")
def payee_is_ready(scene: Scene) -> str:
    """Read the capability of an account that is onboarded."""
    id_ = scene.payee or scene.need("new payee")

    def is_active() -> bool:
        return scene.rail.payee(id_).state == "active"

    if not is_active():
        scene.person.onboards(id_, _link(scene, id_), is_active)
    check(is_active(), f"its state is {scene.rail.payee(id_).state}")
    scene.made["payee"] = id_
    return f"{id_} is active"


# ---- money on ----------------------------------------------------------------------------------


def _send(scene: Scene, what: str, amount: int = SMALL) -> str:
    return scene.rail.send(scene.money(amount), to=scene.need("payee"), reference=scene.name(what))


def _send_from(scene: Scene, charge_id: str, what: str, amount: int) -> str:
    sent = scene.rail.send_from(
        charge_id, scene.money(amount), to=scene.need("payee"), reference=scene.name(what)
    )
    scene.moves(sent, -amount)
    return sent


@step("a transfer leaves, and once only when asked again")
def transfer(scene: Scene) -> str:
    """Send, and send again under the same reference."""
    sent = _send(scene, "transfer", 2 * SMALL)
    scene.made["transfer"] = sent
    scene.moves(sent, -2 * SMALL)
    scene.told.add(("transfer.created", scene.name("transfer")))
    check(_send(scene, "transfer", 2 * SMALL) == sent, "asked again, a second one left")
    check(scene.rail.count_sent(scene.name("transfer")) == 1, "more than one is listed")
    return sent


@step("the reference of a transfer for another amount moves nothing", "A5")
def transfer_mismatch(scene: Scene) -> str:
    """Send something else under a reference that is taken."""
    scene.need("transfer")
    code = refused(OutcomeUnknown, lambda: _send(scene, "transfer", 2 * SMALL + 1))
    check(scene.rail.count_sent(scene.name("transfer")) == 1, "a second one left")
    return code


@step("more than there is moves nothing", "A5")
def too_much(scene: Scene) -> str:
    """Send more than the platform has available."""
    held = [one.available for one in scene.rail.balances()]
    amount = max(0, sum(one.minor for one in held if one.currency == scene.currency)) + 1
    if amount > MOST:
        raise NotHere("the balance is larger than a transfer may be")
    return refused(NotEnoughFunds, lambda: _send(scene, "too much", amount))


@step("a transfer whose answer was lost is found by its reference")
def lost_answer(scene: Scene) -> str:
    """Lose an answer, look the transfer up, and ask again."""
    to, reference = scene.need("payee"), scene.name("lost")
    scene.rail.wire.to_lose = 1
    refused(OutcomeUnknown, lambda: _send(scene, "lost"))
    found = scene.rail.find_sent(to=to, reference=reference, since=scene.began)
    check(found, "it was sent and cannot be looked up")
    check(_send(scene, "lost") == found, "asked again, a second one left")
    check(scene.rail.count_sent(reference) == 1, "more than one is listed")
    scene.moves(found or "", -SMALL)
    return str(found)


@step("two hands with one reference at once send once", "A5")
def at_once(scene: Scene) -> str:
    """Ask twice at the same moment."""
    to, reference = scene.need("payee"), scene.name("at once")

    def ask(_: int) -> str:
        try:
            return _send(scene, "at once")
        except OutcomeUnknown as unknown:
            return str(unknown)

    with ThreadPoolExecutor(2) as hands:
        said = set(hands.map(ask, range(2)))
    found = scene.rail.find_sent(to=to, reference=reference, since=scene.began)
    check(found in said, f"neither was told the transfer: {said}")
    check(scene.rail.count_sent(reference) == 1, "it was sent twice")
    scene.moves(found or "", -SMALL)
    return ", ".join(sorted(said))


@step("a transfer draws on a payment that has not settled")
def from_a_charge(scene: Scene) -> str:
    """Send from a charge."""
    id_ = scene.need("waiting charge")
    return f"{_send_from(scene, id_, 'from a charge', SMALL)} from {id_}"


@step(
    "what was drawn on a charge lowers what is left, and a reversal does not raise it", "A7", "A8"
)
def left_of_a_charge(scene: Scene) -> str:
    """Draw on a charge, take that back, and try to draw it again."""
    scene.need("payee")
    charge = _pay(scene, "drawn charge", "pm_card_visa", 2_000)
    drawn = _send_from(scene, charge.id, "drawn", 1_500)
    back = scene.rail.take_back(drawn, scene.money(1_500), reference=scene.name("drawn back"))
    scene.moves(back.id, 1_500)
    code = refused(PayoutRefused, lambda: _send_from(scene, charge.id, "drawn again", 501))
    return f"500 of 2000 are left ({code})"


@step("a refund lowers what is left of a charge", "A7")
def refund_lowers(scene: Scene) -> str:
    """Refund a part of a charge, and try to draw more than what is left."""
    scene.need("payee")
    charge = _pay(scene, "refunded charge", "pm_card_visa", 2_000)
    _give_back(scene, charge.id, "lowering refund", 500)
    code = refused(PayoutRefused, lambda: _send_from(scene, charge.id, "over the rest", 1_501))
    return f"{_send_from(scene, charge.id, 'the rest', 1_500)}, and no more ({code})"


@step("a transfer is taken back in part, once, and never beyond")
def reversal(scene: Scene) -> str:
    """Reverse a part of a transfer."""
    sent, reference = scene.need("transfer"), scene.name("back")
    part = scene.money(SMALL // 2)
    first = scene.rail.take_back(sent, part, reference=reference)
    again = scene.rail.take_back(sent, part, reference=reference)
    check(first.id == again.id, "asked again, it was taken back twice")
    scene.moves(first.id, SMALL // 2)
    scene.told.add(("transfer.reversed", scene.name("transfer")))
    listed = [(one.id, one.reference) for one in scene.rail.taken_back(sent)]
    check(listed == [(first.id, reference)], f"listed are {listed}")
    beyond = scene.money(2 * SMALL)
    refused(
        PayoutRefused,
        lambda: scene.rail.take_back(sent, beyond, reference=scene.name("beyond")),
    )
    return f"{first.id} of {sent}"


@step("what a payee has is read")
def payee_balance(scene: Scene) -> str:
    """Read the balance of a connected account."""
    return written(scene.rail.payee_balance(scene.need("payee"), scene.currency))


@step("a transfer that its payee has no longer is not taken back", "A8")
def nothing_to_take_back(scene: Scene) -> str:
    """Send all that a payee has to their bank, and try a reversal."""
    to, sent = scene.need("payee"), scene.need("transfer")
    try:
        gone = scene.rail.send_to_bank(to, scene.currency, reference=scene.name("to the bank"))
    except PayoutRefused as refusal:
        raise NotHere(f"the payee's balance cannot be emptied ({refusal})") from refusal
    if gone <= scene.money(0):
        raise NotHere("the payee has nothing available that could leave")
    code = refused(
        NotEnoughFunds,
        lambda: scene.rail.take_back(sent, scene.money(SMALL), reference=scene.name("late")),
    )
    return f"{written(gone)} went to the bank, then {code}"


# ---- money back --------------------------------------------------------------------------------


def _give_back(scene: Scene, charge_id: str, what: str, amount: int) -> RailRefund:
    """Refund, and note what must follow."""
    reference = scene.name(what)
    made = scene.rail.give_back(charge_id, scene.money(amount), reference=reference)
    check(made.amount == scene.money(amount), f"it gives back {written(made.amount)}")
    if made.has_moved:
        scene.moves(made.id, -amount)
    scene.told.add(("refund.created", reference))
    return made


@step("a part of a payment is refunded, once, and found again")
def refund(scene: Scene) -> str:
    """Refund, ask again, and look it up as after a lost answer."""
    id_, reference = scene.need("settled charge"), scene.name("refund")
    made = _give_back(scene, id_, "refund", SMALL)
    again = scene.rail.give_back(id_, scene.money(SMALL), reference=reference)
    check(again.id == made.id, "asked again, it was refunded twice")
    found = scene.rail.find_refund(id_, reference=reference)
    check(found and found.id == made.id, "it cannot be looked up")
    check(scene.rail.charge(id_).refunded == scene.money(SMALL), "the charge does not say so")
    scene.told.add(("charge.refunded", scene.name("settled charge")))
    return f"{made.id}, {scene.rail.refund(made.id).state}"


@step("a refund whose answer was lost is found by its reference")
def lost_refund(scene: Scene) -> str:
    """Lose an answer, look the refund up, and ask again."""
    id_, reference = scene.need("settled charge"), scene.name("lost refund")
    amount = scene.money(SMALL)
    scene.rail.wire.to_lose = 1
    refused(OutcomeUnknown, lambda: scene.rail.give_back(id_, amount, reference=reference))
    found = scene.rail.find_refund(id_, reference=reference)
    if found is None:
        raise Differs("it was refunded and cannot be looked up")
    again = scene.rail.give_back(id_, amount, reference=reference)
    check(again.id == found.id, "asked again, it was refunded twice")
    scene.moves(found.id, -SMALL)
    return found.id


@step("more than is left of a payment is not refunded", "A5")
def refund_beyond(scene: Scene) -> str:
    """Refund more than was paid."""
    id_, over = scene.need("settled charge"), scene.money(BUDGET)
    reference = scene.name("refund beyond")
    return refused(PayoutRefused, lambda: scene.rail.give_back(id_, over, reference=reference))


@step("a refund that a bank is slow with is pending", "A2")
def slow_refund(scene: Scene) -> str:
    """Refund a payment of the card whose refunds wait."""
    charge = _pay(scene, "slow charge", "pm_card_pendingRefund")
    made = _give_back(scene, charge.id, "slow refund", SMALL)
    check(made.state == "pending", f"its state is {made.state}")
    scene.made["slow refund"] = made.id
    return f"{made.id}, {made.trouble or 'no reason given'}"


@step("a refund that a bank will send back is succeeded at first", "A2")
def failing_refund(scene: Scene) -> str:
    """Refund a payment of the card whose refunds fail."""
    charge = _pay(scene, "failing charge", "pm_card_refundFail")
    made = _give_back(scene, charge.id, "failing refund", SMALL)
    check(made.state == "succeeded", f"its state is {made.state}")
    scene.made["failing refund"] = made.id
    return made.id


@step("a payment that its payer disputes is told, with what it took", "A1", "A6")
def dispute(scene: Scene) -> str:
    """Pay by the card that disputes at once."""
    charge = _pay(scene, "disputed charge", "pm_card_createDispute")
    found: list[RailDispute] = []

    def is_told() -> bool:
        found[:] = [one for one in scene.rail.disputes(scene.began) if one.charge_id == charge.id]
        return bool(found and found[0].entries)

    check(scene.soon(is_told), "no dispute of it is listed, or none that took anything")
    one = scene.rail.dispute(found[0].id)
    check(one.reference == scene.name("disputed charge"), "it does not bear our reference")
    taken = sum(((line.fee or scene.money(0)) for line in one.entries), scene.money(0))
    gross = sum((line.net + (line.fee or scene.money(0)) for line in one.entries), scene.money(0))
    check(gross == -one.amount, f"it took {written(gross)} for {written(one.amount)}")
    check(scene.rail.charge(charge.id).is_disputed, "the charge does not say so")
    scene.told.add(("charge.dispute.created", one.id))
    return f"{one.id}, {one.state}, fee {written(taken)} (the sandbox takes 15.00)"


# ---- the books of it all -----------------------------------------------------------------------


@step("the balance lines say what was moved, to the cent")
def lines(scene: Scene) -> str:
    """Compare each act with its line."""
    found: dict[str, Money] = {}

    def are_there() -> bool:
        found.clear()
        for one in scene.rail.entries(scene.began):
            if one.source_id in scene.moved and one.net.currency == scene.currency:
                gross = one.net + (one.fee or scene.money(0))
                found[one.source_id] = found.get(one.source_id, scene.money(0)) + gross
        return found.keys() == scene.moved.keys()

    scene.soon(are_there)
    wrong = [
        f"{id_}: {minor} moved, {found[id_].minor if id_ in found else 'no line'}"
        for id_, minor in scene.moved.items()
        if found.get(id_) != scene.money(minor)
    ]
    check(not wrong, "; ".join(wrong))
    return f"{len(found)} acts, {written(sum(found.values(), scene.money(0)))} before fees"


@step("events tell of what was done", "A6")
def events(scene: Scene) -> str:
    """Look for each event that our instance listens for."""
    lacking: set[tuple[str, str]] = set(scene.told)

    def is_complete() -> bool:
        for one in scene.rail.told(scene.began):
            lacking.difference_update({(one.kind, one.reference or ""), (one.kind, one.object_id)})
        return not lacking

    check(scene.soon(is_complete), "not told: " + ", ".join(sorted(kind for kind, _ in lacking)))
    return f"{len(scene.told)} events, among them {', '.join(sorted({k for k, _ in scene.told}))}"


def _becomes(scene: Scene, what: str, state: str) -> Callable[[], bool]:
    id_ = scene.need(what)
    return lambda: scene.rail.refund(id_).state == state


@step("the bank sends a refund back after it had succeeded, and another arrives", "A2")
def later(scene: Scene) -> str:
    """Let time pass until both refunds have ended."""
    failed = _becomes(scene, "failing refund", "failed")
    arrived = _becomes(scene, "slow refund", "succeeded")
    scene.person.waits_a_day(lambda: failed() and arrived())
    check(failed() and arrived(), "a day later they are as they were")
    found = scene.rail.refund(scene.need("failing refund"))
    check(found.trouble, "it does not say why")
    back = [one for one in scene.rail.entries(scene.began) if one.source_id == found.id]
    total = sum((one.net for one in back), scene.money(0))
    check(total == scene.money(0), f"{written(total)} did not come back")
    return f"{found.id}: {found.trouble}"
