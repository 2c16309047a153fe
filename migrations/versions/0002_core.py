"""Letters, the audit trail, keys of forms, heartbeats."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
APPEND_ONLY = """
    CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'rows of % are only ever added', TG_TABLE_NAME
            USING ERRCODE = 'integrity_constraint_violation';
    END $$
"""


def upgrade() -> None:
    op.create_table(
        "letter",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer()),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("trouble", sa.Text()),
        sa.Column("written_at", TIME, nullable=False),
        sa.Column("sent_at", TIME),
        sa.CheckConstraint("state IN ('waiting', 'sent', 'refused')", name="state_known"),
        sa.PrimaryKeyConstraint("id", name="pk_letter"),
    )
    op.create_index("ix_letter_user_id", "letter", ["user_id"])
    op.create_index("ix_letter_address", "letter", ["address"])
    op.create_index(
        "ix_letter_waiting", "letter", ["id"], postgresql_where=sa.text("state = 'waiting'")
    )
    op.create_table(
        "audit_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("by_user_id", sa.Integer()),
        sa.Column("address", sa.Text()),
        sa.Column("details", JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_event"),
    )
    for column in ("at", "action", "subject", "by_user_id"):
        op.create_index(f"ix_audit_event_{column}", "audit_event", [column])
    op.create_table(
        "once_key",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Integer()),
        sa.Column("location", sa.Text()),
        sa.Column("used_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_once_key"),
    )
    op.create_index("ix_once_key_used_at", "once_key", ["used_at"])
    op.create_table(
        "heartbeat",
        sa.Column("part", sa.Text(), nullable=False),
        sa.Column("seen_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("part", name="pk_heartbeat"),
    )
    op.execute(APPEND_ONLY)
    op.execute(
        "CREATE TRIGGER audit_event_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_event "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    for table in ("heartbeat", "once_key", "audit_event", "letter"):
        op.drop_table(table)
    op.execute("DROP FUNCTION refuse_change")
