"""A project may pay for the first tasks of each expert on handing in, and for reviews."""

import sqlalchemy as sa
from alembic import op

revision = "0053"
down_revision = "0052"
branch_labels = None
depends_on = None

COLUMNS = ("qualification_tasks", "qualification_minor", "review_minor")
CHECKS = {
    "qualification_plausible": (
        "qualification_tasks BETWEEN 0 AND 20 AND qualification_minor >= 0"
        " AND (qualification_tasks = 0) = (qualification_minor = 0)"
    ),
    "review_pay_not_negative": "review_minor >= 0",
}


def upgrade() -> None:
    for column in COLUMNS:
        kind = sa.Integer if column == "qualification_tasks" else sa.BigInteger
        op.add_column("project", sa.Column(column, kind, nullable=False, server_default="0"))
        op.alter_column("project", column, server_default=None)
    for name, rule in CHECKS.items():
        op.create_check_constraint(op.f(f"ck_project_{name}"), "project", rule)


def downgrade() -> None:
    for name in CHECKS:
        op.drop_constraint(op.f(f"ck_project_{name}"), "project", type_="check")
    for column in COLUMNS:
        op.drop_column("project", column)
