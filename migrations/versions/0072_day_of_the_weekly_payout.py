"""The day of the week on which an expert is paid: Monday to Friday, Friday as before."""

import sqlalchemy as sa
from alembic import op

revision = "0072"
down_revision = "0071"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("payee", sa.Column("payday", sa.Integer, nullable=False, server_default="4"))
    op.alter_column("payee", "payday", server_default=None)
    op.create_check_constraint(op.f("ck_payee_payday_known"), "payee", "payday BETWEEN 0 AND 4")


def downgrade() -> None:
    op.drop_column("payee", "payday")
