"""Trains a small text classifier on a release, read over the API with a token.

What an ML team would do with a dataset, in one page: find the newest release, load its splits,
check their hashes, learn from `train` and measure on `test`.

    DOYEN_TOKEN=dy_... python -m demo.train http://localhost:8000
"""

import hashlib
import io
import os
from collections import Counter
from typing import Any

import click
import httpx
import pyarrow.parquet as pq
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.pipeline import make_pipeline

TEXT, LABEL = "text", "label"


class CannotLearn(Exception):
    """The release has too few rows, or only one label, to learn from."""


def run(url: str, token: str, release_id: int | None = None) -> dict[str, Any]:
    """Train on a release of an instance and say how well it went."""
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=url, headers=headers, timeout=60) as client:
        return train(client, release_id)


def train(client: httpx.Client, release_id: int | None = None) -> dict[str, Any]:
    """Train on one release, or on the newest that the token may read."""
    release = _release(client, release_id)
    splits = {name: _rows(client, release, name) for name in release["splits"]}
    known, held_out = splits.get("train", []), splits.get("test") or splits.get("validation", [])
    if len({label for _, label in known}) < 2 or not held_out:
        raise CannotLearn(f"{len(known)} rows to learn from, {len(held_out)} to test with")
    model = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=1),
        LogisticRegression(max_iter=1000, C=10, class_weight="balanced"),
    )
    model.fit([text for text, _ in known], [label for _, label in known])
    guessed = model.predict([text for text, _ in held_out])
    right = [label for _, label in held_out]
    return {
        "release": release["name"],
        "version": release["version"],
        "rows": release["rows"],
        "trained_on": len(known),
        "tested_on": len(held_out),
        "accuracy": round(float(accuracy_score(right, guessed)), 4),
        "by_always_saying_the_most_frequent": round(_share_of_most_frequent(known, right), 4),
    }


def _release(client: httpx.Client, release_id: int | None) -> dict[str, Any]:
    if release_id is None:
        found = _get(client, "/api/v1/releases?limit=1").json()["data"]
        if not found:
            raise CannotLearn("the token's organisation may read no release")
        release_id = found[0]["id"]
    release: dict[str, Any] = _get(client, f"/api/v1/releases/{release_id}").json()
    return release


def _rows(client: httpx.Client, release: dict[str, Any], split: str) -> list[tuple[str, str]]:
    """Load the texts and labels of a split, with the hash of the file checked."""
    path = f"data/{split}-00000-of-00001.parquet"
    file = next(one for one in release["files"] if one["path"] == path)
    content = _get(client, file["url"]).content
    if hashlib.sha256(content).hexdigest() != file["sha256"]:
        raise CannotLearn(f"{path} is not what the release says it is")
    table = pq.read_table(io.BytesIO(content), columns=[TEXT, LABEL])
    pairs = zip(table[TEXT].to_pylist(), table[LABEL].to_pylist(), strict=True)
    return [(text, label) for text, label in pairs if text and label]


def _share_of_most_frequent(known: list[tuple[str, str]], right: list[str]) -> float:
    [(guess, _count)] = Counter(label for _, label in known).most_common(1)
    return right.count(guess) / len(right)


def _get(client: httpx.Client, path: str) -> httpx.Response:
    return client.get(path).raise_for_status()


@click.command()
@click.argument("url")
@click.option("--release", "release_id", type=int, help="Its number; the newest if not given.")
def main(url: str, release_id: int | None) -> None:
    """Train on a release of the instance at URL; the token is read from DOYEN_TOKEN."""
    try:
        result = run(url, os.environ["DOYEN_TOKEN"], release_id)
    except KeyError:
        raise click.ClickException("Set DOYEN_TOKEN to a token of your account.") from None
    except (CannotLearn, httpx.HTTPError) as problem:
        raise click.ClickException(str(problem)) from problem
    for name, value in result.items():
        click.echo(f"{name.replace('_', ' ')}: {value}")


if __name__ == "__main__":
    main()
