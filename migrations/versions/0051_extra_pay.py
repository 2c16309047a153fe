"""Pay that is not the price of a task: bonuses, reviews, qualification; earned for good."""

import sqlalchemy as sa
from alembic import op

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None

FUNCTIONS = """
    CREATE FUNCTION extra_pay_stays() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'INSERT' THEN
            IF NEW.kind = 'review' AND EXISTS (
                SELECT 1 FROM reservation WHERE assignment_id = NEW.assignment_id
                AND expert_id = NEW.expert_id)
            THEN
                RAISE EXCEPTION 'nobody is paid for reviewing their own work'
                    USING ERRCODE = 'check_violation';
            END IF;
            RETURN NEW;
        END IF;
        IF TG_OP = 'UPDATE' AND (to_jsonb(NEW) - ARRAY['state', 'ended_at', 'words'])
            = (to_jsonb(OLD) - ARRAY['state', 'ended_at', 'words'])
           AND (NEW.words = OLD.words OR NEW.words = 'erased with the account')
           AND (OLD.state = 'held' OR (NEW.state = OLD.state AND NEW.ended_at = OLD.ended_at))
        THEN RETURN NEW; END IF;
        RAISE EXCEPTION 'what was promised or paid stays' USING ERRCODE = 'check_violation';
    END $$;
    CREATE TRIGGER extra_pay_stays BEFORE INSERT OR UPDATE OR DELETE ON extra_pay
        FOR EACH ROW EXECUTE FUNCTION extra_pay_stays();
"""


def upgrade() -> None:
    op.create_table(
        "extra_pay",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column(
            "project_id", sa.Integer, sa.ForeignKey("project_budget.project_id"), nullable=False
        ),
        sa.Column("expert_id", sa.Integer, sa.ForeignKey("user_account.id"), nullable=False),
        sa.Column("assignment_id", sa.BigInteger),
        sa.Column("pay_minor", sa.BigInteger, nullable=False),
        sa.Column("fee_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reference", sa.Text, nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("given_by", sa.Integer, sa.ForeignKey("user_account.id")),
        sa.Column("held_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.UniqueConstraint("reference"),
        sa.CheckConstraint("kind IN ('bonus', 'review', 'qualification')", name="kind_known"),
        sa.CheckConstraint("state IN ('held', 'earned', 'released')", name="state_known"),
        sa.CheckConstraint("pay_minor > 0 AND fee_minor >= 0", name="amounts_sound"),
        sa.CheckConstraint("(state = 'held') = (ended_at IS NULL)", name="ended_whole"),
        sa.CheckConstraint(
            "(kind = 'bonus') = (given_by IS NOT NULL)"
            " AND (kind = 'bonus') = (assignment_id IS NULL)"
            " AND (kind <> 'bonus' OR (state = 'earned' AND length(btrim(words)) >= 20))",
            name="bonus_whole",
        ),
    )
    op.create_index("ix_extra_pay_project_id", "extra_pay", ["project_id"])
    op.create_index("ix_extra_pay_expert_id_held_at", "extra_pay", ["expert_id", "held_at"])
    op.execute(FUNCTIONS)


def downgrade() -> None:
    op.drop_table("extra_pay")
    op.execute("DROP FUNCTION extra_pay_stays()")
