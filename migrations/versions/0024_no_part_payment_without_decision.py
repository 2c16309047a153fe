"""Work is paid in part only with the decision that says why."""

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

FUNCTION = """
    CREATE FUNCTION part_has_decision() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM 1 FROM decision
        WHERE kind = 'work_partly_accepted' AND subject = 'assignment:' || NEW.assignment_id
          AND person_id = NEW.expert_id;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'reservation: no decision of kind work_partly_accepted with its reasons'
                USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER part_has_decision BEFORE INSERT OR UPDATE ON reservation
        FOR EACH ROW WHEN (NEW.state = 'earned' AND NEW.earned_minor < NEW.pay_minor)
        EXECUTE FUNCTION part_has_decision();
"""


def upgrade() -> None:
    op.execute(FUNCTION)


def downgrade() -> None:
    op.execute("DROP TRIGGER part_has_decision ON reservation")
    op.execute("DROP FUNCTION part_has_decision")
