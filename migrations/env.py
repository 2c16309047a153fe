"""Alembic's entry: the address comes from the caller, or from the settings."""

from alembic import context
from sqlalchemy import MetaData, create_engine, pool

# Names of constraints as core/models.py makes them, so that migrations may write the short ones.
NAMED = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_N_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _url() -> str:
    url = context.config.attributes.get("url")
    if url is None:
        raise SystemExit("Run `doyen migrate`.")
    return str(url).replace("postgresql://", "postgresql+psycopg://", 1)


connection = context.config.attributes.get("connection")
if connection is not None:
    context.configure(connection=connection, target_metadata=NAMED)
    with context.begin_transaction():
        context.run_migrations()
else:
    engine = create_engine(_url(), poolclass=pool.NullPool)
    with engine.connect() as opened:
        context.configure(connection=opened, target_metadata=NAMED, transaction_per_migration=True)
        with context.begin_transaction():
            context.run_migrations()
