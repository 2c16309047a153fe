"""Consents by purpose and version, and the words that were agreed to."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

PURPOSES = "'ai_interview', 'transcripts', 'share_profile', 'name_in_provenance'"
TRIGGERS = """
    CREATE TRIGGER consent_text_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON consent_text
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

    -- Erasure takes the person off a consent, and nothing else ever changes one.
    CREATE FUNCTION consent_stays() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'UPDATE' AND is_erasing()
           AND (NEW.user_id IS NULL OR NEW.user_id = OLD.user_id)
           AND (NEW.address IS NULL OR NEW.address = OLD.address)
           AND (to_jsonb(NEW) - ARRAY['user_id', 'address'])
             = (to_jsonb(OLD) - ARRAY['user_id', 'address'])
        THEN RETURN NEW; END IF;
        RAISE EXCEPTION 'consents are only ever added';
    END $$;
    CREATE TRIGGER consent_stays BEFORE UPDATE OR DELETE ON consent
        FOR EACH ROW EXECUTE FUNCTION consent_stays();
    CREATE TRIGGER consent_is_never_emptied BEFORE TRUNCATE ON consent
        EXECUTE FUNCTION refuse_change();

    -- A consent names the words of its own purpose, and a person.
    CREATE FUNCTION consent_fits() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.user_id IS NULL OR NOT EXISTS (
            SELECT 1 FROM consent_text WHERE digest = NEW.text AND purpose = NEW.purpose
        ) THEN
            RAISE EXCEPTION 'a consent is of a person, to the words of its purpose'
                USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER consent_fits BEFORE INSERT ON consent
        FOR EACH ROW EXECUTE FUNCTION consent_fits();
"""


def upgrade() -> None:
    op.create_table(
        "consent_text",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("first_used_at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("purpose", "version", "language"),
        sa.CheckConstraint(f"purpose IN ({PURPOSES})", name="purpose_known"),
        sa.CheckConstraint("length(btrim(words)) > 0", name="words_said"),
    )
    op.create_table(
        "consent",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("user_id", sa.Integer, sa.ForeignKey("user_account.id")),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("text", sa.Text, sa.ForeignKey("consent_text.digest"), nullable=False),
        sa.Column("given", sa.Boolean, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("address", sa.Text),
        sa.CheckConstraint(f"purpose IN ({PURPOSES})", name="purpose_known"),
    )
    op.create_index("ix_consent_user_id_purpose_id", "consent", ["user_id", "purpose", "id"])
    op.execute(TRIGGERS)


def downgrade() -> None:
    op.drop_table("consent")
    op.drop_table("consent_text")
    op.execute("DROP FUNCTION consent_stays")
    op.execute("DROP FUNCTION consent_fits")
