"""Predictions that experts see are brought to Label Studio too."""

import sqlalchemy as sa
from alembic import op

revision = "0096"
down_revision = "0095"
branch_labels = None
depends_on = None

BY_VERSION = "ix_prediction_project_id_model_version"


def upgrade() -> None:
    op.create_table(
        "mirror_prediction",
        sa.Column("prediction_id", sa.BigInteger, sa.ForeignKey("prediction.id"), nullable=False),
        sa.Column("project_id", sa.Integer, sa.ForeignKey("project.id"), nullable=False),
        sa.Column("task_id", sa.BigInteger, sa.ForeignKey("task.id"), nullable=False),
        sa.Column("rule_version", sa.Integer, nullable=False),
        sa.Column("stays", sa.Boolean, nullable=False),
        sa.Column("label_studio_prediction_id", sa.BigInteger, nullable=True),
        sa.Column("pushed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("push_trouble", sa.Text, nullable=True),
        sa.PrimaryKeyConstraint("prediction_id", name=op.f("pk_mirror_prediction")),
        sa.CheckConstraint(
            "(pushed_at IS NOT NULL) = (label_studio_prediction_id IS NOT NULL)",
            name=op.f("ck_mirror_prediction_pushed_whole"),
        ),
        sa.CheckConstraint(
            "push_trouble IS NULL OR pushed_at IS NULL",
            name=op.f("ck_mirror_prediction_refused_is_not_there"),
        ),
        sa.CheckConstraint("rule_version >= 0", name=op.f("ck_mirror_prediction_rule_counts")),
    )
    op.create_index("ix_mirror_prediction_task_id", "mirror_prediction", ["task_id"])
    op.create_index(
        "ix_mirror_prediction_to_bring",
        "mirror_prediction",
        ["project_id"],
        postgresql_where="pushed_at IS NULL AND push_trouble IS NULL",
    )
    op.create_index(
        "ix_mirror_prediction_to_withdraw",
        "mirror_prediction",
        ["project_id", "rule_version"],
        postgresql_where="NOT stays",
    )
    op.create_table(
        "mirror_shown",
        sa.Column("project_id", sa.Integer, sa.ForeignKey("project.id"), nullable=False),
        sa.Column("rule_version", sa.Integer, nullable=False),
        sa.Column("last_id", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("project_id", name=op.f("pk_mirror_shown")),
        sa.CheckConstraint(
            "least(rule_version, last_id) >= 0", name=op.f("ck_mirror_shown_counts")
        ),
    )
    # With the id: what came after a place in a version is found without reading the version.
    op.drop_index(BY_VERSION, "prediction")
    op.create_index(f"{BY_VERSION}_id", "prediction", ["project_id", "model_version", "id"])


def downgrade() -> None:
    op.drop_index(f"{BY_VERSION}_id", "prediction")
    op.create_index(BY_VERSION, "prediction", ["project_id", "model_version"])
    op.drop_table("mirror_shown")
    op.drop_table("mirror_prediction")
