"""Payments that were booked before charges were kept stand in clearing, so they are settled."""

from alembic import op

revision = "0063"
down_revision = "0062"
branch_labels = None
depends_on = None

OLD = """
    insert into charge (
        deposit_id, project_id, amount_minor, pending_minor, drawn_minor, refunded_minor,
        refunded_elsewhere_minor, currency, is_disputed, paid_at, settled_at, stripe_charge_id
    )
    select id, project_id, amount_minor, 0, 0, 0, 0, currency, false,
        coalesce(paid_at, opened_at), coalesce(paid_at, opened_at), stripe_charge_id
    from deposit where state = 'paid' and stripe_charge_id is not null
    on conflict do nothing
"""


def upgrade() -> None:
    op.execute(OLD)


def downgrade() -> None:
    """Leave them: without the table they are gone, and with it they are right."""
