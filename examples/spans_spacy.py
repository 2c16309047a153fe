"""Train a span model with spaCy on the marks of a release, and measure it on held-out rows.

    export HF_ENDPOINT=https://doyen.example DOYEN_TOKEN=dy_...
    python spans_spacy.py northlight/contract-clauses --revision v1.2.0

The column `spans` says from which character to which a text is marked, and as what: the marks of
more than half of the experts. A blank pipeline is enough; nothing is loaded from elsewhere.
"""

import argparse
import os
import random
import sys

import spacy
from datasets import load_dataset
from spacy.training import Example
from spacy.util import filter_spans, minibatch


def main() -> None:
    """Train on the split `train`, measure exact spans on `test` or else `validation`."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("name", help="organisation/dataset, as the release's page says")
    parser.add_argument("--revision", default="main", help="v1.2.0, or a commit; else the newest")
    parser.add_argument("--text", default="text", help="the column that holds the text")
    parser.add_argument("--language", default="en", help="whose rules split words")
    parser.add_argument("--rounds", type=int, default=15)
    wanted = parser.parse_args()

    found = load_dataset(wanted.name, revision=wanted.revision, token=os.environ["DOYEN_TOKEN"])
    held_out = found["test"] if "test" in found else found.get("validation")
    if held_out is None or "train" not in found:
        sys.exit(f"No rows are held out: there are the splits {', '.join(found)}.")
    nlp = spacy.blank(wanted.language)
    train, lost = examples(nlp, found["train"], wanted.text)
    test, lost_too = examples(nlp, held_out, wanted.text)
    if not any(one.reference.ents for one in train) or not test:
        sys.exit("No marks to learn from.")

    random.seed(0)
    spacy.util.fix_random_seed(0)
    nlp.add_pipe("ner")
    optimizer = nlp.initialize(lambda: train)
    for _round in range(wanted.rounds):
        random.shuffle(train)
        for batch in minibatch(train, size=16):
            nlp.update(batch, sgd=optimizer, drop=0.2)

    scores = nlp.evaluate(test)
    print(
        f"{wanted.name} {wanted.revision}: {len(train)} texts to learn from, {len(test)} held out"
    )
    print(f"marks that overlap others or no word: {lost + lost_too} left out")
    print(f"span F1: {scores['ents_f'] or 0:.4f}")
    print(f"precision: {scores['ents_p'] or 0:.4f}, recall: {scores['ents_r'] or 0:.4f}")


def examples(nlp, rows, text):
    """Return spaCy's examples, and how many marks could be none of its entities."""
    found, lost = [], 0
    for row in rows:
        if not row.get(text):
            continue
        doc = nlp.make_doc(row[text])
        marks = [
            doc.char_span(one["start"], one["end"], label=one["label"], alignment_mode="expand")
            for one in row["spans"] or []
        ]
        reference = doc.copy()
        # Entities may not overlap: of two that do, spaCy keeps the longer.
        reference.set_ents(filter_spans([one for one in marks if one is not None]))
        lost += len(marks) - len(reference.ents)
        found.append(Example(doc, reference))
    return found, lost


if __name__ == "__main__":
    main()
