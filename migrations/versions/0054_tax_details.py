"""Tax details of experts, in versions that are only added and go no sooner than law lets them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0054"
down_revision = "0053"
branch_labels = None
depends_on = None

TRIGGERS = """
    CREATE TRIGGER tax_profile_never_changed BEFORE UPDATE OR TRUNCATE ON tax_profile
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
    CREATE FUNCTION tax_profile_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'tax details are kept for five years at least'
            USING ERRCODE = 'check_violation';
    END $$;
    CREATE TRIGGER tax_profile_kept BEFORE DELETE ON tax_profile
        FOR EACH ROW WHEN (OLD.saved_at > now() - interval '5 years')
        EXECUTE FUNCTION tax_profile_is_kept();
"""


def upgrade() -> None:
    op.create_table(
        "tax_profile",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("expert_id", sa.Integer, sa.ForeignKey("user_account.id"), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("residences", postgresql.JSONB, nullable=False),
        sa.Column("is_us_person", sa.Boolean, nullable=False),
        sa.Column("is_complete", sa.Boolean, nullable=False),
        sa.Column("sealed", sa.Text, nullable=False),
        sa.UniqueConstraint("expert_id", "version"),
        sa.CheckConstraint("version > 0", name="version_counts"),
        sa.CheckConstraint("jsonb_typeof(residences) = 'array'", name="residences_listed"),
    )
    op.execute(TRIGGERS)


def downgrade() -> None:
    op.drop_table("tax_profile")
    op.execute("DROP FUNCTION tax_profile_is_kept")
