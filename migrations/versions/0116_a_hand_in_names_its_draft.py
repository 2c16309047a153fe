"""A hand-in that names the draft it goes on from is still one question.

Where another draft is kept meanwhile, nothing is written, and null is said in place of an answer.
"""

import runpy
from pathlib import Path

from alembic import op

revision = "0116"
down_revision = "0115"
branch_labels = None
depends_on = None

ONE = Path(__file__).with_name("0112_a_claim_counts_less.py")
BOTH = Path(__file__).with_name("0104_a_hand_in_and_the_next_claim.py")
ONE_TAKES = "bigint, jsonb, uuid, timestamptz, timestamptz, int, jsonb"
BOTH_TAKE = (
    f"{ONE_TAKES}, int, int, bigint, int, timestamptz, timestamptz, bigint, bigint, text, jsonb"
)
CHECKED = """begin
    if seen is not null
        and exists (select from draft where assignment_id = lease and saved_at <> seen) then
        return null;
    end if;
"""
STOPPED = """jobs, seen);
    if made is null then
        return;
    end if;
"""


def upgrade() -> None:
    _drop("")
    one = runpy.run_path(str(ONE))["HAND_IN"].replace("or replace ", "")
    op.execute(
        _changed(one, ("jobs jsonb)", "jobs jsonb, seen timestamptz)"), ("begin\n", CHECKED))
    )
    op.execute(
        _changed(
            runpy.run_path(str(BOTH))["BOTH"],
            ("agreed jsonb,", "agreed jsonb, seen timestamptz,"),
            ("jobs);\n", STOPPED),
        )
    )


def downgrade() -> None:
    _drop(", timestamptz")
    op.execute(runpy.run_path(str(ONE))["HAND_IN"])
    op.execute(runpy.run_path(str(BOTH))["BOTH"])


def _drop(more: str) -> None:
    op.execute(f"drop function hand_in_and_claim({BOTH_TAKE}{more})")
    op.execute(f"drop function hand_in({ONE_TAKES}{more})")


def _changed(function: str, *changes: tuple[str, str]) -> str:
    for old, new in changes:
        assert function.count(old) == 1
        function = function.replace(old, new)
    return function
