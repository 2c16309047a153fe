"""The ledger posts an event in one question: lock, compare, check the floors, insert."""

from alembic import op

revision = "0058"
down_revision = "0057"
branch_labels = None
depends_on = None

# The arrays of purses name each account once; the arrays of entries name purses by their place.
# Each statement inside sees what was committed while the one before it waited for a lock.
POST = """
create function ledger_open(kinds text[], owners int[], codes text[], floors bigint[])
returns table (ids int[], balances bigint[]) language plpgsql as $$
begin
    for attempt in 1..2 loop
        select array_agg(held.id order by held.place), array_agg(held.balance order by held.place)
        into ids, balances from (
            select account.id, account.balance, purse.place
            from unnest(kinds, owners, codes) with ordinality purse(kind, owner_id, currency, place)
            join ledger_account account using (kind, owner_id, currency)
            order by (account.kind in ('project_budget', 'project_reserve')) desc, account.id
            for no key update of account
        ) held;
        if cardinality(ids) = cardinality(kinds) then
            return next;
            return;
        end if;
        insert into ledger_account (kind, owner_id, currency, balance, floor)
        select kind, owner_id, currency, 0, floor
        from unnest(kinds, owners, codes, floors) purse(kind, owner_id, currency, floor)
        on conflict do nothing;
    end loop;
    raise exception 'accounts of the ledger cannot be opened';
end $$;

create function ledger_post(
    of_event text, at timestamptz, noted_at timestamptz, words text, why text,
    kinds text[], owners int[], codes text[], floors bigint[],
    names text[], debits int[], credits int[], amounts bigint[]
) returns text language plpgsql as $$
declare
    ids int[];
    held bigint[];
begin
    select opened.ids, opened.balances into ids, held
    from ledger_open(kinds, owners, codes, floors) opened;
    perform from ledger_move where event = of_event limit 1;
    if found then
        perform from (
            select of_event || '/' || name, ids[debit], ids[credit], amount
            from unnest(names, debits, credits, amounts) entry(name, debit, credit, amount)
        ) asked(reference, debit_account_id, credit_account_id, amount)
        full join (select * from ledger_move where event = of_event) known
            using (reference, debit_account_id, credit_account_id, amount)
        where asked.reference is null or known.id is null;
        return case when found then 'reused' else 'known' end;
    end if;
    for n in 1..cardinality(amounts) loop
        held[debits[n]] := held[debits[n]] - amounts[n];
        held[credits[n]] := held[credits[n]] + amounts[n];
    end loop;
    for n in 1..cardinality(kinds) loop
        if held[n] < floors[n] then
            return 'overdrawn';
        end if;
    end loop;
    insert into ledger_move (
        reference, event, debit_account_id, credit_account_id, currency, amount,
        happened_at, recorded_at, narration, cause
    )
    select of_event || '/' || name, of_event, ids[debit], ids[credit], codes[debit], amount,
        at, noted_at, words, why
    from unnest(names, debits, credits, amounts) entry(name, debit, credit, amount);
    return 'posted';
end $$;
"""


def upgrade() -> None:
    op.execute(POST)


def downgrade() -> None:
    for function in ("ledger_post", "ledger_open"):
        op.execute(f"drop function {function}")
