"""Item banks that people edit, and every version of them that was published."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0076"
down_revision = "0075"
branch_labels = None
depends_on = None

FIELDS = ("law", "medicine", "finance", "software", "linguistics")


def upgrade() -> None:
    op.create_table(
        "bank_draft",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("field", sa.Text, nullable=False),
        sa.Column("organisation_id", sa.Integer),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("starter", sa.Text),
        sa.Column("made_by", sa.Integer),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("edited_by", sa.Integer),
        sa.Column("edited_at", sa.DateTime(timezone=True), nullable=False),
        _key("bank_draft", "organisation_id", "organisation.id"),
        _key("bank_draft", "made_by", "user_account.id"),
        _key("bank_draft", "edited_by", "user_account.id"),
        sa.UniqueConstraint(
            "field",
            "organisation_id",
            name=op.f("uq_bank_draft_field_organisation_id"),
            postgresql_nulls_not_distinct=True,
        ),
        sa.CheckConstraint(f"field IN {FIELDS}", name=op.f("ck_bank_draft_field_known")),
        sa.CheckConstraint("revision > 0", name=op.f("ck_bank_draft_revision_counts")),
    )
    op.create_index("ix_bank_draft_organisation_id", "bank_draft", ["organisation_id"])
    op.create_table(
        "bank_publication",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("bank_id", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("summary", JSONB, nullable=False),
        sa.Column("published_by", sa.Integer),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        _key("bank_publication", "bank_id", "bank_draft.id"),
        _key("bank_publication", "digest", "bank_edition.digest"),
        _key("bank_publication", "published_by", "user_account.id"),
        sa.UniqueConstraint("bank_id", "version", name=op.f("uq_bank_publication_bank_id_version")),
        sa.UniqueConstraint("digest", name=op.f("uq_bank_publication_digest")),
        sa.CheckConstraint("version > 0", name=op.f("ck_bank_publication_version_counts")),
        sa.CheckConstraint(
            "length(btrim(note)) BETWEEN 1 AND 2000", name=op.f("ck_bank_publication_note_said")
        ),
    )
    op.execute(
        "CREATE TRIGGER bank_publication_append_only BEFORE UPDATE OR DELETE OR TRUNCATE"
        " ON bank_publication FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    op.drop_table("bank_publication")
    op.drop_table("bank_draft")


def _key(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    name = f"fk_{table}_{column}_{to.split('.')[0]}"
    return sa.ForeignKeyConstraint([column], [to], name=op.f(name))
