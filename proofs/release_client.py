"""Loads a release with the Hub's own clients; runs in an environment of theirs, without ours.

`python release_client.py ENDPOINT NAME TOKEN STRANGER COMMIT FOLDER`: prints one JSON object
with the steps that held and those that did not.
"""

import hashlib
import io
import json
import os
import sys
import urllib.request
from pathlib import Path

ENDPOINT, NAME, TOKEN, STRANGER, COMMIT, FOLDER = sys.argv[1:7]
os.environ["HF_ENDPOINT"] = ENDPOINT
os.environ["HF_HOME"] = str(Path(FOLDER) / "home")
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
os.environ.pop("HF_TOKEN", None)

import datasets  # noqa: E402
import huggingface_hub  # noqa: E402
from datasets import load_dataset  # noqa: E402
from huggingface_hub import HfApi, HfFileSystem, hf_hub_download, snapshot_download  # noqa: E402

held, failed = [], []
api = HfApi(endpoint=ENDPOINT, token=TOKEN)


def step(name):
    """Run a step and note what came of it."""

    def run(function):
        try:
            function()
            held.append(name)
        except Exception as error:  # noqa: BLE001
            failed.append(f"{name}: {type(error).__name__}: {str(error)[:300]}")
        return function

    return run


def refused(name, function, *words):
    """Run what has to be refused, and look for words in what the client says."""
    try:
        function()
    except Exception as error:  # noqa: BLE001
        said = f"{type(error).__name__}: {error}"
        if any(word in said for word in words):
            held.append(name)
        else:
            failed.append(f"{name}: said {said[:300]}")
    else:
        failed.append(f"{name}: not refused")


# First, while nothing is cached: what is cached is read without any right.
refused(
    "load_dataset without a token",
    lambda: load_dataset(
        NAME, token=False, cache_dir=f"{FOLDER}/b", download_mode="force_redownload"
    ),
    "doesn't exist on the Hub or cannot be accessed",
)


@step("load_dataset, newest")
def _newest():
    found = load_dataset(NAME, token=TOKEN)
    assert "train" in found, found
    assert "label" in found["train"].column_names


@step("load_dataset, tag")
def _tag():
    found = load_dataset(NAME, revision="v1.0.0", token=TOKEN)
    assert sum(part.num_rows for part in found.values()) == 12, found
    assert isinstance(found["train"][0]["spans"], list)


@step("load_dataset, commit")
def _commit():
    assert load_dataset(NAME, revision=COMMIT, token=TOKEN)["train"].num_rows > 0


@step("load_dataset, streaming")
def _streaming():
    rows = list(load_dataset(NAME, split="train", revision="v1.0.0", streaming=True, token=TOKEN))
    assert rows
    assert rows[0]["id"]


@step("snapshot_download")
def _snapshot():
    folder = Path(snapshot_download(NAME, repo_type="dataset", revision="v1.0.0", token=TOKEN))
    assert folder.name == COMMIT, folder
    for line in (folder / "SHA256SUMS").read_text().splitlines():
        digest, path = line.split("  ")
        assert hashlib.sha256((folder / path).read_bytes()).hexdigest() == digest, path
    assert (folder / "manifest.json.sig").stat().st_size == 64


@step("snapshot_download, into a folder")
def _local():
    to = Path(FOLDER) / "copy"
    snapshot_download(NAME, repo_type="dataset", revision="v1.0.0", token=TOKEN, local_dir=to)
    assert (to / "manifest.json").is_file()


@step("a download goes on where it stopped")
def _resume():
    path = next(one for one in api.list_repo_files(NAME, repo_type="dataset") if "train-" in one)
    to = Path(FOLDER) / "resumed"
    whole = Path(hf_hub_download(NAME, path, repo_type="dataset", token=TOKEN)).read_bytes()
    request = urllib.request.Request(
        f"{ENDPOINT}/datasets/{NAME}/resolve/main/{path}",
        headers={"Authorization": f"Bearer {TOKEN}", "Range": f"bytes={len(whole) // 2}-"},
    )
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 206
        to.write_bytes(whole[: len(whole) // 2] + answer.read())
    assert to.read_bytes() == whole


@step("files, refs, commits, info, paths")
def _facts():
    assert "README.md" in api.list_repo_files(NAME, repo_type="dataset")
    refs = api.list_repo_refs(NAME, repo_type="dataset")
    assert "v1.0.0" in [one.name for one in refs.tags]
    assert (
        api.list_repo_commits(NAME, repo_type="dataset", revision="v1.0.0")[0].commit_id == COMMIT
    )
    said = api.dataset_info(NAME, revision="v1.0.0")
    assert said.sha == COMMIT
    assert said.private
    [info] = api.get_paths_info(NAME, ["README.md"], repo_type="dataset")
    assert info.size > 0
    assert [one.id for one in api.list_datasets()] == [NAME] or NAME in [
        one.id for one in api.list_datasets()
    ]


@step("whoami and auth_check")
def _whoami():
    assert api.whoami()["orgs"]
    api.auth_check(NAME, repo_type="dataset")


@step("hf:// by fsspec, a range and a glob")
def _fsspec():
    files = HfFileSystem(endpoint=ENDPOINT, token=TOKEN)
    [found] = files.glob(f"datasets/{NAME}@v1.0.0/data/train-*.parquet")
    with files.open(found, "rb") as opened:
        opened.seek(-4, io.SEEK_END)
        assert opened.read() == b"PAR1"


refused(
    "without a token it is not there",
    lambda: snapshot_download(NAME, repo_type="dataset", token=False, cache_dir=f"{FOLDER}/a"),
    "RepositoryNotFoundError",
)
refused(
    "a wrong token",
    lambda: HfApi(endpoint=ENDPOINT, token="dy_wrong").dataset_info(NAME),  # noqa: S106
    "Invalid credentials",
)
refused(
    "a token of another organisation",
    lambda: HfApi(endpoint=ENDPOINT, token=STRANGER).dataset_info(NAME),
    "RepositoryNotFoundError",
)
refused(
    "a revision that is not there",
    lambda: api.dataset_info(NAME, revision="v9.9.9"),
    "RevisionNotFoundError",
)
refused(
    "a file that is not there",
    lambda: hf_hub_download(NAME, "no.parquet", repo_type="dataset", token=TOKEN),
    "EntryNotFoundError",
)
refused(
    "a path out of the release",
    lambda: hf_hub_download(NAME, "../../manifest.json", repo_type="dataset", token=TOKEN),
    "EntryNotFoundError",
    "Invalid",
    "404",
)
print(
    json.dumps(
        {
            "datasets": datasets.__version__,
            "hub": huggingface_hub.__version__,
            "held": held,
            "failed": failed,
        }
    )
)
