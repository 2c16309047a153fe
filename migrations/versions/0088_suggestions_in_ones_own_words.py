"""What a person made of a suggestion for their profile; the quote and what was found stay."""

import sqlalchemy as sa
from alembic import op

revision = "0088"
down_revision = "0087"
branch_labels = None
depends_on = None

NAME = op.f("ck_profile_suggestion_own_once_accepted")
STAYS = """
    CREATE FUNCTION suggestion_stays() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF OLD.state <> 'open'
           OR (to_jsonb(NEW) - ARRAY['own', 'state', 'answered_at'])
              <> (to_jsonb(OLD) - ARRAY['own', 'state', 'answered_at'])
        THEN RAISE EXCEPTION 'a suggestion stays as it was said, and is answered once'; END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER suggestion_stays BEFORE UPDATE ON profile_suggestion
        FOR EACH ROW EXECUTE FUNCTION suggestion_stays();
"""


def upgrade() -> None:
    op.add_column("profile_suggestion", sa.Column("own", sa.dialects.postgresql.JSONB))
    op.create_check_constraint(NAME, "profile_suggestion", "own IS NULL OR state = 'accepted'")
    op.execute(STAYS)


def downgrade() -> None:
    op.execute("DROP TRIGGER suggestion_stays ON profile_suggestion")
    op.execute("DROP FUNCTION suggestion_stays")
    op.drop_constraint(NAME, "profile_suggestion", type_="check")
    op.drop_column("profile_suggestion", "own")
