"""Who loaded what of releases, keys and signatures of manifests, and formats made from them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0100"
down_revision = "0099"
branch_labels = None
depends_on = None

UTC = sa.DateTime(timezone=True)
RELEASE = "release.id"

TRIGGERS = """
    CREATE FUNCTION release_signature_stays() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'a signature is never changed';
    END $$;
    CREATE TRIGGER release_signature_stays BEFORE UPDATE OR DELETE ON release_signature
        FOR EACH ROW EXECUTE FUNCTION release_signature_stays();
    CREATE FUNCTION release_key_stays() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'DELETE' OR NEW.id <> OLD.id OR NEW.public_key <> OLD.public_key
            OR OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS NULL THEN
            RAISE EXCEPTION 'a key that has signed is never changed';
        END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER release_key_stays BEFORE UPDATE OR DELETE ON release_key
        FOR EACH ROW EXECUTE FUNCTION release_key_stays();
"""


def upgrade() -> None:
    _download()
    _signature()
    op.create_table(
        "release_format",
        sa.Column("release_id", sa.Integer, sa.ForeignKey(RELEASE), primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("maker", sa.Integer, nullable=False),
        sa.Column("files", JSONB),
        sa.Column("rows", sa.BigInteger, nullable=False),
        sa.Column("left_out", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("made_at", UTC, nullable=False),
        sa.CheckConstraint("(reason IS NULL) = (files IS NOT NULL)", name="made_or_refused"),
    )
    op.execute(TRIGGERS)


def downgrade() -> None:
    for table in ("release_format", "release_signature", "release_key", "release_download"):
        op.drop_table(table)
    for function in ("release_signature_stays", "release_key_stays"):
        op.execute(f"DROP FUNCTION {function}()")


def _download() -> None:
    op.create_table(
        "release_download",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("release_id", sa.Integer, sa.ForeignKey(RELEASE), nullable=False),
        sa.Column("organisation_id", sa.Integer, sa.ForeignKey("organisation.id"), nullable=False),
        sa.Column("user_id", sa.Integer, sa.ForeignKey("user_account.id")),
        sa.Column("token_id", sa.Integer, sa.ForeignKey("api_token.id")),
        sa.Column("way", sa.Text, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("times", sa.Integer, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("first_at", UTC, nullable=False),
        sa.Column("last_at", UTC, nullable=False),
        sa.UniqueConstraint(
            "release_id",
            "organisation_id",
            "user_id",
            "token_id",
            "way",
            "path",
            "day",
            name="uq_release_download_once_a_day",
            postgresql_nulls_not_distinct=True,
        ),
        sa.CheckConstraint("way IN ('hub', 'api', 'page', 'link')", name="way_known"),
        sa.CheckConstraint("times >= 0 AND bytes >= 0", name="counts"),
    )
    op.create_index("ix_release_download_last_at", "release_download", ["last_at"])
    op.create_index("ix_release_download_user_id", "release_download", ["user_id"])


def _signature() -> None:
    op.create_table(
        "release_key",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("public_key", sa.Text, nullable=False),
        sa.Column("first_used_at", UTC, nullable=False),
        sa.Column("retired_at", UTC),
        sa.Column("revoked_at", UTC),
        sa.CheckConstraint("id ~ '^[0-9a-f]{16}$'", name="id_is_hex"),
        sa.CheckConstraint("public_key ~ '^[A-Za-z0-9+/]{43}=$'", name="public_key_is_base64"),
    )
    op.create_table(
        "release_signature",
        sa.Column("release_id", sa.Integer, sa.ForeignKey(RELEASE), primary_key=True),
        sa.Column("key_id", sa.Text, sa.ForeignKey("release_key.id"), primary_key=True),
        sa.Column("signature", sa.Text, nullable=False),
        sa.Column("signed_at", UTC, nullable=False),
        sa.CheckConstraint("signature ~ '^[A-Za-z0-9+/]{86}==$'", name="signature_is_base64"),
    )
