"""Signals of how answers came, accommodations of interviews, and consent to dictation."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0079"
down_revision = "0078"
branch_labels = None
depends_on = None

PURPOSES = "'ai_interview', 'transcripts', 'share_profile', 'name_in_provenance'"
VOICE = f"{PURPOSES}, 'voice'"
OF_CONSENT = ("consent_text", "consent")
TRIGGERS = """
    -- What held in an interview never shrinks: nobody loses time that they were given.
    CREATE FUNCTION accommodation_stays() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.interview_id <> OLD.interview_id OR NEW.extra_time < OLD.extra_time
           OR OLD.text_only > NEW.text_only OR OLD.screen_reader > NEW.screen_reader
           OR OLD.unmeasured > NEW.unmeasured
        THEN RAISE EXCEPTION 'what holds in an interview only ever grows'; END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER accommodation_stays BEFORE UPDATE ON interview_accommodation
        FOR EACH ROW EXECUTE FUNCTION accommodation_stays();

    -- What was measured is written once.
    CREATE FUNCTION signal_stays() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'what was measured of an answer stays as it is';
    END $$;
    CREATE TRIGGER signal_stays BEFORE UPDATE ON answer_signal
        FOR EACH ROW EXECUTE FUNCTION signal_stays();

    -- Signals never decide: whom the rule would let pass, nobody fails for how they wrote.
    CREATE FUNCTION signals_never_decide() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.state = 'failed' AND OLD.state = 'review' AND EXISTS (
            SELECT 1 FROM integrity_note WHERE interview_id = NEW.id AND by_rule = 'passed'
        ) THEN
            RAISE EXCEPTION 'how answers were written is no reason to fail an interview'
                USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER answers_decide_alone BEFORE UPDATE OF state ON interview
        FOR EACH ROW EXECUTE FUNCTION signals_never_decide();
