"""Code to copy for each way of loading a release, with its true address, name and version."""

from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _

from releases import shown
from releases.formats import paths_of
from releases.models import Release


@dataclass(frozen=True)
class Snippet:
    """Some lines to copy, and what they are for."""

    key: str
    words: str
    code: str


def all_of(release: Release, base: str) -> list[Snippet]:
    """Return the code for each way, the shortest first."""
    said = (
        ("datasets", _("Python, library datasets"), hub),
        ("streaming", _("Python, library datasets, row by row without downloading"), streaming),
        ("hub", _("Python, library huggingface_hub: all files"), snapshot),
        ("hf", _("Shell, command hf"), hub_shell),
        ("pandas", _("Python, library pandas"), pandas),
        ("polars", _("Python, library polars"), polars),
        ("duckdb", _("Python, library duckdb"), duckdb),
        ("curl", _("Shell, curl: every file, with its hash checked"), curl),
    )
    return [Snippet(key, words, made(release, base)) for key, words, made in said]


def hub(release: Release, base: str) -> str:
    """Return the lines that load a release with the `datasets` library."""
    return f"""\
import os

os.environ["HF_ENDPOINT"] = "{base}"
from datasets import load_dataset

dataset = load_dataset(
    "{_name(release)}", revision="v{release.version}", token=os.environ["DOYEN_TOKEN"]
)"""


def streaming(release: Release, base: str) -> str:
    """Return the lines that read a release row by row."""
    first = shown.splits_of(release)[0]
    return f"""\
import os

os.environ["HF_ENDPOINT"] = "{base}"
from datasets import load_dataset

rows = load_dataset(
    "{_name(release)}", revision="v{release.version}", split="{first}",
    token=os.environ["DOYEN_TOKEN"], streaming=True
)
print(next(iter(rows)))"""


def snapshot(release: Release, base: str) -> str:
    """Return the lines that bring all files of a release here."""
    return f"""\
{_snapshot(release, base)}
print(folder)"""


def hub_shell(release: Release, base: str) -> str:
    """Return the lines that load a release with the `hf` command."""
    return f"""\
export HF_ENDPOINT={base} HF_TOKEN=$DOYEN_TOKEN
hf download {_name(release)} --repo-type dataset --revision v{release.version}"""


def pandas(release: Release, base: str) -> str:
    """Return the lines that load a release with pandas."""
    first = shown.splits_of(release)[0]
    [path, *more] = paths_of(release.facts, first)
    note = f"# {len(more) + 1} files hold this split; this is the first.\n" if more else ""
    return f"""\
import os
import pandas as pd

files = "{base}/api/v1/releases/{release.id}/files/"
token = {{"Authorization": "Bearer " + os.environ["DOYEN_TOKEN"]}}
{note}
{first} = pd.read_parquet(
    files + "{path}", storage_options=token
)
{first}[["label", "confidence"]].head()"""


def polars(release: Release, base: str) -> str:
    """Return the lines that read a split with polars, from a copy that is kept."""
    first = shown.splits_of(release)[0]
    return f"""\
{_snapshot(release, base)}
import polars as pl

{first} = pl.scan_parquet(folder + "/data/{first}-*.parquet")
print({first}.select("id", "label").head().collect())"""


def duckdb(release: Release, base: str) -> str:
    """Return the lines that query a split with DuckDB, from a copy that is kept."""
    first = shown.splits_of(release)[0]
    return f"""\
{_snapshot(release, base)}
import duckdb

files = folder + "/data/{first}-*.parquet"
print(duckdb.sql(f"select label, count(*) from '{{files}}' group by label"))"""  # noqa: S608


def curl(release: Release, base: str) -> str:
    """Return the lines that download a release and check its hashes."""
    return f"""\
files={base}/api/v1/releases/{release.id}/files
curl -fsSH "Authorization: Bearer $DOYEN_TOKEN" "$files/SHA256SUMS" -o SHA256SUMS
while read -r hash path; do
  mkdir -p "$(dirname "$path")"
  curl -fsSH "Authorization: Bearer $DOYEN_TOKEN" "$files/$path" -o "$path"
done < SHA256SUMS
sha256sum --check SHA256SUMS"""


def _snapshot(release: Release, base: str) -> str:
    return f"""\
import os

os.environ["HF_ENDPOINT"] = "{base}"
from huggingface_hub import snapshot_download

folder = snapshot_download(
    "{_name(release)}", repo_type="dataset", revision="v{release.version}",
    token=os.environ["DOYEN_TOKEN"]
)"""


def _name(release: Release) -> Any:
    return f"{release.facts['organisation']['slug']}/{release.facts['name']}"
