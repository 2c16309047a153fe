"""The walk while its parts are killed: web server, worker, Label Studio and PostgreSQL, once each.

The kills are SIGKILL, in the middle of the labelling. The walk has to finish with nothing lost
and nothing doubled: every answer is held once by us and once by Label Studio, every accepted one
is paid once, and the ledger equals the sandbox's balance to the cent.
"""

import os
import signal
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from demo import state
from demo.processes import DidNotStart, signal_group
from demo.stack import ROOT, Stack, started
from demo.visitor import Refused
from demo.walk import Walk

TASKS = 120
BETWEEN = 6.0  # seconds between two kills

DOUBLED = """
    select 'annotation' as what, count(*) from
        (select assignment_id from annotation group by 1 having count(*) > 1) a
    union all select 'lease', count(*) from
        (select task_id, expert_id from assignment
         where state in ('active', 'submitted', 'accepted', 'rejected')
         group by 1, 2 having count(*) > 1) b
    union all select 'transfer', count(*) from
        (select stripe_transfer_id from payout
         where stripe_transfer_id is not null group by 1 having count(*) > 1) c
"""


@dataclass
class Killer:
    """Kills the parts of a stack, one after another, while the experts label."""

    stack: Stack
    killed: list[str] = field(default_factory=list)
    thread: threading.Thread | None = None

    def at_step(self, step: str) -> None:
        """Begin when the labelling begins."""
        if step.startswith("Experts label"):
            self.thread = threading.Thread(target=self._all)
            self.thread.start()

    def _all(self) -> None:
        for name in ("web", "worker", "label-studio", "postgres"):
            time.sleep(BETWEEN)
            pid = self._pid(name)
            print(f"          SIGKILL to {name} (process {pid})", flush=True)
            if name == "postgres":
                os.kill(pid, signal.SIGKILL)
            else:
                signal_group(pid, signal.SIGKILL)
            self.killed.append(name)

    def _pid(self, name: str) -> int:
        if name == "postgres":
            file = self.stack.folder / "postgres" / "postmaster.pid"
            return int(file.read_text().splitlines()[0])
        part = next(part for part in self.stack.watch.parts if part.name == name)
        assert part.process is not None
        return part.process.pid


def prove() -> bool:
    """Run the proof; print what held."""
    try:
        with started(ROOT / "var", _say, name="proof") as stack:
            assert stack.addresses is not None
            killer = Killer(stack)
            walk = Walk(stack.addresses, stack.folder, tasks=TASKS, at_step=killer.at_step)
            told = walk.all()
            told.show()
            wrong = [*told.wrong, *doubled(stack.folder)]
            if len(killer.killed) < 4:
                wrong.append(f"only {killer.killed} were killed before the walk ended")
            return _last_line(wrong, walk, killer)
    except (DidNotStart, Refused, LookupError, TimeoutError) as trouble:
        print(f"walk: failed: {trouble}")
        return False


def doubled(folder: Path) -> list[str]:
    """Return what the database holds twice and should not."""
    with psycopg.connect(state.settings(folder)["DATABASE_URL"]) as connection:
        rows = connection.execute(DOUBLED).fetchall()
    return [f"{count} {what}s twice" for what, count in rows if count]


def _last_line(wrong: list[str], walk: Walk, killer: Killer) -> bool:
    if wrong:
        print(f"walk: failed: {'; '.join(wrong)}")
        return False
    print(
        f"walk: held ({len(killer.killed)} kills: {', '.join(killer.killed)}; "
        f"{walk.counts.accepted + walk.counts.rejected} answers, {walk.counts.accepted} accepted, "
        f"{walk.paid / 100:.2f} EUR paid, nothing lost or doubled)"
    )
    return True


def _say(words: str) -> None:
    print(f"  {words}", flush=True)
