"""What the rail has entered in its own books, kept, with what knows it here."""

import sqlalchemy as sa
from alembic import op

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None

STATES = "'waiting', 'booked', 'reserved', 'differs', 'foreign'"
TRIGGERS = """
    CREATE FUNCTION rail_entry_stays() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'UPDATE'
           AND (to_jsonb(NEW) - 'state' - 'subject' - 'booked_minor')
             = (to_jsonb(OLD) - 'state' - 'subject' - 'booked_minor')
        THEN RETURN NEW; END IF;
        RAISE EXCEPTION 'what the rail told never changes';
    END $$;
    CREATE TRIGGER rail_entry_stays BEFORE UPDATE OR DELETE ON rail_entry
        FOR EACH ROW EXECUTE FUNCTION rail_entry_stays();
    CREATE TRIGGER rail_entry_is_never_emptied BEFORE TRUNCATE ON rail_entry
        EXECUTE FUNCTION refuse_change();
"""


def upgrade() -> None:
    op.create_table(
        "rail_entry",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("fee_minor", sa.BigInteger, nullable=False),
        sa.Column("source_id", sa.Text),
        sa.Column("parent_id", sa.Text),
        sa.Column("reference", sa.Text),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("subject", sa.Text),
        sa.Column("booked_minor", sa.BigInteger),
        sa.CheckConstraint(f"state IN ({STATES})", name="state_known"),
    )
    op.create_index("ix_rail_entry_list", "rail_entry", ["happened_at", "id"])
    op.create_index("ix_rail_entry_source_id", "rail_entry", ["source_id"])
    op.create_index(
        "ix_rail_entry_open",
        "rail_entry",
        ["currency"],
        postgresql_where=sa.text("state <> 'booked'"),
    )
    op.execute(TRIGGERS)
    op.add_column("reconciliation", sa.Column("entries_read_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    op.drop_column("reconciliation", "entries_read_at")
    op.drop_table("rail_entry")
    op.execute("DROP FUNCTION rail_entry_stays")
