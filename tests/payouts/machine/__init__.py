"""Acts of owners, experts, operators, banks and a faulty network, in any order.

For the proof and a test. One mixin a topic holds its rules; `promises` is what must be true after
every step. A machine is bound to a live app: `bound(live)`.
"""

from collections import Counter, defaultdict

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import invariant, run_state_machine_as_test
from sqlmodel import Session

from payouts import ledger_audit, rail_lines
from payouts.refund_models import RefundState
from tests.conftest import Live
from tests.payouts.machine.banks import Disputing, Refunding, Reversing, Settling, parts_of
from tests.payouts.machine.books import ASKED, Books, total
from tests.payouts.machine.paying import Correcting, Paying
from tests.payouts.machine.work import Funding, PayBeside, Work


class Promises(Books):
    """What must be true after every step; the audit asks most of it."""

    @invariant()
    def promises(self) -> None:
        """Check them all in one transaction."""
        if not hasattr(self, "start"):
            return
        with self.live.transaction() as session:
            assert ledger_audit.problems(session) == []
            self._nothing_is_lost_or_made(session)
        self._nobody_is_paid_twice()
        self.done["checks"] += 1

    def _nothing_is_lost_or_made(self, session: Session) -> None:
        """Our books say what the rail holds, but for what they have not heard of yet."""
        asked = self.payouts(session, ASKED)
        unheard = sum(p.amount_minor for p in asked if p.reference in self.world.sent)
        unheard += self._refunds_unheard(session)
        unheard -= self._lines_unheard(session)
        assert total(session) - self.start == self.world.held + unheard

    def _refunds_unheard(self, session: Session) -> int:
        """What has left the rail by refunds less what our books have of it."""
        there = sum(given.moved for given in self.world.refunds.values())
        parts = parts_of(session, self.projects)
        away = [p for p in parts if p.booked_at is not None and p.state != RefundState.FAILED]
        return there - sum(part.amount_minor for part in away)

    def _lines_unheard(self, session: Session) -> int:
        """What came by disputes and reversals less what our books have of it."""
        lines = {
            one.id: one.net.minor for told in self.world.disputes.values() for one in told.entries
        }
        taken = [one for made in self.world.reversals.values() for one in made]
        lines |= {one.entry_id: one.amount.minor for one in taken}
        known = rail_lines.known(session, lines)
        return sum(minor for name, minor in lines.items() if name not in known)

    def _nobody_is_paid_twice(self) -> None:
        per_payout: dict[str, int] = defaultdict(int)
        for reference in self.world.sent:
            per_payout["-".join(reference.split("-")[:2])] += 1
        assert set(per_payout.values()) <= {1}


class Machine(
    Funding,
    Work,
    PayBeside,
    Paying,
    Correcting,
    Settling,
    Refunding,
    Disputing,
    Reversing,
    Promises,
):
    """All of it."""


def run(live: Live, *, runs: int, steps: int) -> Counter[str]:
    """Let a machine run so often with so many steps; return what was done, by act."""
    done: Counter[str] = Counter()
    machine = type("Bound", (Machine,), {"live": live, "done": done})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=runs,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
    return done
