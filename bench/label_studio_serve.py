"""What runs inside Label Studio's own environment for the benchmark: prepare, then serve.

Started as `python -I label_studio_serve.py <boot> <gunicorn> <home> <port> <people>`: the demo's
boot file prepares the database, and a folder brings our gunicorn, which Label Studio lacks. A line
for each of so many people goes into `<home>/tokens`, each with a token for an hour.
"""

import sys
from datetime import timedelta
from importlib import import_module, util
from pathlib import Path
from typing import Any


def main(boot: Path, gunicorn: str, home: Path, port: int, people: int) -> None:
    """Prepare and serve until stopped."""
    prepare = _module(boot)
    import_module("label_studio.server")._setup_env()
    prepare._migrate()
    prepare._token(home)
    tokens = "".join(f"{_token_of(number)}\n" for number in range(people))
    (home / "tokens").write_text(tokens)
    import_module("django.db").connections.close_all()
    sys.path.append(gunicorn)
    sys.argv = ["gunicorn", "core.wsgi:application", "--bind", f"127.0.0.1:{port}"]
    sys.argv += ["--workers", "2", "--threads", "4", "--no-control-socket"]
    import_module("gunicorn.app.wsgiapp").run()


def _module(path: Path) -> Any:
    spec = util.spec_from_file_location(path.stem, path)
    assert spec
    assert spec.loader
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _token_of(number: int) -> str:
    """Make somebody of the organisation who annotates; return what lets them in."""
    user = import_module("users.models").User.objects.create_user(f"person{number}@bench.invalid")
    organisation = import_module("organizations.models").Organization.objects.first()
    organisation.add_user(user)
    user.active_organization = organisation
    user.save(update_fields=["active_organization"])
    access = import_module("rest_framework_simplejwt.tokens").AccessToken.for_user(user)
    access.set_exp(lifetime=timedelta(hours=1))
    return str(access)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5]))
