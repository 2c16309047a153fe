"""The tables and functions of Procrastinate, our job queue, as its own release makes them."""

from alembic import op
from procrastinate.schema import SchemaManager

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

DROP = """
    DO $$
    DECLARE it record;
    BEGIN
        FOR it IN SELECT tablename AS name FROM pg_tables
                  WHERE schemaname = 'public' AND tablename LIKE 'procrastinate\\_%' LOOP
            EXECUTE format('DROP TABLE %I CASCADE', it.name);
        END LOOP;
        FOR it IN SELECT oid::regprocedure AS name FROM pg_proc
                  WHERE proname LIKE 'procrastinate\\_%' LOOP
            EXECUTE format('DROP FUNCTION IF EXISTS %s CASCADE', it.name);
        END LOOP;
        FOR it IN SELECT typname AS name FROM pg_type
                  WHERE typname LIKE 'procrastinate\\_%' AND typtype IN ('e', 'c')
                    AND typnamespace = 'public'::regnamespace LOOP
            EXECUTE format('DROP TYPE IF EXISTS %I CASCADE', it.name);
        END LOOP;
    END $$
"""


def upgrade() -> None:
    # The driver reads % as a placeholder; the cursor below takes the text as it is.
    with op.get_bind().connection.cursor() as cursor:
        cursor.execute(SchemaManager.get_schema())


def downgrade() -> None:
    with op.get_bind().connection.cursor() as cursor:
        cursor.execute(DROP)
