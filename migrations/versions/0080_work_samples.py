"""Work samples: rules of projects, attempts with their answers, and who was let in by hand."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0080"
down_revision = "0079"
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
OF_SAMPLES = ("sample_failed", "sample_passed")
TIME = sa.DateTime(timezone=True)
TRIGGERS = """
    CREATE TRIGGER work_sample_rule_append_only BEFORE UPDATE OR DELETE OR TRUNCATE
        ON work_sample_rule FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

    CREATE FUNCTION work_sample_grant_stays() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'UPDATE' AND NEW.words = 'erased'
           AND to_jsonb(NEW) - 'words' = to_jsonb(OLD) - 'words' THEN RETURN NEW; END IF;
        RAISE EXCEPTION 'what was granted is only ever added' USING ERRCODE = 'check_violation';
    END $$;
    CREATE TRIGGER work_sample_grant_stays BEFORE UPDATE OR DELETE ON work_sample_grant
        FOR EACH ROW EXECUTE FUNCTION work_sample_grant_stays();

    -- What was handed in first counts: neither it nor its score is changed; words may be erased.
    CREATE FUNCTION work_sample_answer_stays() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF OLD.ended_at IS NOT NULL AND (
            NEW.result NOT IN (OLD.result, '[]')
            OR NEW.skip_reason NOT IN (OLD.skip_reason, 'erased')
            OR (to_jsonb(NEW) - ARRAY['draft', 'draft_saved_at', 'result', 'skip_reason'])
            <> (to_jsonb(OLD) - ARRAY['draft', 'draft_saved_at', 'result', 'skip_reason'])
        ) THEN
            RAISE EXCEPTION 'an answer of a work sample is handed in once'
                USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER work_sample_answer_stays BEFORE UPDATE ON work_sample_answer
        FOR EACH ROW EXECUTE FUNCTION work_sample_answer_stays();

    CREATE TRIGGER failed_has_decision BEFORE INSERT OR UPDATE ON work_sample
        FOR EACH ROW WHEN (NEW.state = 'failed')
        EXECUTE FUNCTION needs_decision('sample_failed', 'work_sample', 'id', 'expert_id');
