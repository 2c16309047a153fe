"""Jobs of money. Each may run twice, at any moment, or stop half-way; sweeps find what was left.

Only here, and in the pages, is the rail asked; never with a transaction open.
"""

from collections import Counter
from datetime import timedelta

from core import jobs
from core.clock import now
from core.db import transaction
from core.jobs import Tasks
from core.ports import PayoutRefused, RailDown, ports
from core.settings import current_settings
from payouts import (
    approvals,
    auto_topups,
    charges,
    deposits,
    disputes,
    forecast,
    invoices,
    ledger_audit,
    news,
    outages,
    payees,
    reconciliation,
    refunds,
    reversals,
    runs,
    sending,
    tax_holds,
)

tasks = Tasks("payouts")
COMPARE_AGAIN_AFTER = timedelta(minutes=15)


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
    try:
        return news.look_into(event_id, ports().payout_rail)
    except RailDown as trouble:
        return f"the rail cannot be asked: {trouble}"  # the sweep asks again


@tasks.task(queue="money")
def reread_deposit(deposit_id: int) -> str:
    """Read the checkout of one deposit again."""
    try:
        return deposits.reread(deposit_id, ports().payout_rail).state
    except RailDown as trouble:
        return f"the rail cannot be asked: {trouble}"  # the next tick asks again


@tasks.task(queue="money")
def reread_payee(expert_id: int) -> str:
    """Read one expert's account again, and send what waited for it."""
    try:
        payee = payees.reread(expert_id, ports().payout_rail)
    except RailDown as trouble:
        return f"the rail cannot be asked: {trouble}"  # the next tick asks again
    with transaction() as session:
        sending.resume(session, payee)
    return payee.state


@tasks.task(queue="money")
def make_weekly_payouts() -> int:
    """On payday, make the payout of every expert who is paid weekly."""
    run_id = runs.begin_by_clock(now())
    return runs.make(run_id) if run_id else 0


@tasks.task(queue="money")
def make_run(run_id: int) -> int:
    """Make the payouts of one run."""
    return runs.make(run_id)


@tasks.task(queue="money")
def take_up_runs() -> int:
    """Defer the making of a run whose own job was lost."""
    with transaction() as session:
        waiting = runs.unfinished(session)
        for run_id in waiting:
            runs.defer(session, run_id)
    return len(waiting)


@tasks.task(queue="money")
def tell_of_waiting_approvals() -> int:
    """Write to experts whose payout has waited a day for a second person."""
    with transaction() as session:
        return approvals.tell_experts(session, now())


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
    try:
        row = charges.reread(deposit_id, ports().payout_rail)
    except RailDown as trouble:
        return f"the rail cannot be asked: {trouble}"  # the next tick asks again
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
def issue_invoices() -> int:
    """Issue the invoices of the month that is over; return how many."""
    with transaction() as session:
        due = invoices.due(session, at=now())
    for organisation_id, currency, month in due:
        with transaction() as session:
            invoices.issue(session, organisation_id, currency, month, at=now())
    return len(due)


@tasks.task(queue="money")
def warn_of_budgets() -> int:
    """Tell owners whose budget runs out soon; return how many were looked at."""
    with transaction() as session:
        found = forecast.open_budgets(session)
    days = current_settings().budget_warning_days
    for project_id in found:
        with transaction() as session:
            forecast.warn(session, project_id, days, at=now())
    return len(found)


@tasks.task(queue="money")
def consider_top_up(topup_id: int) -> str:
    """Begin a charge of a saved card where a budget runs low."""
    with transaction() as session:
        return auto_topups.consider(session, topup_id, at=now())


@tasks.task(queue="money")
def charge_top_up(deposit_id: int) -> str:
    """Charge a saved card, or find out what became of it."""
    return auto_topups.charge(deposit_id, ports().payout_rail)


@tasks.task(queue="money")
def reread_top_up(topup_id: int) -> str:
    """Read again whether a card was saved."""
    try:
        return auto_topups.reread(topup_id, ports().payout_rail).state
    except (RailDown, PayoutRefused) as trouble:
        return f"the rail cannot be asked: {trouble}"  # the next tick asks again


