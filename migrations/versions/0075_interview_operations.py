"""Calibrations of item banks, who reads an interview just now, and copies of the system card."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0075"
down_revision = "0074"
branch_labels = None
depends_on = None

FIELDS = "'law', 'medicine', 'finance', 'software', 'linguistics'"
APPEND_ONLY = ("calibration_run", "item_calibration", "calibration_choice", "system_card")


def upgrade() -> None:
    _runs()
    _items()
    _choices()
    op.create_table(
        "interview_hold",
        sa.Column("interview_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("by_user_id", sa.Integer, nullable=False),
        _time("begun_at"),
        _time("until"),
        _to("interview_hold", "interview_id", "interview"),
        _to("interview_hold", "by_user_id", "user_account"),
        _check("interview_hold", "until > begun_at", "until_later"),
    )
    op.create_index("ix_interview_hold_by_user_id", "interview_hold", ["by_user_id"])
    op.create_table(
        "late_warning",
        sa.Column("interview_id", sa.Integer, primary_key=True, autoincrement=False),
        _time("warned_at"),
        _to("late_warning", "interview_id", "interview"),
    )
    op.create_table(
        "system_card",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("content", sa.Text, nullable=False),
        _time("first_seen_at"),
    )
    op.create_index("ix_system_card_first_seen_at", "system_card", ["first_seen_at"])
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    for table in (
        "system_card",
        "late_warning",
        "interview_hold",
        "calibration_choice",
        "item_calibration",
        "calibration_run",
    ):
        op.drop_table(table)


def _runs() -> None:
    op.create_table(
        "calibration_run",
        sa.Column("id", sa.Integer, primary_key=True),
        *(
            sa.Column(name, sa.Text, nullable=False)
            for name in ("field", "edition", "answers_digest")
        ),
        sa.Column("interviews", sa.Integer, nullable=False),
        sa.Column("responses", sa.Integer, nullable=False),
        sa.Column("people_mean", sa.Float, nullable=False),
        sa.Column("people_deviation", sa.Float, nullable=False),
        sa.Column("girth_agrees", sa.Float),
        sa.Column("girth_items", sa.Integer),
        _time("made_at"),
        sa.ForeignKeyConstraint(
            ["edition"],
            ["bank_edition.digest"],
            name=op.f("fk_calibration_run_edition_bank_edition"),
        ),
        sa.UniqueConstraint(
            "field", "answers_digest", name=op.f("uq_calibration_run_field_answers_digest")
        ),
        _check("calibration_run", f"field IN ({FIELDS})", "field_known"),
        _check("calibration_run", "interviews > 0 AND responses > 0", "rests_on_answers"),
        _check("calibration_run", "people_deviation > 0", "people_differ"),
        _check("calibration_run", "girth_agrees BETWEEN -1 AND 1", "agreement_is_correlation"),
    )
    op.create_index("ix_calibration_run_field", "calibration_run", ["field", "id"])


def _items() -> None:
    op.create_table(
        "item_calibration",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("run_id", sa.Integer, nullable=False),
        sa.Column("item", sa.Text, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("answers", sa.Integer, nullable=False),
        *(
            sa.Column(name, sa.Float, nullable=False)
            for name in (
                "exposure",
                "difficulty",
                "difficulty_error",
                "discrimination",
                "discrimination_error",
                "prior_difficulty",
                "prior_discrimination",
            )
        ),
        sa.Column("thresholds", JSONB, nullable=False),
        *(
            sa.Column(name, sa.Float)
            for name in (
                "before",
                "drift",
                "drift_error",
                "language",
                "language_error",
                "infit",
                "outfit",
                "misfit",
            )
        ),
        sa.Column("bins", JSONB, nullable=False),
        sa.Column("verdict", sa.Text, nullable=False),
        _to("item_calibration", "run_id", "calibration_run"),
        sa.UniqueConstraint("run_id", "item", name=op.f("uq_item_calibration_run_id_item")),
        _check(
            "item_calibration",
            "verdict IN ('misfit', 'drift', 'language', 'few', 'fine')",
            "verdict_known",
        ),
        _check("item_calibration", "answers >= 0", "answers_count"),
        _check(
            "item_calibration", "discrimination > 0 AND prior_discrimination > 0", "slopes_rise"
        ),
        _check(
            "item_calibration", "difficulty_error > 0 AND discrimination_error > 0", "errors_are"
        ),
        _check("item_calibration", "(drift IS NULL) = (drift_error IS NULL)", "drift_whole"),
        _check(
            "item_calibration", "(language IS NULL) = (language_error IS NULL)", "language_whole"
        ),
        _check("item_calibration", "num_nonnulls(infit, outfit, misfit) IN (0, 3)", "fit_whole"),
    )


def _choices() -> None:
    op.create_table(
        "calibration_choice",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("run_id", sa.Integer, nullable=False),
        sa.Column("item", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("by_user_id", sa.Integer, nullable=False),
        _time("at"),
        sa.ForeignKeyConstraint(
            ["run_id", "item"],
            ["item_calibration.run_id", "item_calibration.item"],
            name=op.f("fk_calibration_choice_run_id_item_calibration"),
        ),
        _to("calibration_choice", "by_user_id", "user_account"),
        _check("calibration_choice", "kind IN ('accepted', 'withdrawn')", "kind_known"),
    )
    op.create_index("ix_calibration_choice_run_id_item", "calibration_choice", ["run_id", "item"])


def _time(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False)


def _to(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    key = {"user_account": "id", "interview": "id", "calibration_run": "id"}[other]
    return sa.ForeignKeyConstraint(
        [column], [f"{other}.{key}"], name=op.f(f"fk_{table}_{column}_{other}")
    )


def _check(table: str, condition: str, name: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=op.f(f"ck_{table}_{name}"))
