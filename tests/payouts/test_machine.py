"""Every order of fund, claim, accept, ask and answer keeps the ledger's promises; see `machine`."""

from tests.payouts import machine


def test_no_order_of_events_breaks_the_ledger(live):
    done = machine.run(live, runs=10, steps=40)

    assert done["steps"] == done["checks"] - 10 or done["steps"] > 200
