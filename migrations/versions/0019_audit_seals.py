"""A chain of hashes over the audit trail, kept beside it, and what the daily check found."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
QUEUE = """
    CREATE FUNCTION queue_for_seal() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO audit_unsealed (event_id) VALUES (NEW.id);
        RETURN NULL;
    END $$;
    CREATE TRIGGER audit_event_unsealed AFTER INSERT ON audit_event
        FOR EACH ROW EXECUTE FUNCTION queue_for_seal();
"""
KEEP_QUEUE = """
    CREATE FUNCTION keep_unsealed() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NOT EXISTS (SELECT FROM audit_seal WHERE event_id = OLD.event_id) THEN
            RAISE EXCEPTION 'audit row % is not sealed yet', OLD.event_id
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN OLD;
    END $$;
    CREATE TRIGGER audit_unsealed_kept BEFORE DELETE ON audit_unsealed
        FOR EACH ROW EXECUTE FUNCTION keep_unsealed();
    CREATE TRIGGER audit_unsealed_not_changed BEFORE UPDATE OR TRUNCATE ON audit_unsealed
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""
APPEND_ONLY = """
    CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
"""


def upgrade() -> None:
    op.create_table(
        "audit_unsealed",
        sa.Column("event_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("event_id", name="pk_audit_unsealed"),
    )
    op.create_table(
        "audit_seal",
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("previous", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("sealed_at", TIME, nullable=False),
        sa.CheckConstraint("position > 0", name=op.f("ck_audit_seal_position_counts")),
        sa.PrimaryKeyConstraint("position", name="pk_audit_seal"),
        sa.UniqueConstraint("event_id", name="uq_audit_seal_event_id"),
        sa.UniqueConstraint("previous", name="uq_audit_seal_previous"),
        sa.UniqueConstraint("hash", name="uq_audit_seal_hash"),
    )
    op.create_table(
        "audit_check",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("checked_at", TIME, nullable=False),
        sa.Column("sealed", sa.BigInteger(), nullable=False),
        sa.Column("unsealed", sa.Integer(), nullable=False),
        sa.Column("breach", sa.Text()),
        sa.Column("position", sa.BigInteger()),
        sa.Column("event_id", sa.Integer()),
        sa.PrimaryKeyConstraint("id", name="pk_audit_check"),
    )
    op.create_index("ix_audit_check_checked_at", "audit_check", ["checked_at"])
    op.execute(QUEUE)
    op.execute(KEEP_QUEUE)
    for table in ("audit_seal", "audit_check"):
        op.execute(APPEND_ONLY.format(table=table))


def downgrade() -> None:
    op.execute("DROP TRIGGER audit_event_unsealed ON audit_event")
    for table in ("audit_check", "audit_unsealed", "audit_seal"):
        op.drop_table(table)
    op.execute("DROP FUNCTION queue_for_seal")
    op.execute("DROP FUNCTION keep_unsealed")
