"""One function blanks a person's words in append-only rows; nothing else may, not even under it."""

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

FUNCTIONS = """
    -- What stands in the place of erased words. Nothing else may be written there.
    CREATE FUNCTION erased_words() RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
        SELECT '{"en": "Erased with the account.", "fr": "Effacé avec le compte."}'::jsonb
    $$;

    CREATE OR REPLACE FUNCTION decision_stays() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE words text[] := ARRAY['title', 'reason_words', 'evidence', 'would_change'];
    BEGIN
        IF TG_OP = 'UPDATE' AND is_erasing()
           AND to_jsonb(NEW) - words = to_jsonb(OLD) - words
           AND NEW.title = erased_words() AND NEW.reason_words = erased_words()
           AND NEW.would_change = erased_words()
           AND NEW.evidence = jsonb_build_array(jsonb_build_object('words', erased_words()))
        THEN RETURN NEW; END IF;
        RAISE EXCEPTION 'decisions are only ever added';
    END $$;

    CREATE OR REPLACE FUNCTION appeal_fits() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        against decision;
        answer text[] := ARRAY['escalated_at', 'outcome', 'reply', 'answered_by', 'answered_at'];
    BEGIN
        IF TG_OP = 'DELETE' OR TG_OP = 'TRUNCATE' THEN
            RAISE EXCEPTION 'appeals are never deleted';
        END IF;
        IF TG_OP = 'UPDATE' AND is_erasing() THEN
            IF to_jsonb(NEW) - ARRAY['words', 'reply'] = to_jsonb(OLD) - ARRAY['words', 'reply']
               AND NEW.words = erased_words() ->> 'en'
               AND NEW.reply IS NOT DISTINCT FROM
                   (CASE WHEN OLD.reply IS NOT NULL THEN erased_words() ->> 'en' END)
            THEN RETURN NEW; END IF;
            RAISE EXCEPTION 'erasure blanks the words of an appeal, and nothing else'
                USING ERRCODE = 'check_violation';
        END IF;
        SELECT * INTO against FROM decision WHERE id = NEW.decision_id;
        IF TG_OP = 'INSERT' THEN
            IF against.contest_until IS NULL OR NEW.asked_at > against.contest_until THEN
                RAISE EXCEPTION 'this decision cannot be contested, or no longer'
                    USING ERRCODE = 'check_violation';
            END IF;
        ELSIF to_jsonb(NEW) - answer <> to_jsonb(OLD) - answer OR OLD.outcome IS NOT NULL THEN
            RAISE EXCEPTION 'an appeal is answered once, and stays as it was written'
                USING ERRCODE = 'check_violation';
        END IF;
        IF NEW.answered_by IN (against.decided_by, against.second_by, against.person_id) THEN
            RAISE EXCEPTION 'who decided, and whom it concerns, cannot answer the appeal'
                USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END $$;

    -- The only place that says it is erasing; the word counts to its end and no further.
    CREATE FUNCTION erase_words(person integer) RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM set_config('doyen.erasing', 'on', true);
        UPDATE decision SET title = erased_words(), reason_words = erased_words(),
            would_change = erased_words(),
            evidence = jsonb_build_array(jsonb_build_object('words', erased_words()))
        WHERE person_id = person;
        UPDATE appeal SET words = erased_words() ->> 'en',
            reply = CASE WHEN reply IS NOT NULL THEN erased_words() ->> 'en' END
        WHERE decision_id IN (SELECT id FROM decision WHERE person_id = person);
        PERFORM set_config('doyen.erasing', '', true);
    END $$;
"""
BEFORE = """
    CREATE OR REPLACE FUNCTION decision_stays() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'UPDATE' AND is_erasing() AND (to_jsonb(NEW) - ARRAY[
               'title', 'reason_words', 'evidence', 'would_change'])
           = (to_jsonb(OLD) - ARRAY['title', 'reason_words', 'evidence', 'would_change'])
        THEN RETURN NEW; END IF;
        RAISE EXCEPTION 'decisions are only ever added';
    END $$;

    CREATE OR REPLACE FUNCTION appeal_fits() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE against decision;
    BEGIN
        IF TG_OP = 'DELETE' OR TG_OP = 'TRUNCATE' THEN
            RAISE EXCEPTION 'appeals are never deleted';
        END IF;
        SELECT * INTO against FROM decision WHERE id = NEW.decision_id;
        IF TG_OP = 'INSERT' THEN
            IF against.contest_until IS NULL OR NEW.asked_at > against.contest_until THEN
                RAISE EXCEPTION 'this decision cannot be contested, or no longer'
                    USING ERRCODE = 'check_violation';
            END IF;
        ELSE
            IF (to_jsonb(NEW) - ARRAY['escalated_at', 'outcome', 'reply', 'answered_by',
                    'answered_at'] - CASE WHEN is_erasing() THEN ARRAY['words'] ELSE '{}' END)
                <> (to_jsonb(OLD) - ARRAY['escalated_at', 'outcome', 'reply', 'answered_by',
                    'answered_at'] - CASE WHEN is_erasing() THEN ARRAY['words'] ELSE '{}' END)
               OR (OLD.outcome IS NOT NULL AND NOT is_erasing())
            THEN
                RAISE EXCEPTION 'an appeal is answered once, and stays as it was written'
                    USING ERRCODE = 'check_violation';
            END IF;
        END IF;
        IF NEW.answered_by IN (against.decided_by, against.second_by, against.person_id) THEN
            RAISE EXCEPTION 'who decided, and whom it concerns, cannot answer the appeal'
                USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END $$;

    DROP FUNCTION erase_words(integer);
    DROP FUNCTION erased_words();
"""


def upgrade() -> None:
    op.execute(FUNCTIONS)


def downgrade() -> None:
    op.execute(BEFORE)
