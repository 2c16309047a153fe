"""Automatic top-ups by pace: when what is left lasts less than some days, as agreed."""

import sqlalchemy as sa
from alembic import op

revision = "0069"
down_revision = "0068"
branch_labels = None
depends_on = None

TERMS = """
create or replace function auto_topup_terms_stay() returns trigger language plpgsql as $$
begin
    if (old.project_id, old.below_minor, old.amount_minor, old.month_minor, old.currency,
            old.words, old.request_key, old.agreed_at{old})
        is distinct from (new.project_id, new.below_minor, new.amount_minor, new.month_minor,
            new.currency, new.words, new.request_key, new.agreed_at{new})
        or (old.state = 'off' and new.state <> 'off')
    then
        raise exception 'what was agreed to stays, and what has ended does not begin again'
            using errcode = 'restrict_violation';
    end if;
    return new;
end $$;
"""


def upgrade() -> None:
    op.add_column("auto_topup", sa.Column("days_least", sa.Integer))
    op.add_column("auto_topup", sa.Column("paced_at", sa.DateTime(timezone=True)))
    op.create_check_constraint(
        op.f("ck_auto_topup_days_sound"), "auto_topup", "days_least BETWEEN 1 AND 60"
    )
    op.execute(TERMS.format(old=", old.days_least", new=", new.days_least"))


def downgrade() -> None:
    op.execute(TERMS.format(old="", new=""))
    op.drop_column("auto_topup", "days_least")
    op.drop_column("auto_topup", "paced_at")
