"""What runs inside Label Studio's own environment: prepare the database, then serve.

It is started by `demo/label_studio.py` as `python -I label_studio_boot.py <home> <port> <owner>`
and imports nothing of ours. Unlike `label-studio start` it never moves to another port, asks
nothing, makes the token of our service user itself, and goes when its owner has gone.

Label Studio's modules can be imported only once Django is set up, hence by name.
"""

import logging
import os
import secrets
import signal
import sys
import threading
import time
from importlib import import_module
from pathlib import Path
from typing import Any

SERVICE_USER = "doyen@service.invalid"


def main(home: Path, port: int, owner: int) -> None:
    """Prepare and serve until stopped."""
    threading.Thread(target=_leave_with, args=(owner,), daemon=True).start()
    server = import_module("label_studio.server")
    server._setup_env()
    import_module("django.db.backends.signals").connection_created.connect(_careful_sqlite)
    _migrate()
    _keep_secret(home / "token", _token(home))
    # A line for each request would fill the disk.
    logging.getLogger("django.server").setLevel(logging.WARNING)
    print("doyen: serving", flush=True)
    _command("runserver", "--noreload", f"127.0.0.1:{port}")


def _leave_with(owner: int) -> None:
    """Stop when the process that wanted us is gone, even if it was killed."""
    while _is_alive(owner):
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _careful_sqlite(connection: Any, **_: Any) -> None:
    """Let readers and the writer work at once, and wait for a lock rather than fail."""
    if connection.vendor == "sqlite":
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=wal")
        cursor.execute("PRAGMA busy_timeout=20000")


def _migrate() -> None:
    connections = import_module("django.db").connections
    executor = import_module("django.db.migrations.executor").MigrationExecutor(
        connections["default"]
    )
    steps = executor.migration_plan(executor.loader.graph.leaf_nodes())
    print(f"doyen: {len(steps)} migrations", flush=True)
    if steps:
        _command("migrate", "--no-color", "--no-input", verbosity=1)


def _command(name: str, *arguments: str, **options: Any) -> None:
    import_module("django.core.management").call_command(name, *arguments, **options)


def _token(home: Path) -> str:
    """Return the service user's token: the one that is kept, or a new one if it is of no use."""
    user = _service_user(home)
    tokens = import_module("jwt_auth.models").LSAPIToken
    kept = home / "token"
    if kept.exists() and _is_good(tokens, kept.read_text().strip(), user):
        return kept.read_text().strip()
    _revoke_all(user)
    token: str = tokens.for_user(user).get_full_jwt()
    return token


def _service_user(home: Path) -> Any:
    users = import_module("users.models").User.objects
    organisations = import_module("organizations.models").Organization
    user = users.filter(email=SERVICE_USER).first()
    if user is None:
        user = users.create_user(email=SERVICE_USER, password=_password(home))
        user.is_staff = user.is_superuser = True
        user.save()
    organisation = organisations.objects.first()
    if organisation is None:
        organisation = organisations.create_organization(created_by=user, title="Label Studio")
    elif not organisation.has_user(user):
        organisation.add_user(user)
    if user.active_organization_id != organisation.id:
        user.active_organization = organisation
        user.save(update_fields=["active_organization"])
    return user


def _password(home: Path) -> str:
    password = secrets.token_urlsafe(18)
    _keep_secret(home / "password", password)
    return password


def _is_good(tokens: Any, text: str, user: Any) -> bool:
    errors = import_module("rest_framework_simplejwt.exceptions").TokenError
    try:
        token = tokens(text)
    except errors:
        return False
    return str(token.payload.get("user_id")) == str(user.id)


def _revoke_all(user: Any) -> None:
    # Label Studio allows one token for each user: what was lost in a crash is put away first.
    blacklist = import_module("rest_framework_simplejwt.token_blacklist.models")
    for outstanding in blacklist.OutstandingToken.objects.filter(user_id=user.id):
        blacklist.BlacklistedToken.objects.get_or_create(token=outstanding)


def _keep_secret(path: Path, text: str) -> None:
    """Write a file that only we may read, whole or not at all."""
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    part.replace(path)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
