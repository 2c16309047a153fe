"""What the API tells to programs: answers kept for repeated requests, and outgoing webhooks."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
# A message is never changed, and neither is an attempt that has ended. Old ones are deleted.
TRIGGERS = """
    CREATE FUNCTION refuse_change_of_ended_attempt() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF OLD.ended_at IS NOT NULL THEN
            RAISE EXCEPTION 'an attempt that has ended is never changed';
        END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER webhook_attempt_ends_once BEFORE UPDATE ON webhook_attempt
        FOR EACH ROW EXECUTE FUNCTION refuse_change_of_ended_attempt();
    CREATE TRIGGER webhook_message_never_changes BEFORE UPDATE ON webhook_message
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""


def upgrade() -> None:
    _kept_answer()
    _endpoint()
    _message()
    _delivery()
    _attempt()
    op.execute(TRIGGERS)


def downgrade() -> None:
    for table in ("attempt", "delivery", "message", "endpoint"):
        op.drop_table(f"webhook_{table}")
    op.execute("DROP FUNCTION refuse_change_of_ended_attempt")
    op.drop_table("kept_answer")


def _kept_answer() -> None:
    op.create_table(
        "kept_answer",
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("location", sa.Text),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("made_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("holder", "key", name="pk_kept_answer"),
        _check("kept_answer", "length(key) BETWEEN 1 AND 255", "key_of_some_length"),
        _check("kept_answer", "status BETWEEN 200 AND 399", "only_what_was_done"),
        _check("kept_answer", "expires_at > made_at", "expires_later"),
    )
    op.create_index("ix_kept_answer_expires_at", "kept_answer", ["expires_at"])


def _endpoint() -> None:
    table = "webhook_endpoint"
    op.create_table(
        table,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("organisation_id", sa.Integer, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("events", JSONB, nullable=False),
        sa.Column("secret", sa.Text, nullable=False),
        sa.Column("previous_secret", sa.Text),
        sa.Column("previous_until", TIME),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("paused_for", sa.Text),
        sa.Column("state_at", TIME, nullable=False),
        sa.Column("failing_since", TIME),
        sa.Column("made_by", sa.Integer),
        sa.Column("created_at", TIME, nullable=False),
        _to(table, "organisation_id", "organisation"),
        _to(table, "made_by", "user_account"),
        _check(table, "state IN ('active', 'paused', 'ended')", "state_known"),
        _check(table, "paused_for IN ('by_hand', 'failing', 'gone')", "paused_for_known"),
        _check(table, "(state = 'paused') = (paused_for IS NOT NULL)", "paused_with_reason"),
        _check(table, "num_nulls(previous_secret, previous_until) <> 1", "overlap_whole"),
        _check(
            table,
            "jsonb_typeof(events) = 'array' AND jsonb_array_length(events) > 0",
            "events_chosen",
        ),
        _check(table, "url ~ '^https?://[^@ ]+$'", "url_of_the_web"),
    )
    op.create_index("ix_webhook_endpoint_organisation_id", table, ["organisation_id"])


def _message() -> None:
    table = "webhook_message"
    op.create_table(
        table,
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("uid", sa.Text, nullable=False),
        sa.Column("organisation_id", sa.Integer, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        _to(table, "organisation_id", "organisation"),
        sa.UniqueConstraint("uid", name=f"uq_{table}_uid"),
    )
    op.create_index(f"ix_{table}_organisation_id", table, ["organisation_id"])
    op.create_index(f"ix_{table}_created_at", table, ["created_at"])


def _delivery() -> None:
    table = "webhook_delivery"
    op.create_table(
        table,
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("endpoint_id", sa.Integer, nullable=False),
        sa.Column("message_id", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("next_at", TIME, nullable=False),
        sa.Column("held_until", TIME),
        sa.Column("ended_at", TIME),
        _to(table, "endpoint_id", "webhook_endpoint"),
        _to(table, "message_id", "webhook_message", ondelete="CASCADE"),
        sa.UniqueConstraint("endpoint_id", "message_id", name=f"uq_{table}_endpoint_id_message_id"),
        _check(table, "state IN ('waiting', 'delivered', 'failed')", "state_known"),
        _check(table, "(state = 'waiting') = (ended_at IS NULL)", "ended_once"),
        _check(table, "attempts >= tries AND tries >= 0", "tries_counted"),
    )
    op.create_index(f"ix_{table}_endpoint_id_id", table, ["endpoint_id", "id"])
    op.create_index(f"ix_{table}_message_id", table, ["message_id"])
    op.create_index(
        f"ix_{table}_due", table, ["next_at"], postgresql_where=sa.text("state = 'waiting'")
    )


def _attempt() -> None:
    table = "webhook_attempt"
    op.create_table(
        table,
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("delivery_id", sa.BigInteger, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("ended_at", TIME),
        sa.Column("status", sa.Integer),
        sa.Column("trouble", sa.Text),
        sa.Column("excerpt", sa.Text),
        _to(table, "delivery_id", "webhook_delivery", ondelete="CASCADE"),
        sa.UniqueConstraint("delivery_id", "number", name=f"uq_{table}_delivery_id_number"),
        _check(table, "status BETWEEN 100 AND 599", "status_of_http"),
        _check(
            table,
            "num_nonnulls(status, trouble) = (CASE WHEN ended_at IS NULL THEN 0 ELSE 1 END)",
            "ended_one_way",
        ),
        _check(table, "length(excerpt) <= 500", "excerpt_short"),
    )


def _check(table: str, condition: str, name: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=op.f(f"ck_{table}_{name}"))


def _to(table: str, column: str, other: str, **more: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{other}")
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=name, **more)
