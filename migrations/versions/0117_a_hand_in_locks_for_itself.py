"""A hand-in locks its lease itself, so that nobody has to ask for it under a lock before."""

import runpy
from pathlib import Path

from alembic import op

revision = "0117"
down_revision = "0116"
branch_labels = None
depends_on = None

BEFORE = Path(__file__).with_name("0116_a_hand_in_asks_once.py")
BEGIN = "begin\n    if seen is not null\n"
LOCKED = """begin
    perform from assignment where id = lease and state = 'active' for update;
    if not found then
        return null;
    end if;
    if seen is not null
"""


def upgrade() -> None:
    was = _replacing()
    assert was.count(BEGIN) == 1
    op.execute(was.replace(BEGIN, LOCKED))


def downgrade() -> None:
    op.execute(_replacing())


def _replacing() -> str:
    function: str = runpy.run_path(str(BEFORE))["HAND_IN"]
    return function.replace("create function", "create or replace function")
