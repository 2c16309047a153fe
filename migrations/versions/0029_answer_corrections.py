"""What people correct in their own answers, beside the answer as it was given."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

TRIGGERS = """
    -- The words go with the answer that they correct; nothing else ever changes.
    CREATE FUNCTION correction_stays() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'UPDATE' AND NEW.words IS NULL
           AND (to_jsonb(NEW) - 'words') = (to_jsonb(OLD) - 'words')
        THEN RETURN NEW; END IF;
        RAISE EXCEPTION 'corrections are only ever added';
    END $$;
    CREATE TRIGGER correction_stays BEFORE UPDATE OR DELETE ON answer_correction
        FOR EACH ROW EXECUTE FUNCTION correction_stays();
    CREATE TRIGGER correction_is_never_emptied BEFORE TRUNCATE ON answer_correction
        EXECUTE FUNCTION refuse_change();
"""


def upgrade() -> None:
    op.create_table(
        "answer_correction",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column(
            "response_id", sa.Integer, sa.ForeignKey("interview_response.id"), nullable=False
        ),
        sa.Column("words", sa.Text),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(btrim(words)) BETWEEN 1 AND 4000", name="words_said"),
    )
    op.create_index("ix_answer_correction_response_id", "answer_correction", ["response_id"])
    op.execute(TRIGGERS)


def downgrade() -> None:
    op.drop_table("answer_correction")
    op.execute("DROP FUNCTION correction_stays")
