"""Erasure reaches quotes of answers alone, consents and corrections, each as narrowly as before."""

from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

FUNCTIONS = """
    -- Evidence as it is, without the person's own words in it.
    CREATE FUNCTION unquoted(evidence jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
        SELECT jsonb_agg(one || '{"quote": "", "language": ""}' ORDER BY place)
        FROM jsonb_array_elements(evidence) WITH ORDINALITY AS listed (one, place)
    $$;

    CREATE OR REPLACE FUNCTION decision_stays() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE words text[] := ARRAY['title', 'reason_words', 'evidence', 'would_change'];
    BEGIN
        IF TG_OP = 'UPDATE' AND is_erasing() THEN
            IF to_jsonb(NEW) - words = to_jsonb(OLD) - words
               AND NEW.title = erased_words() AND NEW.reason_words = erased_words()
               AND NEW.would_change = erased_words()
               AND NEW.evidence = jsonb_build_array(jsonb_build_object('words', erased_words()))
            THEN RETURN NEW; END IF;
            IF to_jsonb(NEW) - 'evidence' = to_jsonb(OLD) - 'evidence'
               AND NEW.evidence = unquoted(OLD.evidence)
            THEN RETURN NEW; END IF;
        END IF;
        RAISE EXCEPTION 'decisions are only ever added';
    END $$;

    CREATE OR REPLACE FUNCTION correction_stays() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'DELETE' AND is_erasing() THEN RETURN OLD; END IF;
        IF TG_OP = 'UPDATE' AND NEW.words IS NULL
           AND (to_jsonb(NEW) - 'words') = (to_jsonb(OLD) - 'words')
        THEN RETURN NEW; END IF;
        RAISE EXCEPTION 'corrections are only ever added';
    END $$;

    -- Takes the person off their consents and deletes what they corrected; says that it is erasing
    -- to its end and no further.
    CREATE FUNCTION erase_consents(person integer) RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM set_config('doyen.erasing', 'on', true);
        UPDATE consent SET user_id = NULL, address = NULL WHERE user_id = person;
        DELETE FROM answer_correction WHERE response_id IN (
            SELECT response.id FROM interview_response response
            JOIN interview ON interview.id = response.interview_id
            WHERE interview.expert_id = person);
        PERFORM set_config('doyen.erasing', '', true);
    END $$;
"""
BEFORE = """
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

    CREATE OR REPLACE FUNCTION correction_stays() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'UPDATE' AND NEW.words IS NULL
           AND (to_jsonb(NEW) - 'words') = (to_jsonb(OLD) - 'words')
        THEN RETURN NEW; END IF;
        RAISE EXCEPTION 'corrections are only ever added';
    END $$;

    DROP FUNCTION erase_consents(integer);
    DROP FUNCTION unquoted(jsonb);
"""


def upgrade() -> None:
    op.execute(FUNCTIONS)


def downgrade() -> None:
    op.execute(BEFORE)
