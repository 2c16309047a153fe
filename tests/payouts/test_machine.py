"""Every order of fund, claim, accept, ask and answer keeps the ledger's promises; see `machine`."""

from tests.payouts import machine


def test_no_order_of_events_breaks_the_ledger(live):
    done = machine.run(live, runs=8, steps=30)

    assert done["steps"] > 50
    assert done["checks"] > done["steps"]
