"""Pay is set aside, and a draft asked for, by plain questions about single rows.

What begins a question takes PostgreSQL longer than reading a row that is at hand, and longer still
where arrays are joined and summed up. The budget and the reserve of a project, between which most
money moves, are locked one after the other; for this all accounts are locked by what they are for,
and no longer by their number.
"""

import runpy
from pathlib import Path

from alembic import op

revision = "0119"
down_revision = "0118"
branch_labels = None
depends_on = None

POSTING = Path(__file__).with_name("0058_ledger_posts_in_one_question.py")
OPENING = Path(__file__).with_name("0073_accounts_open_before_others_are_locked.py")
HAND_IN = Path(__file__).with_name("0117_a_hand_in_locks_for_itself.py")
DECLARED = "    held bigint[];\n"
OPENED = """    select opened.ids, opened.balances into ids, held
    from ledger_open(kinds, owners, codes, floors) opened;
"""
# Where one of them is not there yet, the other stays locked: `ledger_open` begins with such, too.
LOCKED = """    if kinds = array['project_budget', 'project_reserve'] and owners[1] = owners[2] then
        select id, balance into budget, in_budget from ledger_account
        where kind = kinds[1] and owner_id = owners[1] and currency = codes[1]
        for no key update;
        select id, balance into reserve, in_reserve from ledger_account
        where kind = kinds[2] and owner_id = owners[2] and currency = codes[2]
        for no key update;
        ids := array[budget, reserve];
        held := array[in_budget, in_reserve];
    end if;
    if budget is null or reserve is null then
        select opened.ids, opened.balances into ids, held
        from ledger_open(kinds, owners, codes, floors) opened;
    end if;
"""
MORE_DECLARED = """    budget int;
    in_budget bigint;
    reserve int;
    in_reserve bigint;
"""
BY_NUMBER = "('project_budget', 'project_reserve')) desc, account.id\n"
BY_PURPOSE = """('project_budget', 'project_reserve')) desc,
                account.owner_id, account.kind, account.currency
"""
PROJECTS_BY_NUMBER = "            order by account.id for no key update"
PROJECTS_BY_PURPOSE = """            order by account.owner_id, account.kind, account.currency
            for no key update"""
COUNTS = """
create or replace function ledger_move_counts() returns trigger language plpgsql as $$
declare
    from_one int;
    from_last int;
    to_one int;
    to_last int;
    total bigint;
begin
    select min(debit_account_id), max(debit_account_id),
        min(credit_account_id), max(credit_account_id), sum(amount)
    into from_one, from_last, to_one, to_last, total from added;
    if from_one = from_last and to_one = to_last then  -- as pay and its fee do
        update ledger_account set balance = balance - total where id = from_one;
        update ledger_account set balance = balance + total where id = to_one;
        return null;
    end if;
{update}
    return null;
end $$
"""
UPDATE = """    update ledger_account set balance = balance + change
    from (
        select account_id, sum(amount) as change from (
            select credit_account_id as account_id, amount from added
            union all
            select debit_account_id, -amount from added
        ) legs group by account_id
    ) changes
    where ledger_account.id = account_id;
"""
COUNTED = f"""
create or replace function ledger_move_counts() returns trigger language plpgsql as $$
begin
{UPDATE}    return null;
end $$
"""
SEEN = """    if seen is not null
        and exists (select from draft where assignment_id = lease and saved_at <> seen) then
        return null;
    end if;
"""
SEEN_ONCE = """    select saved_at into kept_at from draft where assignment_id = lease;
    if kept_at <> seen then
        return null;
    end if;
"""
DELETED = "    delete from draft where assignment_id = lease;\n"
DELETED_IF = """    if kept_at is not null then
        delete from draft where assignment_id = lease;
    end if;
"""


def upgrade() -> None:
    post, opening, hand_in = _before()
    for old, new in ((DECLARED, DECLARED + MORE_DECLARED), (OPENED, LOCKED)):
        post = _changed(post, old, new)
    for old, new in ((BY_NUMBER, BY_PURPOSE), (PROJECTS_BY_NUMBER, PROJECTS_BY_PURPOSE)):
        opening = _changed(opening, old, new)
    declared = "    made bigint;\n"
    for old, new in (
        (declared, declared + "    kept_at timestamptz;\n"),
        (SEEN, SEEN_ONCE),
        (DELETED, DELETED_IF),
    ):
        hand_in = _changed(hand_in, old, new)
    for function in (post, opening, hand_in, COUNTS.format(update=UPDATE.rstrip())):
        op.execute(function)


def downgrade() -> None:
    for function in (*_before(), COUNTED):
        op.execute(function)


def _before() -> tuple[str, str, str]:
    """Return `ledger_post`, `ledger_open` and `hand_in` as they were."""
    posting = str(runpy.run_path(str(POSTING))["POST"])
    post = posting[posting.index("create function ledger_post") :].strip().removesuffix(";")
    parts = runpy.run_path(str(OPENING))
    names = ("HEAD", "ALL_ARE_THERE", "LOCKED", "PROJECTS_FIRST", "INSERT", "IN_ORDER", "END")
    opening = "".join(parts[name] for name in names)
    locking = runpy.run_path(str(HAND_IN))
    hand_in = _changed(locking["_replacing"](), locking["BEGIN"], locking["LOCKED"])
    return post.replace("create function", "create or replace function"), opening, hand_in


def _changed(function: str, old: str, new: str) -> str:
    assert function.count(old) == 1, f"not once in the function: {old}"
    return function.replace(old, new)