"""


def upgrade() -> None:
    _signals()
    _accommodations()
    op.execute(TRIGGERS)
    for table in OF_CONSENT:
        _purposes(table, VOICE)


def downgrade() -> None:
    for table in OF_CONSENT:
        _purposes(table, PURPOSES)
    op.execute("DROP TRIGGER answers_decide_alone ON interview")
    for table in (
        "interview_accommodation",
        "accommodation",
        "integrity_note",
        "answer_print",
        "answer_signal",
    ):
        op.drop_table(table)
    for function in ("accommodation_stays", "signal_stays", "signals_never_decide"):
        op.execute(f"DROP FUNCTION {function}")


def _purposes(table: str, purposes: str) -> None:
    name = op.f(f"ck_{table}_purpose_known")
    op.drop_constraint(name, table)
    op.create_check_constraint(name, table, f"purpose IN ({purposes})")


def _signals() -> None:
    counts = ("letters", "pasted", "pastes", "bursts", "away", "away_ms")
    op.create_table(
        "answer_signal",
        sa.Column(
            "response_id", sa.Integer, sa.ForeignKey("interview_response.id"), primary_key=True
        ),
        sa.Column("item_id", sa.Text, nullable=False),
        sa.Column("rules", sa.Text, nullable=False),
        sa.Column("measured", sa.Boolean, nullable=False),
        *(sa.Column(name, sa.Integer, nullable=False) for name in counts),
        sa.Column("first_key_ms", sa.Integer),
        sa.Column("alike", sa.Integer, nullable=False),
        sa.Column("alike_share", sa.Float, nullable=False),
        sa.Column("found", JSONB, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "least(letters, pasted, pastes, bursts, away, away_ms, alike) >= 0"
            " AND (first_key_ms IS NULL OR first_key_ms >= 0)",
            name="counts",
        ),
        sa.CheckConstraint("measured OR num_nonnulls(first_key_ms) = 0", name="only_measured"),
        sa.CheckConstraint("alike_share BETWEEN 0 AND 1", name="alike_is_share"),
        sa.CheckConstraint("jsonb_typeof(found) = 'array'", name="found_is_list"),
    )
    op.create_index("ix_answer_signal_item_id_at", "answer_signal", ["item_id", "at"])
    op.create_table(
        "answer_print",
        sa.Column(
            "response_id", sa.Integer, sa.ForeignKey("interview_response.id"), primary_key=True
        ),
        sa.Column("marks", sa.ARRAY(sa.BigInteger), nullable=False),
        sa.Column("bands", sa.ARRAY(sa.Integer), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_answer_print_bands", "answer_print", ["bands"], postgresql_using="gin")
    op.create_index("ix_answer_print_at", "answer_print", ["at"])
    op.create_table(
        "integrity_note",
        sa.Column("interview_id", sa.Integer, sa.ForeignKey("interview.id"), primary_key=True),
        sa.Column("rules", sa.Text, nullable=False),
        sa.Column("found", JSONB, nullable=False),
        sa.Column("weight", sa.Integer, nullable=False),
        sa.Column("by_rule", sa.Text),
        sa.Column("opened_at", sa.DateTime(timezone=True)),
        sa.Column("words", sa.Text),
        sa.Column("words_at", sa.DateTime(timezone=True)),
        sa.Column("finding", sa.Text),
        sa.Column("noted_by", sa.Integer, sa.ForeignKey("user_account.id")),
        sa.Column("noted_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("finding IN ('nothing', 'something')", name="finding_known"),
        sa.CheckConstraint("(words IS NULL) = (words_at IS NULL)", name="words_with_time"),
        sa.CheckConstraint("length(words) <= 2000", name="words_bounded"),
        sa.CheckConstraint("(opened_at IS NULL) = (by_rule IS NULL)", name="opened_whole"),
        sa.CheckConstraint("by_rule IN ('passed', 'failed', 'near')", name="by_rule_known"),
        sa.CheckConstraint(
            "num_nonnulls(finding, noted_by, noted_at) IN (0, 3)"
            " AND (finding IS NULL OR opened_at IS NOT NULL)",
            name="noted_whole",
        ),
    )
    op.create_index("ix_integrity_note_opened_at", "integrity_note", ["opened_at"])


def _accommodations() -> None:
    op.create_table(
        "accommodation",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("expert_id", sa.Integer, sa.ForeignKey("expert.user_id"), nullable=False),
        sa.Column("need", sa.Text, nullable=False),
        sa.Column("extra_time", sa.Integer),
        sa.Column("words", sa.Text),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answer_by", sa.DateTime(timezone=True)),
        sa.Column("answered_at", sa.DateTime(timezone=True)),
        sa.Column("answered_by", sa.Integer, sa.ForeignKey("user_account.id")),
        sa.Column("reply", sa.Text),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("again_of", sa.Integer, sa.ForeignKey("accommodation.id")),
        sa.CheckConstraint(
            "need IN ('more_time', 'person', 'text_only', 'screen_reader', 'other')",
            name="need_known",
        ),
        sa.CheckConstraint(
            "state IN ('asked', 'granted', 'declined', 'ended')", name="state_known"
        ),
        sa.CheckConstraint(
            "extra_time IN (25, 50, 100) AND (need <> 'more_time' OR extra_time IS NOT NULL)"
            " AND (need IN ('more_time', 'other') OR extra_time IS NULL)",
            name="time_fits",
        ),
        sa.CheckConstraint(
            "need <> 'other' OR length(btrim(words)) BETWEEN 1 AND 1000", name="other_in_words"
        ),
        sa.CheckConstraint("need = 'other' OR words IS NULL", name="words_of_other_only"),
        sa.CheckConstraint("(state = 'asked') <= (answer_by IS NOT NULL)", name="asked_until"),
        sa.CheckConstraint(
            "state <> 'declined' OR (answered_by IS NOT NULL AND length(btrim(reply)) >= 20)",
            name="declined_with_reasons",
        ),
        sa.CheckConstraint("(state = 'ended') = (ended_at IS NOT NULL)", name="ended_once"),
    )
    op.create_index(
        "uq_accommodation_expert_id_need_current",
        "accommodation",
        ["expert_id", "need"],
        unique=True,
        postgresql_where="state IN ('asked', 'granted')",
    )
    op.create_index(
        "ix_accommodation_asked",
        "accommodation",
        ["answer_by"],
        postgresql_where="state = 'asked'",
    )
    op.create_table(
        "interview_accommodation",
        sa.Column("interview_id", sa.Integer, sa.ForeignKey("interview.id"), primary_key=True),
        sa.Column("extra_time", sa.Integer, nullable=False),
        sa.Column("text_only", sa.Boolean, nullable=False),
        sa.Column("screen_reader", sa.Boolean, nullable=False),
        sa.Column("unmeasured", sa.Boolean, nullable=False),
        sa.CheckConstraint("extra_time BETWEEN 0 AND 100", name="time_bounded"),
    )
