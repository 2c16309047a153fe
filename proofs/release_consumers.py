"""Loads Croissant and every format with the library that consumes it; runs in their environment.

`python release_consumers.py FOLDER`: FOLDER holds `NAME/` for each format, and `croissant.json`
with the files that it names beside it. Prints one JSON object.
"""

import io
import json
import subprocess
import sys
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path

import mlcroissant
import numpy as np
import pandas
import spacy
from datasets import load_dataset
from PIL import Image
from pycocotools.coco import COCO
from spacy.tokens import DocBin

FOLDER = Path(sys.argv[1])
# As one person drew them, and as three people's boxes come to one by overlap.
PICTURES = (FOLDER, FOLDER / "joined")
held, failed = [], []


def step(name):
    """Run a step and note what came of it."""

    def run(function):
        try:
            function()
            held.append(name)
        except Exception as error:  # noqa: BLE001
            failed.append(f"{name}: {type(error).__name__}: {str(error)[:400]}")
        return function

    return run


def lines(name):
    """Load a format of JSON lines with `datasets`."""
    paths = [str(one) for one in sorted((FOLDER / name).glob("*.jsonl")) if one.stat().st_size]
    return load_dataset("json", data_files=paths, split="train", cache_dir=str(FOLDER / "cache"))


def croissant(path):
    """Return what is described, clean, and the rows of each split as `mlcroissant` loads them."""
    found = mlcroissant.Dataset(jsonld=str(path))
    issues = found.metadata.ctx.issues
    assert not issues.errors, issues.errors
    assert not issues.warnings, issues.warnings
    return found, {one.name: list(found.records(one.name)) for one in found.metadata.record_sets}


def as_parquet(folder, split, rows):
    """Compare records with the rows of the Parquet files: numbers, texts, lists and their parts."""
    frames = [pandas.read_parquet(one) for one in sorted((folder / "data").glob(f"{split}-*"))]
    frame = pandas.concat(frames)
    assert len(rows) == len(frame)
    of = {row[f"{split}/id"].decode(): row for row in rows}
    for there in frame.to_dict("records"):
        row = of[there["id"]]
        assert row[f"{split}/annotator_count"] == there["annotator_count"]
        assert row[f"{split}/validated_at"] == there["validated_at"]
        classes = [one.decode() for one in row[f"{split}/credential_classes"]]
        assert classes == list(there["credential_classes"])
        spans = row[f"{split}/spans"]
        start, said = f"{split}/spans/start", f"{split}/spans/text"
        assert [(one[start], one[said].decode()) for one in spans] == [
            (one["start"], one["text"]) for one in there["spans"]
        ]


@step("croissant, a file for each split")
def _croissant():
    found, of = croissant(FOLDER / "croissant.json")
    assert "train" in of
    for split, rows in of.items():
        as_parquet(FOLDER, split, rows)
    validate = Path(sys.executable).with_name("mlcroissant")
    command = [str(validate), "validate", "--jsonld", str(FOLDER / "croissant.json")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-400:]
    assert found.metadata.name


@step("croissant, many files for each split")
def _sharded():
    folder = FOLDER / "sharded"
    _found, of = croissant(folder / "croissant.json")
    assert len(list((folder / "data").glob("train-*"))) > 1
    assert any(row["train/spans"] for row in of["train"])
    for split, rows in of.items():
        as_parquet(folder, split, rows)


@step("csv by pandas")
def _csv():
    frame = pandas.read_csv(FOLDER / "csv" / "train.csv")
    assert {"id", "label", "text"} <= set(frame.columns)


@step("label-studio")
def _label_studio():
    tasks = json.loads((FOLDER / "label-studio" / "train.json").read_text())
    assert tasks[0]["annotations"][0]["result"][0]["from_name"]


@step("conll by its own rules")
def _conll():
    text = (FOLDER / "conll" / "train.conll").read_text()
    tags = [line.split(" ") for line in text.splitlines() if line and "-DOCSTART-" not in line]
    assert all(len(one) == 4 for one in tags)
    assert {"O", "B-Party"} <= {one[3] for one in tags}


