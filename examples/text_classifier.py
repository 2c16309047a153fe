"""Train a text classifier on a release, with its soft labels, and measure it on held-out rows.

    export HF_ENDPOINT=https://doyen.example DOYEN_TOKEN=dy_...
    python text_classifier.py northlight/contract-clauses --revision v1.2.0

Rows are read by `datasets` straight from the instance. Where a row says how likely each label is,
the classifier learns from all of them, weighted: a clause that experts disagree on teaches less.
"""

import argparse
import os
import sys
from collections import Counter

from datasets import load_dataset
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score
from sklearn.pipeline import make_pipeline

LEAST_WEIGHT = 0.05  # a label less likely than this is not worth a row


def main() -> None:
    """Train on the split `train`, measure on `test` or else `validation`."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("name", help="organisation/dataset, as the release's page says")
    parser.add_argument("--revision", default="main", help="v1.2.0, or a commit; else the newest")
    parser.add_argument("--text", default="text", help="the column that holds the text")
    wanted = parser.parse_args()

    found = load_dataset(wanted.name, revision=wanted.revision, token=os.environ["DOYEN_TOKEN"])
    held_out = found["test"] if "test" in found else found.get("validation")
    if held_out is None or "train" not in found:
        sys.exit(f"No rows are held out: there are the splits {', '.join(found)}.")
    train, test = labelled(found["train"], wanted.text), labelled(held_out, wanted.text)
    if len({label for row in train for label in row[1]}) < 2 or not test:
        sys.exit(f"{len(train)} rows to learn from and {len(test)} to test with are too few.")

    texts, labels, weights = spread(train)
    model = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
        LogisticRegression(max_iter=1000, C=10, class_weight="balanced"),
    )
    model.fit(texts, labels, logisticregression__sample_weight=weights)

    right = [best(shares) for _text, shares in test]
    guessed = model.predict([text for text, _shares in test])
    usual = Counter(best(shares) for _text, shares in train).most_common(1)[0][0]
    print(f"{wanted.name} {wanted.revision}: {len(train)} rows to learn from, {len(test)} held out")
    print(f"accuracy: {accuracy_score(right, guessed):.4f}")
    print(f"macro F1: {f1_score(right, guessed, average='macro'):.4f}")
    print(f"by always saying “{usual}”: {right.count(usual) / len(right):.4f}")


def labelled(rows, text):
    """Return (text, {label: how likely}) of the rows that have both."""
    found = []
    for row in rows:
        if not row.get(text) or not row["label"]:
            continue
        soft = {one["label"]: one["probability"] for one in row.get("probabilities") or []}
        likely = {label: share for label, share in soft.items() if share >= LEAST_WEIGHT}
        found.append((row[text], likely or {row["label"]: row.get("confidence") or 1.0}))
    return found


def spread(rows):
    """Return a text, a label and a weight for each label that a row may have."""
    three = [(text, label, share) for text, shares in rows for label, share in shares.items()]
    return tuple(zip(*three, strict=True))


def best(shares):
    """Return the likeliest label; of two that are as likely, the first by name."""
    return max(sorted(shares), key=shares.get)


if __name__ == "__main__":
    main()
