"""What an assignment was started with stays: its pay, fee, currency and terms, whatever happens."""

from alembic import op

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None

FUNCTION = """
    CREATE FUNCTION terms_stay() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'assignment: pay and terms stay as they were when it began'
            USING ERRCODE = 'check_violation';
    END $$;
    CREATE TRIGGER terms_stay BEFORE UPDATE ON assignment
        FOR EACH ROW WHEN (
            (NEW.task_id, NEW.project_id, NEW.expert_id, NEW.pay_minor, NEW.fee_minor,
             NEW.currency, NEW.terms)
            IS DISTINCT FROM
            (OLD.task_id, OLD.project_id, OLD.expert_id, OLD.pay_minor, OLD.fee_minor,
             OLD.currency, OLD.terms))
        EXECUTE FUNCTION terms_stay();
"""


def upgrade() -> None:
    op.execute(FUNCTION)


def downgrade() -> None:
    op.execute("DROP TRIGGER terms_stay ON assignment")
    op.execute("DROP FUNCTION terms_stay()")
