"""Whoever opens accounts of the ledger holds no others meanwhile, but those of projects.

Before, the accounts that were there were locked first: two who opened an account and wanted the
same others could wait for each other in a circle. The accounts of projects are locked first as
before, since acceptances in a project queue there before they open anything.
"""

from alembic import op

revision = "0073"
down_revision = "0072"
branch_labels = None
depends_on = None

HEAD = """
create or replace function ledger_open(kinds text[], owners int[], codes text[], floors bigint[])
returns table (ids int[], balances bigint[]) language plpgsql as $$
begin
    for attempt in 1..2 loop
        select array_agg(held.id order by held.place), array_agg(held.balance order by held.place)
        into ids, balances from (
            select account.id, account.balance, purse.place
            from unnest(kinds, owners, codes) with ordinality purse(kind, owner_id, currency, place)
            join ledger_account account using (kind, owner_id, currency)
"""
LOCKED = """
            order by (account.kind in ('project_budget', 'project_reserve')) desc, account.id
            for no key update of account
        ) held;
        if cardinality(ids) = cardinality(kinds) then
            return next;
            return;
        end if;
"""
ALL_ARE_THERE = """
            where cardinality(kinds) = (
                select count(*) from unnest(kinds, owners, codes) wanted(kind, owner_id, currency)
                join ledger_account using (kind, owner_id, currency)
            )
"""
PROJECTS_FIRST = """
        perform from (
            select account.id from unnest(kinds, owners, codes) purse(kind, owner_id, currency)
            join ledger_account account using (kind, owner_id, currency)
            where account.kind in ('project_budget', 'project_reserve')
            order by account.id for no key update of account
        ) of_projects;
"""
INSERT = """
        insert into ledger_account (kind, owner_id, currency, balance, floor)
        select kind, owner_id, currency, 0, floor
        from unnest(kinds, owners, codes, floors) purse(kind, owner_id, currency, floor)
"""
END = """
        on conflict do nothing;
    end loop;
    raise exception 'accounts of the ledger cannot be opened';
end $$
"""
# All who open accounts do it in one order.
IN_ORDER = "        order by kind, owner_id, currency"


def upgrade() -> None:
    op.execute(HEAD + ALL_ARE_THERE + LOCKED + PROJECTS_FIRST + INSERT + IN_ORDER + END)


def downgrade() -> None:
    op.execute(HEAD + LOCKED + INSERT + END)
