"""The path of a webhook's address may hold an at sign; before the path it would name a user."""

from alembic import op

revision = "0083"
down_revision = "0082"
branch_labels = None
depends_on = None

NAME = op.f("ck_webhook_endpoint_url_of_the_web")


def upgrade() -> None:
    op.drop_constraint(NAME, "webhook_endpoint", type_="check")
    op.create_check_constraint(
        NAME, "webhook_endpoint", "url ~ '^https?://[^@/?# ]+([/?#][^ ]*)?$'"
    )


def downgrade() -> None:
    op.drop_constraint(NAME, "webhook_endpoint", type_="check")
    op.create_check_constraint(NAME, "webhook_endpoint", "url ~ '^https?://[^@ ]+$'")