"""


def upgrade() -> None:
    _kinds((*KINDS[:7], OF_SAMPLES[0], *KINDS[7:], OF_SAMPLES[1]), (*KINDS[7:], OF_SAMPLES[1]))
    _extra_pay(
        "(kind = 'bonus') = (given_by IS NOT NULL)"
        " AND (kind <> 'bonus' OR assignment_id IS NULL)"
        " AND (kind <> 'review' OR assignment_id IS NOT NULL)"
    )
    op.create_index(
        "ix_task_known", "task", ["project_id"], postgresql_where=sa.text("gold IS NOT NULL")
    )
    _rules()
    _samples()
    _answers()
    _grants()
    op.execute(TRIGGERS)


def downgrade() -> None:
    for table in ("work_sample_grant", "work_sample_answer", "work_sample", "work_sample_rule"):
        op.drop_table(table)
    op.execute("DROP FUNCTION work_sample_answer_stays; DROP FUNCTION work_sample_grant_stays")
    op.drop_index("ix_task_known", "task")
    _extra_pay(
        "(kind = 'bonus') = (given_by IS NOT NULL) AND (kind = 'bonus') = (assignment_id IS NULL)"
    )
    _kinds(KINDS, KINDS[7:])


def _kinds(every: tuple[str, ...], in_favour: tuple[str, ...]) -> None:
    for name, rule in (
        ("kind_known", _in(every)),
        (
            "adverse_can_be_contested",
            f"{_in(in_favour)} OR (contest_until IS NOT NULL AND contest_until > decided_at)",
        ),
    ):
        op.drop_constraint(op.f(f"ck_decision_{name}"), "decision", type_="check")
        op.create_check_constraint(op.f(f"ck_decision_{name}"), "decision", rule)


def _extra_pay(rule: str) -> None:
    name = op.f("ck_extra_pay_bonus_whole")
    op.drop_constraint(name, "extra_pay", type_="check")
    whole = " AND (kind <> 'bonus' OR (state = 'earned' AND length(btrim(words)) >= 20))"
    op.create_check_constraint(name, "extra_pay", rule + whole)


def _rules() -> None:
    op.create_table(
        "work_sample_rule",
        sa.Column("id", sa.Integer, primary_key=True),
        _to("project_id", "project.id"),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("is_on", sa.Boolean, nullable=False),
        sa.Column("tasks", sa.Integer, nullable=False),
        sa.Column("pass_share", sa.Float, nullable=False),
        sa.Column("floor_share", sa.Float, nullable=False),
        *(
            sa.Column(name, sa.Integer, nullable=False)
            for name in ("attempts", "delay_days", "minutes", "valid_days")
        ),
        sa.Column("reveals", sa.Boolean, nullable=False),
        sa.Column("paid", sa.Boolean, nullable=False),
        sa.Column("since", TIME, nullable=False),
        _to("made_by", "user_account.id"),
        sa.Column("made_at", TIME, nullable=False),
        sa.UniqueConstraint("project_id", "version"),
        sa.CheckConstraint("version > 0", name="version_counts"),
        sa.CheckConstraint("tasks BETWEEN 3 AND 8", name="tasks_few"),
        sa.CheckConstraint(
            "pass_share > 0 AND pass_share <= 1 AND floor_share >= 0 AND floor_share <= pass_share",
            name="shares_sound",
        ),
        sa.CheckConstraint("attempts BETWEEN 1 AND 10", name="attempts_plausible"),
        sa.CheckConstraint("delay_days BETWEEN 0 AND 365", name="delay_plausible"),
        sa.CheckConstraint("minutes BETWEEN 5 AND 480", name="minutes_plausible"),
        sa.CheckConstraint("valid_days BETWEEN 30 AND 1825", name="validity_plausible"),
    )


def _samples() -> None:
    op.create_table(
        "work_sample",
        sa.Column("id", sa.Integer, primary_key=True),
        _to("project_id", "project.id"),
        _to("rule_id", "work_sample_rule.id"),
        _to("expert_id", "expert.user_id", nullable=True),
        _to("tried_by", "user_account.id", nullable=True),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("seed", sa.Text, nullable=False),
        sa.Column("guidelines_version", sa.Integer, nullable=False),
        sa.Column("pay_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("finished_at", TIME),
        sa.Column("score", sa.Float),
        sa.Column("scorecard", JSONB),
        _to("decided_by", "user_account.id", nullable=True),
        sa.Column("decided_rule", sa.Text),
        *(
            sa.Column(name, TIME)
            for name in ("decided_at", "contest_until", "retake_from", "valid_until")
        ),
        _to("decision_id", "decision.id", kind=sa.BigInteger, nullable=True, unique=True),
        sa.UniqueConstraint("project_id", "expert_id", "attempt"),
        _known("state", "active", "review", "passed", "failed", "expired", "tried"),
        sa.CheckConstraint("num_nonnulls(expert_id, tried_by) = 1", name="of_one_person"),
        sa.CheckConstraint(
            "tried_by IS NULL OR state IN ('active', 'tried', 'expired')", name="trial_counts_not"
        ),
        sa.CheckConstraint("state <> 'tried' OR tried_by IS NOT NULL", name="tried_by_owner"),
        sa.CheckConstraint("attempt > 0", name="attempt_counts"),
        sa.CheckConstraint("expires_at > started_at", name="expires_later"),
        sa.CheckConstraint("score BETWEEN 0 AND 1", name="score_is_share"),
        sa.CheckConstraint("pay_minor >= 0", name="pay_not_negative"),
        sa.CheckConstraint("(state = 'active') = (finished_at IS NULL)", name="finished_once"),
        sa.CheckConstraint(
            "state NOT IN ('passed', 'failed') OR scorecard IS NOT NULL", name="scored"
        ),
        sa.CheckConstraint(
            "(state IN ('passed', 'failed')) = (decided_at IS NOT NULL)"
            " AND num_nonnulls(decided_by, decided_rule)"
            " = CASE WHEN decided_at IS NULL THEN 0 ELSE 1 END",
            name="decided_whole",
        ),
        sa.CheckConstraint("(state = 'passed') = (valid_until IS NOT NULL)", name="passed_until"),
        sa.CheckConstraint(
            "state <> 'failed' OR num_nulls(contest_until, decision_id) = 0",
            name="failed_has_reason",
        ),
    )
    for person in ("expert_id", "tried_by"):
        op.create_index(
            f"uq_work_sample_project_id_{person}_active",
            "work_sample",
            ["project_id", person],
            unique=True,
            postgresql_where=sa.text("state = 'active'"),
        )
    op.create_index("ix_work_sample_expert_id", "work_sample", ["expert_id"])
    op.create_index(
        "ix_work_sample_open",
        "work_sample",
        ["expires_at"],
        postgresql_where=sa.text("state = 'active'"),
    )
    op.create_index(
        "ix_work_sample_waiting",
        "work_sample",
        ["project_id"],
        postgresql_where=sa.text("state = 'review'"),
    )


def _answers() -> None:
    op.create_table(
        "work_sample_answer",
        sa.Column("id", sa.Integer, primary_key=True),
        _to("sample_id", "work_sample.id"),
        sa.Column("position", sa.Integer, nullable=False),
        _to("task_id", "task.id", kind=sa.BigInteger),
        sa.Column("draft", JSONB),
        sa.Column("draft_saved_at", TIME),
        sa.Column("result", JSONB),
        sa.Column("skip_reason", sa.Text),
        sa.Column("ended_at", TIME),
        sa.Column("score", sa.Float),
        sa.Column("parts", JSONB),
        sa.UniqueConstraint("sample_id", "position"),
        sa.UniqueConstraint("sample_id", "task_id"),
        sa.CheckConstraint("position > 0", name="position_counts"),
        sa.CheckConstraint("score BETWEEN 0 AND 1", name="score_is_share"),
        sa.CheckConstraint("num_nonnulls(result, skip_reason) <= 1", name="handed_in_or_left"),
        sa.CheckConstraint(
            "(num_nonnulls(result, skip_reason) = 1) = (ended_at IS NOT NULL)"
            " AND (result IS NULL) = (score IS NULL) AND (result IS NULL) = (parts IS NULL)",
            name="ended_whole",
        ),
    )
    op.create_index("ix_work_sample_answer_task_id", "work_sample_answer", ["task_id"])


def _grants() -> None:
    op.create_table(
        "work_sample_grant",
        sa.Column("id", sa.Integer, primary_key=True),
        _to("project_id", "project.id"),
        _to("expert_id", "expert.user_id"),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("after", sa.Integer, nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        _to("made_by", "user_account.id"),
        sa.Column("made_at", TIME, nullable=False),
        sa.UniqueConstraint("project_id", "expert_id", "kind", "after"),
        _known("kind", "let_in", "another_try"),
        sa.CheckConstraint("length(btrim(words)) > 0", name="words_said"),
    )


def _to(name: str, target: str, kind: type = sa.Integer, **how: bool) -> sa.Column[int]:
    return sa.Column(name, kind, sa.ForeignKey(target), **({"nullable": False} | how))


def _known(column: str, *values: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(f"{column} {_values(values)}", name=f"{column}_known")


def _in(kinds: tuple[str, ...]) -> str:
    return f"kind {_values(kinds)}"


def _values(values: tuple[str, ...]) -> str:
    return "IN ({})".format(", ".join(f"'{value}'" for value in values))