@step("spacy by spaCy")
def _spacy():
    blank = spacy.blank("en")
    [path] = sorted((FOLDER / "spacy").glob("train-*.spacy"))
    docs = list(DocBin().from_disk(path).get_docs(blank.vocab))
    assert docs[0].text.startswith("Clause")
    assert docs[0].text.endswith("notice.")
    assert any(entity.label_ == "Party" for doc in docs for entity in doc.ents)
    assert all(entity.text == "you" for doc in docs for entity in doc.ents)
    assert docs[0].cats


@step("coco by pycocotools")
def _coco():
    for folder in PICTURES:
        found = COCO(str(folder / "coco" / "train.json"))
        marks = found.loadAnns(found.getAnnIds())
        boxes = [one for one in marks if not one["iscrowd"]]
        painted = [one for one in marks if one["iscrowd"]]
        assert len(boxes) == len(painted) == len(found.getImgIds())
        assert boxes[0]["bbox"] == [10.0, 2.0, 20.0, 6.0], boxes[0]
        assert int(found.annToMask(painted[0]).sum()) == painted[0]["area"] > 0


@step("yolo")
def _yolo():
    for folder in PICTURES:
        with zipfile.ZipFile(folder / "yolo" / "train.zip") as packed:
            text = packed.read(packed.namelist()[0]).decode()
        number, *parts = text.split()
        assert number == "0"
        assert [float(one) for one in parts] == [0.5, 0.25, 0.5, 0.3], parts


@step("voc by ElementTree")
def _voc():
    for folder in PICTURES:
        with zipfile.ZipFile(folder / "voc" / "train.zip") as packed:
            found = ET.fromstring(packed.read(packed.namelist()[0]))  # noqa: S314
        [box] = found.findall("object/bndbox")
        assert [int(one.text) for one in box] == [11, 3, 30, 8]


@step("masks by Pillow")
def _masks():
    with zipfile.ZipFile(FOLDER / "masks" / "train.zip") as packed:
        image = Image.open(io.BytesIO(packed.read(packed.namelist()[0])))
        pixels = np.asarray(image)
    assert pixels.shape == (20, 40)
    assert set(np.unique(pixels)) == {0, 255}
    assert pixels[0, 0] == 255
    assert pixels[10, 30] == 0


@step("audio by datasets")
def _audio():
    rows = lines("audio")
    assert rows[0]["duration"] == 2.5
    assert rows[0]["text"].startswith("Call")


@step("messages by datasets")
def _messages():
    for name in ("messages", "openai-sft"):
        said = lines(name)[0]["messages"]
        assert [one["role"] for one in said] == ["user", "assistant"]


@step("prompt-completion by datasets")
def _prompt():
    row = lines("prompt-completion")[0]
    assert row["prompt"][0]["role"] == "user"
    assert row["completion"][0]["role"] == "assistant"


@step("preference by datasets")
def _preference():
    row = lines("preference")[0]
    assert row["chosen"] != row["rejected"]
    assert row["prompt"][0]["content"].startswith("What")


@step("openai-dpo by datasets")
def _dpo():
    row = lines("openai-dpo")[0]
    assert row["input"]["messages"][0]["role"] == "user"
    assert row["preferred_output"][0]["role"] == "assistant"


@step("unpaired by datasets")
def _unpaired():
    assert {row["label"] for row in lines("unpaired")} == {True, False}


@step("stepwise by datasets")
def _stepwise():
    row = lines("stepwise")[0]
    assert len(row["completions"]) == len(row["labels"]) == 2


@step("rubric by datasets")
def _rubric():
    row = lines("rubric")[0]
    assert row["reward"] == 0.6
    assert [one["criterion"] for one in row["rubric"]] == ["clear", "exact"]


print(json.dumps({"held": held, "failed": failed}))
