"""How an interview is led and decided, with the consent that a language model needs."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

MODES = "'structured', 'person', 'llm'"
RULES = {
    "mode_known": f"mode IN ({MODES})",
    "begun_as_known": f"begun_as IN ({MODES})",
    "llm_has_consent": "(begun_as = 'llm') = (ai_consent_id IS NOT NULL)"
    " AND (begun_as = 'llm') = (llm_model IS NOT NULL)",
    "llm_from_the_start": "mode <> 'llm' OR begun_as = 'llm'",
}
TRIGGER = """
    CREATE FUNCTION interview_mode_fits() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'UPDATE' THEN
            IF (NEW.begun_as, NEW.llm_model, NEW.ai_consent_id)
               IS DISTINCT FROM (OLD.begun_as, OLD.llm_model, OLD.ai_consent_id)
               OR NEW.mode <> OLD.mode AND (NEW.mode = 'llm' OR OLD.state <> 'active')
            THEN
                RAISE EXCEPTION 'an interview under way may only leave the language model'
                    USING ERRCODE = 'check_violation';
            END IF;
            RETURN NEW;
        END IF;
        IF NEW.mode <> NEW.begun_as THEN
            RAISE EXCEPTION 'an interview begins as it is begun' USING ERRCODE = 'check_violation';
        END IF;
        IF NEW.mode = 'llm' THEN
            -- Whoever withdraws at the same moment holds this row: one of the two is first.
            PERFORM 1 FROM user_account WHERE id = NEW.expert_id FOR NO KEY UPDATE;
            PERFORM 1 FROM consent
            JOIN consent_text ON consent_text.digest = consent.text
            WHERE consent.id = NEW.ai_consent_id AND consent.user_id = NEW.expert_id
              AND consent.purpose = 'ai_interview' AND consent.given
              AND consent.at <= NEW.started_at
              AND NOT EXISTS (
                  SELECT 1 FROM consent AS later WHERE later.user_id = NEW.expert_id
                  AND later.purpose = 'ai_interview' AND later.id > consent.id)
              AND NOT EXISTS (
                  SELECT 1 FROM consent_text AS newer WHERE newer.purpose = 'ai_interview'
                  AND newer.version > consent_text.version);
            IF NOT FOUND THEN
                RAISE EXCEPTION 'an interview with a language model needs a consent in force'
                    USING ERRCODE = 'check_violation';
            END IF;
        END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER interview_mode_fits
        BEFORE INSERT OR UPDATE OF mode, begun_as, llm_model, ai_consent_id ON interview
        FOR EACH ROW EXECUTE FUNCTION interview_mode_fits();
"""


def upgrade() -> None:
    for column in ("mode", "begun_as"):
        op.add_column(
            "interview",
            sa.Column(column, sa.Text, nullable=False, server_default="structured"),
        )
    op.add_column("interview", sa.Column("llm_model", sa.Text))
    op.add_column("interview", sa.Column("ai_consent_id", sa.BigInteger))
    op.add_column("interview", sa.Column("texts_deleted_at", sa.DateTime(timezone=True)))
    op.create_foreign_key(
        op.f("fk_interview_ai_consent_id_consent"),
        "interview",
        "consent",
        ["ai_consent_id"],
        ["id"],
    )
    for name, rule in RULES.items():
        op.create_check_constraint(op.f(f"ck_interview_{name}"), "interview", rule)
    op.create_index(
        "ix_interview_texts_kept",
        "interview",
        ["expert_id"],
        postgresql_where=sa.text("texts_deleted_at IS NULL"),
    )
    op.execute(TRIGGER)


def downgrade() -> None:
    op.execute("DROP TRIGGER interview_mode_fits ON interview")
    op.execute("DROP FUNCTION interview_mode_fits")
    op.drop_index("ix_interview_texts_kept", "interview")
    for name in RULES:
        op.drop_constraint(op.f(f"ck_interview_{name}"), "interview", type_="check")
    for column in ("texts_deleted_at", "ai_consent_id", "llm_model", "begun_as", "mode"):
        op.drop_column("interview", column)
