"""Under which key a media file came in last: a lost answer can be asked for again."""

import sqlalchemy as sa
from alembic import op

revision = "0106"
down_revision = "0105"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("task_media", sa.Column("upload_key", sa.Text))
    op.create_unique_constraint("uq_task_media_upload_key", "task_media", ["upload_key"])


def downgrade() -> None:
    op.drop_column("task_media", "upload_key")
