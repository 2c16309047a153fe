"""Automatic top-ups of budgets from a saved card, and the deposits that they made."""

import sqlalchemy as sa
from alembic import op

revision = "0061"
down_revision = "0060"
branch_labels = None
depends_on = None

UTC = sa.DateTime(timezone=True)
STATES = "'setting_up', 'on', 'off'"
ENDS = "'owner', 'replaced', 'not_finished', 'declined', 'authentication', 'unclear', 'closed'"
# What was agreed to stays; only where it stands and which card it is may change.
TRIGGERS = """
create function auto_topup_terms_stay() returns trigger language plpgsql as $$
begin
    if (old.project_id, old.below_minor, old.amount_minor, old.month_minor, old.currency,
            old.words, old.request_key, old.agreed_at)
        is distinct from (new.project_id, new.below_minor, new.amount_minor, new.month_minor,
            new.currency, new.words, new.request_key, new.agreed_at)
        or (old.state = 'off' and new.state <> 'off')
    then
        raise exception 'what was agreed to stays, and what has ended does not begin again'
            using errcode = 'restrict_violation';
    end if;
    return new;
end $$;

create trigger auto_topup_terms_stay before update on auto_topup
    for each row execute function auto_topup_terms_stay();
"""


def upgrade() -> None:
    op.create_table(
        "auto_topup",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("project_id", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("ended_for", sa.Text),
        sa.Column("below_minor", sa.BigInteger, nullable=False),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("month_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("request_key", sa.Text, nullable=False),
        sa.Column("agreed_by", sa.Integer),
        sa.Column("agreed_at", UTC, nullable=False),
        sa.Column("read_at", UTC),
        sa.Column("on_at", UTC),
        sa.Column("ended_at", UTC),
        sa.Column("ended_by", sa.Integer),
        sa.Column("told_month", sa.Date),
        sa.Column("stripe_setup_id", sa.Text),
        sa.Column("stripe_setup_url", sa.Text),
        sa.Column("stripe_customer_id", sa.Text),
        sa.Column("stripe_card_id", sa.Text),
        sa.Column("card_brand", sa.Text),
        sa.Column("card_last4", sa.Text),
        sa.Column("card_expires", sa.Text),
        sa.Column("card_forgotten_at", UTC),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["project_budget.project_id"],
            name=op.f("fk_auto_topup_project_id_project_budget"),
        ),
        sa.ForeignKeyConstraint(
            ["agreed_by"], ["user_account.id"], name=op.f("fk_auto_topup_agreed_by_user_account")
        ),
        sa.ForeignKeyConstraint(
            ["ended_by"], ["user_account.id"], name=op.f("fk_auto_topup_ended_by_user_account")
        ),
        sa.UniqueConstraint("request_key", name=op.f("uq_auto_topup_request_key")),
        sa.UniqueConstraint("stripe_setup_id", name=op.f("uq_auto_topup_stripe_setup_id")),
        _check(f"state IN ({STATES})", "state_known"),
        _check(f"ended_for IN ({ENDS})", "ended_for_known"),
        _check(
            "below_minor > 0 AND amount_minor > 0 AND month_minor >= amount_minor", "terms_sound"
        ),
        _check("(state = 'off') = (ended_for IS NOT NULL)", "ended_whole"),
        _check("state <> 'on' OR stripe_card_id IS NOT NULL", "on_with_card"),
    )
    op.create_index("ix_auto_topup_project_id", "auto_topup", ["project_id"])
    op.create_index(
        "uq_auto_topup_one_on",
        "auto_topup",
        ["project_id"],
        unique=True,
        postgresql_where=sa.text("state = 'on'"),
    )
    op.execute(TRIGGERS)
    op.add_column(
        "deposit", sa.Column("origin", sa.Text, nullable=False, server_default="checkout")
    )
    op.alter_column("deposit", "origin", server_default=None)
    op.add_column("deposit", sa.Column("auto_topup_id", sa.Integer))
    op.create_foreign_key(
        op.f("fk_deposit_auto_topup_id_auto_topup"),
        "deposit",
        "auto_topup",
        ["auto_topup_id"],
        ["id"],
    )
    op.create_check_constraint(
        op.f("ck_deposit_origin_known"), "deposit", "origin IN ('checkout', 'top_up')"
    )
    op.create_check_constraint(
        op.f("ck_deposit_origin_whole"),
        "deposit",
        "(origin = 'top_up') = (auto_topup_id IS NOT NULL)",
    )
    op.create_index(
        "uq_deposit_one_top_up_open",
        "deposit",
        ["auto_topup_id"],
        unique=True,
        postgresql_where=sa.text("state = 'open'"),
    )


def downgrade() -> None:
    op.drop_column("deposit", "origin")
    op.drop_column("deposit", "auto_topup_id")
    op.drop_table("auto_topup")
    op.execute("drop function auto_topup_terms_stay()")


def _check(condition: str, name: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=op.f(f"ck_auto_topup_{name}"))
