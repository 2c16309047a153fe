"""Jobs of money. Each may run twice, at any moment, or stop half-way; sweeps find what was left.

Only here, and in the pages, is the rail asked; never with a transaction open.
"""

from core import jobs
from core.clock import now
from core.db import transaction
from core.jobs import Tasks
from core.ports import PayoutRefused, RailDown, ports
from payouts import charges, deposits, news, payees, reconciliation, refunds, requests, sending

tasks = Tasks("payouts")


@tasks.task(queue="money")
def send(payout_id: int) -> str:
    """Send one payout, or find that it is not its time."""
    return sending.send(payout_id, ports().payout_rail)


@tasks.task(queue="money")
def look_up(payout_id: int) -> str:
    """Find out what became of one payout."""
    return sending.look_up(payout_id, ports().payout_rail)


@tasks.task(queue="money")
def look_into(event_id: str) -> str:
    """Read again what one message of the rail is about."""
    return news.look_into(event_id, ports().payout_rail)


@tasks.task(queue="money")
def reread_deposit(deposit_id: int) -> str:
    """Read the checkout of one deposit again."""
    return deposits.reread(deposit_id, ports().payout_rail).state


@tasks.task(queue="money")
def reread_payee(expert_id: int) -> str:
    """Read one expert's account again, and send what waited for it."""
    payee = payees.reread(expert_id, ports().payout_rail)
    with transaction() as session:
        sending.resume(session, payee)
    return payee.state


@tasks.task(queue="money")
def make_weekly_payouts() -> int:
    """On payday, make the payout of every expert who is paid weekly."""
    with transaction() as session:
        due = requests.weekly_due(session, now())
    made = 0
    for expert_id, currency in due:
        with transaction() as session:
            made += requests.weekly(session, expert_id, currency, at=now()) is not None
    return made


@tasks.task(queue="money")
def send_due_payouts() -> int:
    """Defer the sending of payouts that are due and whose own job was lost."""
    with transaction() as session:
        due = sending.due(session, now())
        _defer_each("payouts.send", "payout", due, "payout_id")
        for expert_id in sending.blocked_payees(session):
            sending.resume(session, payees.known(session, expert_id))
    return len(due)


@tasks.task(queue="money")
def look_up_lost_payouts() -> int:
    """Defer a look for each payout whose answer is overdue."""
    with transaction() as session:
        lost = sending.lost(session, now())
    _defer_each("payouts.look_up", "lookup", lost, "payout_id")
    return len(lost)


@tasks.task(queue="money")
def reread_deposits() -> int:
    """Read undecided deposits again, and close those that nobody was led to."""
    with transaction() as session:
        deposits.forget_unopened(session, now())
        waiting = deposits.to_reread(session, now())
    _defer_each("payouts.reread_deposit", "deposit", waiting, "deposit_id")
    return len(waiting)


@tasks.task(queue="money")
def reread_charge(deposit_id: int) -> str:
    """Read one charge again, and book that it has settled."""
    row = charges.reread(deposit_id, ports().payout_rail)
    return "settled" if row.settled_at else "pending"


@tasks.task(queue="money")
def settle_charges() -> int:
    """Read charges again whose day to settle has come."""
    with transaction() as session:
        waiting = charges.to_reread(session, now())
        for deposit_id in waiting:
            charges.defer_reread(session, deposit_id)
    return len(waiting)


@tasks.task(queue="money")
def send_refund(part_id: int) -> str:
    """Put one part of a refund to the rail, or find that it is not its time."""
    return refunds.send(part_id, ports().payout_rail)


@tasks.task(queue="money")
def reread_refund(part_id: int) -> str:
    """Find out how one part of a refund stands."""
    return refunds.reread(part_id, ports().payout_rail)


@tasks.task(queue="money")
def go_on_refunding() -> int:
    """Defer what is due of refunds: lost jobs, lost answers, and what was not read for a while."""
    with transaction() as session:
        due = refunds.due(session, now())
        unread = [*refunds.lost(session, now()), *refunds.to_reread(session, now())]
    _defer_each("payouts.send_refund", "refund", due, "part_id")
    _defer_each("payouts.reread_refund", "reread-refund", unread, "part_id")
    return len(due) + len(unread)


@tasks.task(queue="money")
def reread_payees() -> int:
    """Read accounts again that are not ready, or not seen for a day."""
    with transaction() as session:
        waiting = payees.to_reread(session, now())
    _defer_each("payouts.reread_payee", "payee", waiting, "expert_id")
    return len(waiting)


@tasks.task(queue="money")
def take_up_news() -> int:
    """Defer a look into each message whose own job was lost or gave up."""
    with transaction() as session:
        waiting = news.waiting(session, now())
        for event_id in waiting:
            lock = f"news:{event_id}"
            jobs.defer(
                session, "payouts.look_into", queue="money", queueing_lock=lock, event_id=event_id
            )
    return len(waiting)


@tasks.task(queue="money")
def collect_news() -> str:
    """Fetch messages that never reached us."""
    try:
        return f"{news.collect(ports().payout_rail)} new"
    except (RailDown, PayoutRefused) as trouble:
        return f"the rail cannot be asked: {trouble}"  # the next tick asks again


@tasks.task(queue="money")
def reconcile() -> str:
    """Compare the ledger with the rail."""
    try:
        rows = reconciliation.run(ports().payout_rail)
    except (RailDown, PayoutRefused) as trouble:
        return f"the rail cannot be asked: {trouble}"
    return ", ".join(f"{row.currency} {row.state}" for row in rows) or "nothing to compare"


def _defer_each(name: str, word: str, row_ids: list[int], argument: str) -> None:
    for row_id in row_ids:
        with transaction() as session:
            args = {argument: row_id}
            lock = f"{word}:{row_id}"
            jobs.defer(session, name, queue="money", queueing_lock=lock, **args)  # type: ignore[arg-type]
