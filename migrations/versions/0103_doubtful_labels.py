"""Reports on labels that are probably wrong, and what became of each."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0103"
down_revision = "0102"
branch_labels = None
depends_on = None

UTC = sa.DateTime(timezone=True)
JSONB = postgresql.JSONB(none_as_null=True)


def upgrade() -> None:
    op.create_table(
        "noise_report",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("project_id", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("asked_by", sa.Integer, nullable=False),
        sa.Column("asked_at", UTC, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("held_until", UTC),
        sa.Column("ended_at", UTC),
        sa.Column("trouble", sa.Text),
        sa.Column("tasks", sa.Integer, nullable=False),
        sa.Column("left_out", sa.Integer, nullable=False),
        sa.Column("found", sa.Integer, nullable=False),
        sa.Column("dealt_with", sa.Integer, nullable=False),
        sa.Column("used_votes", sa.Boolean, nullable=False),
        sa.Column("used_text", sa.Boolean, nullable=False),
        sa.CheckConstraint(
            "state IN ('looking', 'done', 'failed')", name=op.f("ck_noise_report_state_known")
        ),
        sa.CheckConstraint(
            "(state = 'looking') = (ended_at IS NULL)"
            " AND (state = 'failed') = (trouble IS NOT NULL)",
            name=op.f("ck_noise_report_whole"),
        ),
        sa.CheckConstraint(
            "least(attempts, tasks, left_out, found, dealt_with) >= 0",
            name=op.f("ck_noise_report_counts"),
        ),
        sa.PrimaryKeyConstraint("id", name="pk_noise_report"),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name="fk_noise_report_project_id_project"
        ),
        sa.ForeignKeyConstraint(
            ["asked_by"], ["user_account.id"], name="fk_noise_report_asked_by_user_account"
        ),
    )
    op.create_index(
        "uq_noise_report_project_id_looking",
        "noise_report",
        ["project_id"],
        unique=True,
        postgresql_where=sa.text("state = 'looking'"),
    )
    op.create_index("ix_noise_report_project_id_id", "noise_report", ["project_id", "id"])
    op.create_table(
        "noise_finding",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("report_id", sa.Integer, nullable=False),
        sa.Column("project_id", sa.Integer, nullable=False),
        sa.Column("task_id", sa.BigInteger, nullable=False),
        sa.Column("control", sa.Text, nullable=False),
        sa.Column("given", sa.Text, nullable=False),
        sa.Column("likely", sa.Text, nullable=False),
        sa.Column("score", sa.Float, nullable=False),
        sa.Column("votes", JSONB, nullable=False),
        sa.Column("reasons", JSONB, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("decided_by", sa.Integer),
        sa.Column("decided_at", UTC),
        sa.CheckConstraint(
            "state IN ('open', 'sent', 'right')", name=op.f("ck_noise_finding_state_known")
        ),
        sa.CheckConstraint("score BETWEEN 0 AND 1", name=op.f("ck_noise_finding_score_is_share")),
        sa.CheckConstraint("given <> likely", name=op.f("ck_noise_finding_likely_is_another")),
        sa.CheckConstraint(
            "num_nulls(decided_by, decided_at) = CASE WHEN state = 'open' THEN 2 ELSE 0 END",
            name=op.f("ck_noise_finding_decided_whole"),
        ),
        sa.PrimaryKeyConstraint("id", name="pk_noise_finding"),
        sa.UniqueConstraint(
            "report_id", "task_id", "control", name="uq_noise_finding_report_id_task_id_control"
        ),
        sa.ForeignKeyConstraint(
            ["report_id"], ["noise_report.id"], name="fk_noise_finding_report_id_noise_report"
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name="fk_noise_finding_project_id_project"
        ),
        sa.ForeignKeyConstraint(["task_id"], ["task.id"], name="fk_noise_finding_task_id_task"),
        sa.ForeignKeyConstraint(
            ["decided_by"], ["user_account.id"], name="fk_noise_finding_decided_by_user_account"
        ),
    )
    op.create_index(
        "ix_noise_finding_report_id_score", "noise_finding", ["report_id", "score", "id"]
    )
    op.create_index(
        "ix_noise_finding_dealt_with",
        "noise_finding",
        ["project_id"],
        postgresql_where=sa.text("state <> 'open'"),
    )
    # What was found stays as it was found; only what became of it is written, once.
    op.execute("""
        CREATE FUNCTION noise_finding_keeps() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF (to_jsonb(NEW) - '{state,decided_by,decided_at}'::text[])
               IS DISTINCT FROM (to_jsonb(OLD) - '{state,decided_by,decided_at}'::text[])
               OR (OLD.state <> 'open' AND NEW.state <> OLD.state) THEN
                RAISE EXCEPTION 'a finding is never changed';
            END IF;
            RETURN NEW;
        END $$
    """)
    op.execute(
        "CREATE TRIGGER noise_finding_keeps BEFORE UPDATE ON noise_finding"
        " FOR EACH ROW EXECUTE FUNCTION noise_finding_keeps()"
    )


def downgrade() -> None:
    op.drop_table("noise_finding")
    op.execute("DROP FUNCTION noise_finding_keeps()")
    op.drop_table("noise_report")
