"""What people choose to declare of themselves, for the fairness report only."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "self_declaration",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("sex", sa.Text()),
        sa.Column("ethnicity", sa.Text()),
        sa.Column("declared_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "sex IN ('female', 'male', 'another', 'not_said')",
            name=op.f("ck_self_declaration_sex_known"),
        ),
        sa.CheckConstraint(
            "ethnicity IN ('hispanic', 'white', 'black', 'pacific', 'asian', 'native',"
            " 'two_or_more', 'not_said')",
            name=op.f("ck_self_declaration_ethnicity_known"),
        ),
        sa.CheckConstraint(
            "num_nonnulls(sex, ethnicity) > 0", name=op.f("ck_self_declaration_says_something")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["user_account.id"],
            name="fk_self_declaration_user_id_user_account",
        ),
        sa.PrimaryKeyConstraint("user_id", name="pk_self_declaration"),
    )


def downgrade() -> None:
    op.drop_table("self_declaration")
