"""Decisions about people, appeals against them, and the columns that name a decision."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

KINDS = (
    "interview_failed",
    "work_rejected",
    "work_partly_accepted",
    "expert_restricted",
    "expert_removed",
    "payout_withheld",
    "credential_refused",
    "interview_passed",
    "work_accepted",
)
NAMING_STATES = ("assignment", "interview")


def upgrade() -> None:
    _decision()
    _appeal()
    for table in NAMING_STATES:
        op.add_column(table, sa.Column("decision_id", sa.BigInteger))
        op.create_foreign_key(
            op.f(f"fk_{table}_decision_id_decision"), table, "decision", ["decision_id"], ["id"]
        )
        op.create_unique_constraint(op.f(f"uq_{table}_decision_id"), table, ["decision_id"])


def downgrade() -> None:
    for table in NAMING_STATES:
        op.drop_column(table, "decision_id")
    op.drop_table("appeal_file")
    op.drop_table("appeal")
    op.drop_table("decision")


def _decision() -> None:
    in_favour = "kind IN ('interview_passed', 'work_accepted')"
    by_two = "kind IN ('expert_restricted', 'expert_removed')"
    op.create_table(
        "decision",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("person_id", sa.Integer, sa.ForeignKey("user_account.id"), nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("title", JSONB, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("organisation_id", sa.Integer, sa.ForeignKey("organisation.id")),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("effective_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Integer, sa.ForeignKey("user_account.id")),
        sa.Column("second_by", sa.Integer, sa.ForeignKey("user_account.id")),
        sa.Column("rule", sa.Text),
        sa.Column("rule_version", sa.Text),
        sa.Column("llm_model", sa.Text),
        sa.Column("prompt_version", sa.Text),
        sa.Column("reason_code", sa.Text, nullable=False),
        sa.Column("reason_words", JSONB, nullable=False),
        sa.Column("evidence", JSONB, nullable=False),
        sa.Column("would_change", JSONB, nullable=False),
        sa.Column("contest_until", sa.DateTime(timezone=True)),
        _check(f"kind IN ({', '.join(repr(one) for one in KINDS)})", "kind_known"),
        _check(
            "num_nonnulls(decided_by, rule) = 1 AND num_nulls(rule, rule_version) <> 1",
            "decided_whole",
        ),
        _check("decided_by <> person_id AND second_by <> person_id", "nobody_decides_on_oneself"),
        _check(
            f"(NOT {by_two}) OR (decided_by IS NOT NULL AND second_by IS NOT NULL"
            " AND second_by <> decided_by)",
            "taken_by_two",
        ),
        _check("num_nulls(llm_model, prompt_version) <> 1", "llm_whole"),
        _check("effective_at >= decided_at", "effective_later"),
        _check(
            f"{in_favour} OR (contest_until IS NOT NULL AND contest_until > decided_at)",
            "adverse_can_be_contested",
        ),
        _check("length(btrim(reason_code)) > 0", "reason_has_code"),
        *(
            _check(
                f"jsonb_typeof({column}) = 'object' AND {column} <> '{{}}'"
                f" AND NOT jsonb_path_exists({column},"
                ' \'$.* ? (@.type() != "string" || !(@ like_regex "[^ ]"))\')',
                f"{column}_said",
            )
            for column in ("title", "reason_words", "would_change")
        ),
        _check(
            "jsonb_typeof(evidence) = 'array' AND jsonb_array_length(evidence) > 0",
            "evidence_given",
        ),
    )
    op.create_index("ix_decision_person_id_id", "decision", ["person_id", "id"])
    op.create_index("ix_decision_subject", "decision", ["subject"])
    op.create_index("ix_decision_kind_decided_at", "decision", ["kind", "decided_at"])
    op.create_index("ix_decision_organisation_id", "decision", ["organisation_id"])


def _appeal() -> None:
    op.create_table(
        "appeal",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("decision_id", sa.BigInteger, sa.ForeignKey("decision.id"), nullable=False),
        sa.Column("ground", sa.Text, nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answer_by", sa.DateTime(timezone=True), nullable=False),
        sa.Column("escalated_at", sa.DateTime(timezone=True)),
        sa.Column("outcome", sa.Text),
        sa.Column("reply", sa.Text),
        sa.Column("answered_by", sa.Integer, sa.ForeignKey("user_account.id")),
        sa.Column("answered_at", sa.DateTime(timezone=True)),
        sa.UniqueConstraint("decision_id"),
        _check("ground IN ('facts', 'rule', 'weight')", "ground_known"),
        _check("outcome IN ('changed', 'stands', 'withdrawn')", "outcome_known"),
        _check("length(btrim(words)) >= 20", "words_said"),
        _check("answer_by > asked_at", "answer_later"),
        _check("(outcome IS NULL) = (answered_at IS NULL)", "answered_once"),
        _check(
            "(outcome IN ('changed', 'stands')) = (answered_by IS NOT NULL)"
            " AND (answered_by IS NULL OR length(btrim(coalesce(reply, ''))) >= 20)"
            " OR outcome IS NULL AND num_nonnulls(answered_by, reply) = 0",
            "answered_with_reasons",
        ),
    )
    op.create_index(
        "ix_appeal_open", "appeal", ["answer_by"], postgresql_where=sa.text("outcome IS NULL")
    )
    op.create_table(
        "appeal_file",
        sa.Column("appeal_id", sa.Integer, sa.ForeignKey("appeal.id"), primary_key=True),
        sa.Column("upload_id", sa.Integer, primary_key=True),
    )


def _check(rule: str, name: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(rule, name=name)
