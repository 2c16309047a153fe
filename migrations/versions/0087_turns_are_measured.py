"""How an answer to the interviewer was written, in counts; they go with its words."""

import sqlalchemy as sa
from alembic import op

revision = "0087"
down_revision = "0086"
branch_labels = None
depends_on = None

NAME = op.f("ck_interview_turn_measured_of_an_answer")
STAYS = """
    CREATE OR REPLACE FUNCTION turn_stays() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'INSERT' THEN
            IF NEW.kind = 'follow_up' AND (
                SELECT count(*) FROM interview_turn WHERE interview_id = NEW.interview_id
                AND position = NEW.position AND kind = 'follow_up') >= 2
            THEN
                RAISE EXCEPTION 'at most two questions follow an answer'
                    USING ERRCODE = 'check_violation';
            END IF;
            RETURN NEW;
        END IF;
        IF TG_OP = 'UPDATE' AND NEW.text IS NULL AND NEW.remark IN ('', OLD.remark) {also}
           AND (to_jsonb(NEW) - ARRAY[{words}]) = (to_jsonb(OLD) - ARRAY[{words}])
        THEN RETURN NEW; END IF;
        RAISE EXCEPTION 'turns are only ever added';
    END $$;
"""


def upgrade() -> None:
    op.add_column("interview_turn", sa.Column("measured", sa.dialects.postgresql.JSONB))
    op.create_check_constraint(
        NAME,
        "interview_turn",
        "measured IS NULL OR (kind = 'answer' AND position IS NOT NULL"
        " AND jsonb_typeof(measured) = 'object')",
    )
    also = "AND (NEW.measured IS NULL OR NEW.measured = OLD.measured)"
    op.execute(STAYS.format(also=also, words="'text', 'remark', 'measured'"))


def downgrade() -> None:
    op.execute(STAYS.format(also="", words="'text', 'remark'"))
    op.drop_constraint(NAME, "interview_turn", type_="check")
    op.drop_column("interview_turn", "measured")
