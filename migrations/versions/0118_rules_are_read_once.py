"""The rules of tables that every claim writes are read once a connection, not by each statement.

PostgreSQL reads each CHECK of a table, and each condition of a trigger, from its catalogue anew for
every statement that writes there: a fifth of a hand-in with the next claim. One CHECK calls a
function now, which keeps what it has read, and names the rule that is broken as before. A trigger
that looks at a change of some columns is asked about these alone.
"""

from alembic import op

revision = "0118"
down_revision = "0117"
branch_labels = None
depends_on = None

# Of each table: its rules by name, and the columns that they speak of with their types.
RULES = {
    "assignment": {
        "state_known": """state IN ('waiting', 'active', 'submitted', 'accepted', 'rejected',
            'partly_accepted', 'returned', 'expired', 'skipped')""",
        "verdict_known": "verdict IN ('accepted', 'rejected', 'partly_accepted')",
        "pay_not_negative": "pay_minor >= 0 AND fee_minor >= 0",
        "extended_counts": "extended >= 0",
        "opened_whole": """CASE WHEN taken_ahead
            THEN state IN ('waiting', 'returned') OR opened_at IS NOT NULL
            ELSE opened_at IS NULL AND state <> 'waiting' END
            AND (state <> 'waiting' OR opened_at IS NULL)""",
        "submitted_whole": """(state IN ('submitted', 'accepted', 'rejected', 'partly_accepted'))
            = (submitted_at IS NOT NULL)
            AND (submitted_at IS NULL) = (review_by IS NULL)""",
        "left_whole": "(state IN ('returned', 'expired', 'skipped')) = (left_at IS NOT NULL)",
        "skipped_has_reason": "(state = 'skipped') = (skip_reason IS NOT NULL)",
        "decided_whole": """
            (state IN ('accepted', 'rejected', 'partly_accepted')) = (verdict IS NOT NULL)
            AND (verdict IS NULL OR verdict = state)
            AND (verdict IS NULL) = (decided_at IS NULL)
            AND num_nonnulls(decided_by, decided_rule)
            = CASE WHEN verdict IS NULL THEN 0 ELSE 1 END""",
        "adverse_has_reason": """verdict IS NULL OR verdict = 'accepted'
            OR (reason_code IS NOT NULL AND length(btrim(coalesce(reason_clause, ''))) > 0
            AND length(btrim(coalesce(reason_words, ''))) >= 20)""",
    },
    "ledger_account": {
        "kind_known": """kind IN ('project_budget', 'project_reserve', 'expert_owed',
            'expert_in_flight', 'platform_fees', 'platform_own', 'losses', 'disputes', 'clearing',
            'pending', 'rail_fees')""",
        "floor_holds": "floor IS NULL OR balance >= floor",
    },
    "reservation": {
        "state_known": "state IN ('held', 'earned', 'released')",
        "amounts_sound": "pay_minor > 0 AND fee_minor >= 0",
        "earned_within_pay": "earned_minor BETWEEN 0 AND pay_minor",
    },
}
COLUMNS = {
    "assignment": {
        "state": "text",
        "verdict": "text",
        "pay_minor": "bigint",
        "fee_minor": "bigint",
        "extended": "int",
        "taken_ahead": "boolean",
        "opened_at": "timestamptz",
        "submitted_at": "timestamptz",
        "review_by": "timestamptz",
        "left_at": "timestamptz",
        "skip_reason": "text",
        "decided_at": "timestamptz",
        "decided_by": "int",
        "decided_rule": "text",
        "reason_code": "text",
        "reason_clause": "text",
        "reason_words": "text",
    },
    "ledger_account": {"kind": "text", "balance": "bigint", "floor": "bigint"},
    "reservation": {
        "state": "text",
        "pay_minor": "bigint",
        "fee_minor": "bigint",
        "earned_minor": "bigint",
    },
}
# As of any CHECK: what is not known to be false holds.
FUNCTION = """
create function {table}_is_sound({parameters}) returns boolean
language plpgsql immutable parallel safe as $$
declare
    broken text;
begin
    if {all_hold} then
        return true;
    end if;
    broken := case
        {each}
    end;
    raise exception 'new row for relation "{table}" violates check constraint "%"', broken
        using errcode = 'check_violation', table = '{table}', constraint = broken;
end $$
"""
FIXED = ("task_id", "project_id", "expert_id", "pay_minor", "fee_minor", "currency", "terms")
TERMS_STAY = """
    drop trigger terms_stay on assignment;
    create trigger terms_stay before update {of} on assignment
        for each row when ({changed}) execute function terms_stay()
"""
PART = """
    drop trigger part_has_decision on reservation;
    create trigger part_has_decision before insert or update {of} on reservation
        for each row when (new.state = 'earned' and new.earned_minor < new.pay_minor)
        execute function part_has_decision()
"""
# An update within the trigger on moves is at depth 1 here, one by hand at none.
GUARD = """
    drop trigger ledger_account_is_guarded on ledger_account;
    create trigger ledger_account_is_guarded before insert or delete on ledger_account
        for each row execute function ledger_account_is_guarded();
    create trigger ledger_account_is_changed_by_moves before update on ledger_account
        for each row when (pg_trigger_depth() < 1) execute function ledger_account_is_guarded()
"""
UNGUARD = """
    drop trigger ledger_account_is_changed_by_moves on ledger_account;
    drop trigger ledger_account_is_guarded on ledger_account;
    create trigger ledger_account_is_guarded before insert or delete or update on ledger_account
        for each row execute function ledger_account_is_guarded()
"""


def upgrade() -> None:
    for table, rules in RULES.items():
        op.execute(_function(table))
        gone = [f"drop constraint {_name(table, rule)}" for rule in rules]
        sound = f"{table}_is_sound({', '.join(COLUMNS[table])})"
        new = f"add constraint ck_{table}_sound check ({sound})"
        op.execute(f"alter table {table} {', '.join([*gone, new])}")
    op.execute(TERMS_STAY.format(of=f"of {', '.join(FIXED)}", changed=_changed()))
    op.execute(PART.format(of="of state, earned_minor, pay_minor"))
    op.execute(GUARD)


def downgrade() -> None:
    op.execute(UNGUARD)
    op.execute(PART.format(of=""))
    op.execute(TERMS_STAY.format(of="", changed=_changed()))
    for table, rules in RULES.items():
        old = [f"add constraint {_name(table, rule)} check ({rules[rule]})" for rule in rules]
        op.execute(f"alter table {table} drop constraint ck_{table}_sound, {', '.join(old)}")
        op.execute(f"drop function {table}_is_sound")


def _function(table: str) -> str:
    rules = RULES[table]
    return FUNCTION.format(
        table=table,
        parameters=", ".join(f"{column} {kind}" for column, kind in COLUMNS[table].items()),
        all_hold="\n        and ".join(f"({rule}) is not false" for rule in rules.values()),
        each="\n        ".join(
            f"when ({rule}) is false then '{_name(table, name)}'" for name, rule in rules.items()
        ),
    )


def _name(table: str, rule: str) -> str:
    return f"ck_{table}_{rule}"


def _changed() -> str:
    return " or ".join(f"new.{column} is distinct from old.{column}" for column in FIXED)
