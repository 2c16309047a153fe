"""Predictions, the rule that shows them, origins of answers, order by doubt, blind answers."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0090"
down_revision = "0089"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
KEPT = ("prediction", "prediction_rule", "answer_origin", "model_answer", "answer_placing")
TABLES = ("answer_placing", "model_answer", "task_order", "answer_origin", "prediction_rule")


def upgrade() -> None:
    op.add_column(
        "project", sa.Column("uses_models", sa.Boolean, nullable=False, server_default="false")
    )
    op.alter_column("project", "uses_models", server_default=None)
    _runs()
    _predictions()
    _rules()
    _origins()
    _orders()
    _compared()
    for table in KEPT:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    for table in (*TABLES, "prediction", "model_run"):
        op.drop_table(table)
    op.drop_column("project", "uses_models")


def _runs() -> None:
    op.create_table(
        "model_run",
        sa.Column("id", sa.Integer, primary_key=True),
        _to("project_id", "project.id"),
        _text("source"),
        _text("model_version"),
        _text("address", nullable=True),
        sa.Column("most_tasks", sa.Integer),
        sa.Column("most_tokens", sa.Integer),
        _text("state"),
        sa.Column("last_task_id", sa.BigInteger, nullable=False),
        *(
            sa.Column(name, sa.Integer, nullable=False)
            for name in ("asked", "kept", "known", "refused", "tries")
        ),
        sa.Column("next_try_at", TIME),
        _text("trouble", nullable=True),
        sa.Column("troubles", JSONB, nullable=False),
        _to("made_by", "user_account.id"),
        sa.Column("made_at", TIME, nullable=False),
        sa.Column("ended_at", TIME),
        _one_of("source", "upload", "backend", "endpoint"),
        _one_of("state", "running", "done", "stopped", "failed"),
        sa.CheckConstraint(
            "(source = 'backend') = (address IS NOT NULL)", name="backend_has_address"
        ),
        sa.CheckConstraint(
            "source = 'upload' OR num_nulls(most_tasks, most_tokens) = 0", name="asking_has_limits"
        ),
        sa.CheckConstraint("least(most_tasks, most_tokens) > 0", name="limits_positive"),
        sa.CheckConstraint("(state = 'running') = (ended_at IS NULL)", name="ended_once"),
        sa.CheckConstraint(
            "least(last_task_id, asked, kept, known, refused, tries) >= 0", name="counts"
        ),
        sa.CheckConstraint("length(btrim(model_version)) > 0", name="version_present"),
    )
    running = sa.text("state = 'running'")
    op.create_index(
        "uq_model_run_project_id_running",
        "model_run",
        ["project_id"],
        unique=True,
        postgresql_where=running,
    )
    op.create_index("ix_model_run_project_id_id", "model_run", ["project_id", "id"])
    op.create_index("ix_model_run_next", "model_run", ["next_try_at"], postgresql_where=running)


def _predictions() -> None:
    op.create_table(
        "prediction",
        sa.Column("id", sa.BigInteger, primary_key=True),
        _to("project_id", "project.id"),
        _to("task_id", "task.id", sa.BigInteger),
        _to("run_id", "model_run.id"),
        _text("model_version"),
        sa.Column("result", JSONB, nullable=False),
        sa.Column("score", sa.Float),
        sa.Column("made_at", TIME, nullable=False),
        sa.UniqueConstraint("task_id", "model_version"),
        sa.CheckConstraint("score BETWEEN 0 AND 1", name="score_is_share"),
    )
    op.create_index(
        "ix_prediction_project_id_model_version", "prediction", ["project_id", "model_version"]
    )


def _rules() -> None:
    op.create_table(
        "prediction_rule",
        sa.Column("id", sa.Integer, primary_key=True),
        _to("project_id", "project.id"),
        sa.Column("version", sa.Integer, nullable=False),
        _text("shows"),
        sa.Column("share_percent", sa.Integer),
        _text("model_version", nullable=True),
        _to("made_by", "user_account.id"),
        sa.Column("made_at", TIME, nullable=False),
        sa.UniqueConstraint("project_id", "version"),
        _one_of("shows", "hidden", "all", "share"),
        sa.CheckConstraint("version > 0", name="version_counts"),
        sa.CheckConstraint(
            "(shows = 'share') = (share_percent IS NOT NULL) AND share_percent BETWEEN 1 AND 99",
            name="share_where_needed",
        ),
        sa.CheckConstraint("shows = 'hidden' OR model_version IS NOT NULL", name="shows_a_version"),
    )


def _origins() -> None:
    op.create_table(
        "answer_origin",
        _to("assignment_id", "assignment.id", sa.BigInteger, primary_key=True),
        _to("project_id", "project.id"),
        _to("prediction_id", "prediction.id", sa.BigInteger),
        _text("model_version"),
        _text("origin"),
        sa.Column("agrees", sa.Boolean, nullable=False),
        _one_of("origin", "unchanged", "changed", "blank"),
        sa.CheckConstraint(
            "(origin <> 'unchanged' OR agrees) AND (origin <> 'changed' OR NOT agrees)",
            name="origin_true",
        ),
    )
    op.create_index(
        "ix_answer_origin_project_id_model_version",
        "answer_origin",
        ["project_id", "model_version"],
    )


def _orders() -> None:
    op.create_table(
        "task_order",
        _to("project_id", "project.id", primary_key=True),
        _text("model_version"),
        _text("state"),
        sa.Column("last_task_id", sa.BigInteger, nullable=False),
        sa.Column("moved", sa.Integer, nullable=False),
        sa.Column("spread", JSONB, nullable=False),
        _to("made_by", "user_account.id"),
        sa.Column("changed_at", TIME, nullable=False),
        _one_of("state", "ordering", "on", "undoing", "off"),
        sa.CheckConstraint("least(last_task_id, moved) >= 0", name="counts"),
    )
    op.create_index(
        "ix_task_order_busy",
        "task_order",
        ["project_id"],
        postgresql_where=sa.text("state IN ('ordering', 'undoing')"),
    )


def _compared() -> None:
    op.create_table(
        "model_answer",
        sa.Column("id", sa.BigInteger, primary_key=True),
        _to("project_id", "project.id"),
        _to("task_id", "task.id", sa.BigInteger),
        sa.Column("slot", sa.Integer, nullable=False),
        _text("model"),
        sa.UniqueConstraint("task_id", "slot"),
        sa.UniqueConstraint("task_id", "model"),
        sa.CheckConstraint("slot BETWEEN 1 AND 20", name="slot_plausible"),
    )
    op.create_index("ix_model_answer_project_id", "model_answer", ["project_id"])
    op.create_table(
        "answer_placing",
        _to("assignment_id", "assignment.id", sa.BigInteger, primary_key=True),
        _to("model_answer_id", "model_answer.id", sa.BigInteger, primary_key=True),
        _to("project_id", "project.id"),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("place", sa.Integer),
        sa.CheckConstraint("position BETWEEN 1 AND 20", name="position_plausible"),
        sa.CheckConstraint("place BETWEEN 1 AND 20", name="place_plausible"),
        sa.UniqueConstraint("assignment_id", "position"),
    )
    op.create_index("ix_answer_placing_project_id", "answer_placing", ["project_id"])


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=nullable)


def _to(
    name: str, there: str, kind: type = sa.Integer, *, primary_key: bool = False
) -> sa.Column[int]:
    return sa.Column(name, kind, sa.ForeignKey(there), nullable=False, primary_key=primary_key)


def _one_of(column: str, *values: str) -> sa.CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=f"{column}_known")
