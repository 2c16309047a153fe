"""Tokens speak for a person or for an organisation: the columns that say so, empty for now."""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("api_token", sa.Column("kind", sa.Text))
    op.add_column("api_token", sa.Column("made_by", sa.Integer))
    op.create_foreign_key(
        op.f("fk_api_token_made_by_user_account"), "api_token", "user_account", ["made_by"], ["id"]
    )
    op.alter_column("api_token", "user_id", nullable=True)
    op.alter_column("api_token", "organisation_id", nullable=True)
    op.create_index("ix_api_token_organisation_id", "api_token", ["organisation_id"])


def downgrade() -> None:
    op.drop_index("ix_api_token_organisation_id", "api_token")
    op.alter_column("api_token", "organisation_id", nullable=False)
    op.alter_column("api_token", "user_id", nullable=False)
    op.drop_column("api_token", "made_by")
    op.drop_column("api_token", "kind")