@tasks.task(queue="money")
def forget_card(topup_id: int) -> str:
    """Take the card of an ended agreement away from the rail."""
    try:
        return auto_topups.forget_card(topup_id, ports().payout_rail)
    except RailDown as trouble:
        return f"the rail cannot be asked: {trouble}"


@tasks.task(queue="money")
def top_up_budgets() -> int:
    """Charge where budgets run low, and finish what stopped half-way; return how many charges."""
    with transaction() as session:
        low = auto_topups.due(session, now())
        charges = auto_topups.to_take_up(session, now())
        setups = auto_topups.to_reread(session, now())
        ended = auto_topups.to_forget(session)
    begun = 0
    for topup_id in low:
        with transaction() as session:
            begun += auto_topups.consider(session, topup_id, at=now()).endswith("begun")
    _defer_each("payouts.charge_top_up", "charge", charges, "deposit_id")
    _defer_each("payouts.reread_top_up", "top-up-setup", setups, "topup_id")
    _defer_each("payouts.forget_card", "forget-card", ended, "topup_id")
    return begun


@tasks.task(queue="money")
def watch_rail() -> str:
    """Find out whether the rail answers; once it does again, let what has waited go on."""
    return outages.watch(ports().payout_rail)


@tasks.task(queue="money")
def reconcile() -> str:
    """Compare the ledger with the rail; while that is away, soon again and not only tomorrow."""
    try:
        rows = reconciliation.run(ports().payout_rail)
    except (RailDown, PayoutRefused) as trouble:
        again = {"queueing_lock": "reconcile:again", "schedule_at": now() + COMPARE_AGAIN_AFTER}
        with transaction() as session:
            jobs.defer(session, "payouts.reconcile", queue="money", **again)  # type: ignore[arg-type]
        return f"the rail cannot be asked: {trouble}"
    return ", ".join(f"{row.currency} {row.state}" for row in rows) or "nothing to compare"


@tasks.task(queue="money")
def take_back(reversal_id: int) -> str:
    """Take back a transfer that two people have agreed to take back."""
    return reversals.ask(reversal_id, ports().payout_rail)


@tasks.task(queue="money")
def take_back_overdue() -> int:
    """Defer the asking for reversals whose own job was lost, or found the rail away."""
    with transaction() as session:
        waiting = reversals.to_ask(session, now())
    _defer_each("payouts.take_back", "reversal", waiting, "reversal_id")
    return len(waiting)


@tasks.task(queue="money")
def reread_disputes() -> str:
    """Read the disputes of the last months, so that none is missed."""
    try:
        return f"{disputes.sweep(ports().payout_rail)} read"
    except (RailDown, PayoutRefused) as trouble:
        return f"the rail cannot be asked: {trouble}"


@tasks.task(queue="money")
def ask_tax_details() -> str:
    """Ask for tax details, remind, and withhold or send again what depends on them."""
    terms, at = tax_holds.Terms.of(current_settings()), now()
    with transaction() as session:
        new = tax_holds.to_ask(session, terms.least, at=at)
        due = tax_holds.due(session, at)
    asked = 0
    for expert_id in new:
        with transaction() as session:
            asked += tax_holds.ask(session, expert_id, terms, at=at) is not None
    done = Counter[str]()
    for expert_id in due:
        with transaction() as session:
            done[tax_holds.go_on(session, expert_id, at=at)] += 1
    return ", ".join([f"asked {asked}", *(f"{words} {n}" for words, n in sorted(done.items()))])


@tasks.task(queue="money")
def check_ledger() -> str:
    """Read the whole ledger again, and raise an alarm when a promise does not hold."""
    with transaction() as session:
        row = ledger_audit.check(session, at=now())
    return f"{row.moves} moves, {len(row.problems)} problems"


def _defer_each(name: str, word: str, row_ids: list[int], argument: str) -> None:
    for row_id in row_ids:
        with transaction() as session:
            args = {argument: row_id}
            lock = f"{word}:{row_id}"
            jobs.defer(session, name, queue="money", queueing_lock=lock, **args)  # type: ignore[arg-type]
