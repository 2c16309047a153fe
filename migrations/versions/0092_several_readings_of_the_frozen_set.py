"""People read answers of the frozen set after they are frozen; a run may be counted again."""

import sqlalchemy as sa
from alembic import op

revision = "0092"
down_revision = "0091"
branch_labels = None
depends_on = None

INDEX = "uq_frozen_reading_frozen_id_reader_id"
# The authors' reading stays as it was frozen. People add their own, and may take them back once.
STAYS = """
    CREATE OR REPLACE FUNCTION frozen_reading_stays() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'UPDATE' THEN
            IF OLD.undone_at IS NULL AND NEW.undone_at IS NOT NULL AND OLD.read_at IS NOT NULL
                AND (NEW.id, NEW.frozen_id, NEW.reader_id, NEW.met, NEW.read_at)
                IS NOT DISTINCT FROM
                (OLD.id, OLD.frozen_id, OLD.reader_id, OLD.met, OLD.read_at) THEN
                RETURN NEW;
            END IF;
        ELSIF (NEW.reader_id IS NOT NULL AND NEW.read_at IS NOT NULL AND NEW.undone_at IS NULL)
            OR NOT EXISTS (
                SELECT 1 FROM frozen_answer WHERE id = NEW.frozen_id AND frozen_at IS NOT NULL
            ) THEN
            RETURN NEW;
        END IF;
        RAISE EXCEPTION 'readings of a frozen answer stay' USING ERRCODE = 'restrict_violation';
    END $$;
"""
BEFORE = """
    CREATE OR REPLACE FUNCTION frozen_reading_stays() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'UPDATE' OR (TG_OP = 'INSERT' AND EXISTS (
            SELECT 1 FROM frozen_answer WHERE id = NEW.frozen_id AND frozen_at IS NOT NULL
        )) THEN
            RAISE EXCEPTION 'readings of a frozen answer stay'
                USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END $$;
"""


def upgrade() -> None:
    for name in ("read_at", "undone_at"):
        op.add_column("frozen_reading", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.create_check_constraint(
        op.f("ck_frozen_reading_undone_by_its_reader"),
        "frozen_reading",
        "undone_at IS NULL OR (reader_id IS NOT NULL AND undone_at >= read_at)",
    )
    op.drop_index(INDEX, "frozen_reading")
    _index(where="undone_at IS NULL")
    counted = sa.ForeignKey("judge_run.id")
    op.add_column("judge_run", sa.Column("counted_from", sa.BigInteger, counted, nullable=True))
    op.execute(STAYS)


def downgrade() -> None:
    op.execute("DELETE FROM frozen_reading WHERE undone_at IS NOT NULL")
    op.execute(BEFORE)
    op.drop_column("judge_run", "counted_from")
    op.drop_index(INDEX, "frozen_reading")
    _index(where=None)
    op.drop_constraint(op.f("ck_frozen_reading_undone_by_its_reader"), "frozen_reading")
    for name in ("read_at", "undone_at"):
        op.drop_column("frozen_reading", name)


def _index(*, where: str | None) -> None:
    op.create_index(
        INDEX,
        "frozen_reading",
        ["frozen_id", "reader_id"],
        unique=True,
        postgresql_nulls_not_distinct=True,
        postgresql_where=sa.text(where) if where else None,
    )
