"""The database refuses a token that speaks for nobody, or for a person and an organisation."""

from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

CHECKS = {
    "kind_known": "kind IN ('personal', 'organisation')",
    "speaks_for_one": (
        "(kind = 'personal' AND user_id IS NOT NULL AND user_id = made_by"
        " AND organisation_id IS NULL)"
        " OR (kind = 'organisation' AND user_id IS NULL AND organisation_id IS NOT NULL)"
    ),
    "scopes_listed": "jsonb_typeof(scopes) = 'array'",
    "ends_later": "expires_at > created_at",
}


def upgrade() -> None:
    op.alter_column("api_token", "kind", nullable=False)
    op.alter_column("api_token", "made_by", nullable=False)
    for name, check in CHECKS.items():
        op.create_check_constraint(op.f(f"ck_api_token_{name}"), "api_token", check)


def downgrade() -> None:
    for name in CHECKS:
        op.drop_constraint(op.f(f"ck_api_token_{name}"), "api_token")
    op.alter_column("api_token", "made_by", nullable=True)
    op.alter_column("api_token", "kind", nullable=True)
