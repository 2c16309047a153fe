"""A decision that was changed brings no adverse state back; pay that was earned or is due stays."""

from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

FUNCTIONS = """
    CREATE OR REPLACE FUNCTION needs_decision() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE changed jsonb := to_jsonb(NEW);
    BEGIN
        PERFORM 1 FROM decision
        WHERE id = (changed ->> 'decision_id')::bigint AND kind = TG_ARGV[0]
          AND subject = TG_ARGV[1] || ':' || (changed ->> TG_ARGV[2])
          AND person_id = (changed ->> TG_ARGV[3])::int
          AND NOT EXISTS (SELECT 1 FROM appeal
                          WHERE decision_id = decision.id AND outcome = 'changed');
        IF NOT FOUND THEN
            RAISE EXCEPTION '%: no decision of kind % with its reasons', TG_TABLE_NAME, TG_ARGV[0]
                USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END $$;

    CREATE OR REPLACE FUNCTION part_has_decision() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM 1 FROM decision
        WHERE kind = 'work_partly_accepted' AND subject = 'assignment:' || NEW.assignment_id
          AND person_id = NEW.expert_id
          AND NOT EXISTS (SELECT 1 FROM appeal
                          WHERE decision_id = decision.id AND outcome = 'changed');
        IF NOT FOUND THEN
            RAISE EXCEPTION 'reservation: no decision of kind work_partly_accepted with its reasons'
                USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END $$;

    -- A hold that is lifted holds nothing: it may name a decision that was changed.
    DROP TRIGGER hold_has_decision ON payout_hold;
    CREATE TRIGGER hold_has_decision BEFORE INSERT OR UPDATE ON payout_hold
        FOR EACH ROW WHEN (NEW.lifted_at IS NULL)
        EXECUTE FUNCTION needs_decision('payout_withheld', 'expert', 'expert_id', 'expert_id');

    CREATE FUNCTION pay_stays() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF OLD.state = 'earned' AND (NEW.state <> 'earned' OR NEW.earned_minor < OLD.earned_minor)
        THEN
            RAISE EXCEPTION 'what is earned is never taken back' USING ERRCODE = 'check_violation';
        END IF;
        IF NEW.state = 'released' AND OLD.state = 'held' AND NEW.submitted_at IS NOT NULL
           AND NOT EXISTS (
               SELECT 1 FROM decision WHERE kind = 'work_rejected'
               AND subject = 'assignment:' || NEW.assignment_id
               AND NOT EXISTS (SELECT 1 FROM appeal
                               WHERE decision_id = decision.id AND outcome = 'changed'))
        THEN
            RAISE EXCEPTION 'the pay of work that was handed in goes only with a decision'
                USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER pay_stays BEFORE UPDATE OF state, earned_minor ON reservation
        FOR EACH ROW EXECUTE FUNCTION pay_stays();

    CREATE FUNCTION appeal_stays_escalated() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'an appeal before the operator stays there'
            USING ERRCODE = 'check_violation';
    END $$;
    CREATE TRIGGER appeal_stays_escalated BEFORE UPDATE ON appeal
        FOR EACH ROW WHEN (OLD.escalated_at IS NOT NULL
                           AND NEW.escalated_at IS DISTINCT FROM OLD.escalated_at)
        EXECUTE FUNCTION appeal_stays_escalated();
"""
BEFORE = """
    CREATE OR REPLACE FUNCTION needs_decision() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE changed jsonb := to_jsonb(NEW);
    BEGIN
        PERFORM 1 FROM decision
        WHERE id = (changed ->> 'decision_id')::bigint AND kind = TG_ARGV[0]
          AND subject = TG_ARGV[1] || ':' || (changed ->> TG_ARGV[2])
          AND person_id = (changed ->> TG_ARGV[3])::int;
        IF NOT FOUND THEN
            RAISE EXCEPTION '%: no decision of kind % with its reasons', TG_TABLE_NAME, TG_ARGV[0]
                USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END $$;

    CREATE OR REPLACE FUNCTION part_has_decision() RETURNS trigger LANGUAGE plpgsql AS $$
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

    DROP TRIGGER hold_has_decision ON payout_hold;
    CREATE TRIGGER hold_has_decision BEFORE INSERT OR UPDATE ON payout_hold
        FOR EACH ROW
        EXECUTE FUNCTION needs_decision('payout_withheld', 'expert', 'expert_id', 'expert_id');

    DROP TRIGGER pay_stays ON reservation;
    DROP FUNCTION pay_stays();
    DROP TRIGGER appeal_stays_escalated ON appeal;
    DROP FUNCTION appeal_stays_escalated();
"""


def upgrade() -> None:
    op.execute(FUNCTIONS)


def downgrade() -> None:
    op.execute(BEFORE)
