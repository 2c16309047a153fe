"""Tokens of before go on as their organisation's; those that nobody could use stay ended."""

from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

# They ended with their person's place; as the organisation's own they must not come to life again.
END_USELESS = """
    UPDATE api_token SET revoked_at = now()
    WHERE revoked_at IS NULL AND (
        NOT EXISTS (SELECT 1 FROM membership m
                    WHERE m.user_id = api_token.user_id
                      AND m.organisation_id = api_token.organisation_id)
        OR NOT EXISTS (SELECT 1 FROM user_account u WHERE u.id = api_token.user_id AND u.active))
"""


def upgrade() -> None:
    op.execute(END_USELESS)
    op.execute(
        "UPDATE api_token SET kind = 'organisation', made_by = user_id, user_id = NULL"
        " WHERE kind IS NULL"
    )


def downgrade() -> None:
    """Personal tokens did not exist before: they end here."""
    op.execute("DELETE FROM api_token WHERE organisation_id IS NULL")
    op.execute("UPDATE api_token SET user_id = made_by WHERE user_id IS NULL")
