"""The words of the catalogue hold the owner's description too, and their runs of three letters.

As `releases.summaries` writes them, but for signs that only Python folds, such as a sharp s.
"""

from alembic import op

revision = "0108"
down_revision = "0107"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        UPDATE release_summary SET words = release_summary.words || E'\\n' || regexp_replace(
            normalize(lower(release_series.description), NFKD), '[\\u0300-\\u036f]', '', 'g')
        FROM release_series
        WHERE release_series.project_id = release_summary.project_id
          AND release_series.description <> ''
        """
    )
    op.execute(
        """
        UPDATE release_summary SET runs = coalesce((
            SELECT array_agg(DISTINCT substr(word, place, 3))
            FROM regexp_split_to_table(words, '\\s+') AS word,
                 generate_series(1, length(word) - 2) AS place), '{}')
        """
    )


def downgrade() -> None:
    op.execute("UPDATE release_summary SET words = split_part(words, E'\\n', 1), runs = '{}'")
