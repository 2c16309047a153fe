"""Tasks, assignments, annotations, drafts, second looks, and Label Studio's names for them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

UTC = sa.DateTime(timezone=True)
JSONB = postgresql.JSONB(none_as_null=True)


def upgrade() -> None:
    _task()
    _assignment()
    _annotation()
    _draft()
    _review_request()
    _label_studio()


def downgrade() -> None:
    for table in (
        "shadow_user",
        "label_studio_project",
        "review_request",
        "draft",
        "annotation",
        "assignment",
        "task",
    ):
        op.drop_table(table)


def _task() -> None:
    op.create_table(
        "task",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("project_id", sa.Integer, nullable=False),
        sa.Column("external_id", sa.Text, nullable=False),
        sa.Column("data", JSONB, nullable=False),
        sa.Column("gold", JSONB),
        sa.Column("group_key", sa.Text),
        sa.Column("slots", sa.Integer, nullable=False),
        sa.Column("slots_left", sa.Integer, nullable=False),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("label_studio_task_id", sa.BigInteger),
        sa.Column("created_at", UTC, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_task"),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name="fk_task_project_id_project"),
        sa.UniqueConstraint("project_id", "external_id", name="uq_task_project_id_external_id"),
        sa.CheckConstraint("slots > 0", name=op.f("ck_task_slots_positive")),
        sa.CheckConstraint(
            "slots_left BETWEEN 0 AND slots", name=op.f("ck_task_slots_left_within")
        ),
    )
    op.create_index(
        "ix_task_open",
        "task",
        ["project_id", "priority", "position"],
        postgresql_where=sa.text("slots_left > 0"),
    )
    op.create_index("ix_task_project_id_id", "task", ["project_id", "id"])
    op.create_index(
        "ix_task_unpushed",
        "task",
        ["project_id", "id"],
        postgresql_where=sa.text("label_studio_task_id IS NULL"),
    )


def _assignment() -> None:
    op.create_table(
        "assignment",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("task_id", sa.BigInteger, nullable=False),
        sa.Column("project_id", sa.Integer, nullable=False),
        sa.Column("expert_id", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("pay_minor", sa.BigInteger, nullable=False),
        sa.Column("fee_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("terms", JSONB, nullable=False),
        sa.Column("claimed_at", UTC, nullable=False),
        sa.Column("due_at", UTC, nullable=False),
        sa.Column("submitted_at", UTC),
        sa.Column("review_by", UTC),
        sa.Column("lead_seconds", sa.Integer),
        sa.Column("left_at", UTC),
        sa.Column("skip_reason", sa.Text),
        sa.Column("verdict", sa.Text),
        sa.Column("reason_code", sa.Text),
        sa.Column("reason_words", sa.Text),
        sa.Column("decided_by", sa.Integer),
        sa.Column("decided_rule", sa.Text),
        sa.Column("decided_at", UTC),
        sa.PrimaryKeyConstraint("id", name="pk_assignment"),
        sa.ForeignKeyConstraint(["task_id"], ["task.id"], name="fk_assignment_task_id_task"),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name="fk_assignment_project_id_project"
        ),
        sa.ForeignKeyConstraint(
            ["expert_id"], ["user_account.id"], name="fk_assignment_expert_id_user_account"
        ),
        sa.ForeignKeyConstraint(
            ["decided_by"], ["user_account.id"], name="fk_assignment_decided_by_user_account"
        ),
        *_assignment_checks(),
    )
    _assignment_indexes()


def _assignment_checks() -> list[sa.CheckConstraint]:
    rules = {
        "state_known": "state IN ('active', 'submitted', 'accepted', 'rejected',"
        " 'partly_accepted', 'returned', 'expired', 'skipped')",
        "verdict_known": "verdict IN ('accepted', 'rejected', 'partly_accepted')",
        "pay_not_negative": "pay_minor >= 0 AND fee_minor >= 0",
        "submitted_whole": "(state IN ('submitted', 'accepted', 'rejected', 'partly_accepted'))"
        " = (submitted_at IS NOT NULL)"
        " AND (submitted_at IS NULL) = (review_by IS NULL)",
        "left_whole": "(state IN ('returned', 'expired', 'skipped')) = (left_at IS NOT NULL)",
        "skipped_has_reason": "(state = 'skipped') = (skip_reason IS NOT NULL)",
        "decided_whole": "(state IN ('accepted', 'rejected', 'partly_accepted'))"
        " = (verdict IS NOT NULL)"
        " AND (verdict IS NULL OR verdict = state)"
        " AND (verdict IS NULL) = (decided_at IS NULL)"
        " AND num_nonnulls(decided_by, decided_rule)"
        " = CASE WHEN verdict IS NULL THEN 0 ELSE 1 END",
        "adverse_has_reason": "verdict IS NULL OR verdict = 'accepted'"
        " OR (reason_code IS NOT NULL AND length(btrim(coalesce(reason_words, ''))) >= 20)",
    }
    return [
        sa.CheckConstraint(rule, name=op.f(f"ck_assignment_{name}")) for name, rule in rules.items()
    ]


def _assignment_indexes() -> None:
    op.create_index(
        "uq_assignment_task_id_expert_id_live",
        "assignment",
        ["task_id", "expert_id"],
        unique=True,
        postgresql_where=sa.text("state NOT IN ('returned', 'expired')"),
    )
    op.create_index(
        "uq_assignment_project_id_expert_id_active",
        "assignment",
        ["project_id", "expert_id"],
        unique=True,
        postgresql_where=sa.text("state = 'active'"),
    )
    op.create_index("ix_assignment_expert_id_id", "assignment", ["expert_id", "id"])
    op.create_index("ix_assignment_task_id", "assignment", ["task_id"])
    op.create_index("ix_assignment_project_id_state", "assignment", ["project_id", "state"])
    op.create_index(
        "ix_assignment_due_at_active",
        "assignment",
        ["due_at"],
        postgresql_where=sa.text("state = 'active'"),
    )
    op.create_index(
        "ix_assignment_review_by_submitted",
        "assignment",
        ["review_by"],
        postgresql_where=sa.text("state = 'submitted'"),
    )


def _annotation() -> None:
    op.create_table(
        "annotation",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("assignment_id", sa.BigInteger, nullable=False),
        sa.Column("task_id", sa.BigInteger, nullable=False),
        sa.Column("project_id", sa.Integer, nullable=False),
        sa.Column("expert_id", sa.Integer, nullable=False),
        sa.Column("result", JSONB, nullable=False),
        sa.Column("unique_id", sa.Uuid, nullable=False),
        sa.Column("submitted_at", UTC, nullable=False),
        sa.Column("label_studio_annotation_id", sa.BigInteger),
        sa.Column("pushed_at", UTC),
        sa.Column("push_trouble", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_annotation"),
        sa.ForeignKeyConstraint(
            ["assignment_id"], ["assignment.id"], name="fk_annotation_assignment_id_assignment"
        ),
        sa.ForeignKeyConstraint(["task_id"], ["task.id"], name="fk_annotation_task_id_task"),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name="fk_annotation_project_id_project"
        ),
        sa.ForeignKeyConstraint(
            ["expert_id"], ["user_account.id"], name="fk_annotation_expert_id_user_account"
        ),
        sa.UniqueConstraint("assignment_id", name="uq_annotation_assignment_id"),
        sa.UniqueConstraint("unique_id", name="uq_annotation_unique_id"),
    )
    op.create_index("ix_annotation_task_id", "annotation", ["task_id"])
    op.create_index(
        "ix_annotation_unpushed",
        "annotation",
        ["project_id", "id"],
        postgresql_where=sa.text("pushed_at IS NULL AND push_trouble IS NULL"),
    )


def _draft() -> None:
    op.create_table(
        "draft",
        sa.Column("assignment_id", sa.BigInteger, nullable=False),
        sa.Column("result", JSONB, nullable=False),
        sa.Column("saved_at", UTC, nullable=False),
        sa.PrimaryKeyConstraint("assignment_id", name="pk_draft"),
        sa.ForeignKeyConstraint(
            ["assignment_id"], ["assignment.id"], name="fk_draft_assignment_id_assignment"
        ),
    )


def _review_request() -> None:
    op.create_table(
        "review_request",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("assignment_id", sa.BigInteger, nullable=False),
        sa.Column("project_id", sa.Integer, nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("asked_at", UTC, nullable=False),
        sa.Column("first_reason_code", sa.Text, nullable=False),
        sa.Column("first_reason_words", sa.Text, nullable=False),
        sa.Column("first_decided_by", sa.Integer),
        sa.Column("first_decided_at", UTC, nullable=False),
        sa.Column("outcome", sa.Text),
        sa.Column("answer_words", sa.Text),
        sa.Column("answered_by", sa.Integer),
        sa.Column("answered_at", UTC),
        sa.PrimaryKeyConstraint("id", name="pk_review_request"),
        sa.ForeignKeyConstraint(
            ["assignment_id"], ["assignment.id"], name="fk_review_request_assignment_id_assignment"
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name="fk_review_request_project_id_project"
        ),
        sa.ForeignKeyConstraint(
            ["first_decided_by"],
            ["user_account.id"],
            name="fk_review_request_first_decided_by_user_account",
        ),
        sa.ForeignKeyConstraint(
            ["answered_by"], ["user_account.id"], name="fk_review_request_answered_by_user_account"
        ),
        sa.UniqueConstraint("assignment_id", name="uq_review_request_assignment_id"),
        sa.CheckConstraint(
            "outcome IN ('changed', 'stands')", name=op.f("ck_review_request_outcome_known")
        ),
        sa.CheckConstraint(
            "(outcome IS NULL) = (answered_at IS NULL)"
            " AND (outcome IS NULL) = (answered_by IS NULL)"
            " AND (outcome IS NULL OR length(btrim(coalesce(answer_words, ''))) >= 20)",
            name=op.f("ck_review_request_answered_whole"),
        ),
    )
    op.create_index(
        "ix_review_request_open",
        "review_request",
        ["project_id", "id"],
        postgresql_where=sa.text("outcome IS NULL"),
    )


def _label_studio() -> None:
    op.create_table(
        "label_studio_project",
        sa.Column("project_id", sa.Integer, nullable=False),
        sa.Column("label_studio_project_id", sa.Integer, nullable=False),
        sa.Column("created_at", UTC, nullable=False),
        sa.PrimaryKeyConstraint("project_id", name="pk_label_studio_project"),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name="fk_label_studio_project_project_id_project"
        ),
        sa.UniqueConstraint(
            "label_studio_project_id", name="uq_label_studio_project_label_studio_project_id"
        ),
    )
    op.create_table(
        "shadow_user",
        sa.Column("expert_id", sa.Integer, nullable=False),
        sa.Column("label_studio_user_id", sa.Integer, nullable=False),
        sa.Column("created_at", UTC, nullable=False),
        sa.PrimaryKeyConstraint("expert_id", name="pk_shadow_user"),
        sa.ForeignKeyConstraint(
            ["expert_id"], ["user_account.id"], name="fk_shadow_user_expert_id_user_account"
        ),
        sa.UniqueConstraint("label_studio_user_id", name="uq_shadow_user_label_studio_user_id"),
    )
