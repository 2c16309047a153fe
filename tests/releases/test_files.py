"""The files of a release: typed columns, and the same bytes for the same rows."""

import csv
import json
import shutil
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from releases import cards, changes, columns, formats, rows, storage
from releases.gathering import Gathered


def a_row(number=0, **changed):
    row = {
        "id": f"t-{number}",
        "data": {"text": f"Clause {number} – “quoted”", "n": number},
        "label": "grant",
        "label_id": 0,
        "majority": "grant",
        "probabilities": [{"label": "grant", "probability": 1.0}],
        "credential_classes": ["interview-passed"],
        "price_class": "eur 1-5",
        "spans": [{"start": 0, "end": 6, "label": "Party", "text": "Clause"}],
        "confidence": 1.0,
        "agreement": None,
        "annotator_count": 1,
        "annotators": ["a-1"],
        "review_path": "review",
        "validated_at": datetime(2026, 11, 22, tzinfo=UTC),
        "group": "g",
        "started_from": "blank",
        "started_from_model": None,
        "models_compared": None,
        "result": "[]",
        "row_hash": f"h{number}",
    }
    return row | changed


def table_of(found, data):
    names = {columns.named(key): (key, kind) for key, kind in data.items()}
    flat = [
        {name: row[name] for name in ("id", *columns.AFTER)}
        | {name: formats.fit(row["data"].get(key), kind) for name, (key, kind) in names.items()}
        for row in found
    ]
    return pa.Table.from_pylist(flat, schema=columns.schema(data, ["grant"]))


def write(folder, found, data, **kinds):
    folder.mkdir(exist_ok=True)
    with formats.Writer(folder, columns.schema(data, ["grant"]), **kinds) as writer:
        writer.add("train", table_of(found, data))
    return folder


def test_parquet_and_lines_hold_the_same_rows(tmp_path):
    folder = write(
        tmp_path, [a_row(1), a_row(2)], {"text": "str", "n": "int"}, jsonl=True, csv=True
    )

    table = pq.read_table(folder / formats.parquet_path("train"))
    lines = (folder / formats.lines_path("train")).read_text("utf-8").splitlines()
    assert table.column_names == ["id", "text", "n", *columns.AFTER]
    assert table["text"].to_pylist() == [json.loads(line)["text"] for line in lines]
    assert table["spans"].to_pylist()[0] == json.loads(lines[0])["spans"]
    assert table["validated_at"].to_pylist()[0] == datetime(2026, 11, 22, tzinfo=UTC)
    [head, first, _] = csv.reader(
        (folder / formats.csv_path("train")).read_text("utf-8").splitlines()
    )
    assert head == table.column_names
    assert json.loads(first[head.index("spans")])[0]["label"] == "Party"


def test_no_cell_of_csv_is_run_by_a_spreadsheet(tmp_path):
    rows = [{**a_row(1), "label": '=HYPERLINK("x")'}]
    folder = write(tmp_path, rows, {"text": "str", "n": "int"}, csv=True)

    [said] = csv.DictReader((folder / formats.csv_path("train")).read_text("utf-8").splitlines())

    assert said["label"] == '\'=HYPERLINK("x")'


def test_large_splits_are_in_shards_of_one_size(tmp_path, monkeypatch):
    monkeypatch.setattr(formats, "ROWS_AT_ONCE", 3)
    monkeypatch.setattr(formats, "SHARD_ROWS", 6)
    with formats.Writer(tmp_path, columns.schema({})) as writer:
        for number in range(4):
            writer.add("train", table_of([a_row(4 * number + one) for one in range(4)], {}))

    paths = formats.parquet_paths("train", writer.shards["train"])
    tables = [pq.read_table(tmp_path / path) for path in paths]
    assert [one.num_rows for one in tables] == [6, 6, 4]
    assert pa.concat_tables(tables)["id"].to_pylist() == [f"t-{one}" for one in range(16)]
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == [
        path.removeprefix("data/") for path in paths
    ]


def test_the_features_stand_in_the_schema(tmp_path):
    folder = write(tmp_path, [a_row(1)], {"text": "str"})

    held = pq.read_schema(folder / formats.parquet_path("train")).metadata[b"huggingface"]
    features = json.loads(held)["info"]["features"]
    assert features["label_id"] == {"names": ["grant"], "_type": "ClassLabel"}
    assert features["spans"][0]["start"] == {"dtype": "int64", "_type": "Value"}


def test_the_same_rows_give_the_same_bytes(tmp_path):
    found = [a_row(number) for number in range(formats.ROWS_AT_ONCE + 7)]

    first = write(tmp_path / "a", found, {"text": "str", "n": "int"}, jsonl=True)
    second = write(tmp_path / "b", found, {"text": "str", "n": "int"}, jsonl=True)

    for path in (formats.parquet_path("train"), formats.lines_path("train")):
        assert (first / path).read_bytes() == (second / path).read_bytes()


def test_some_rows_can_be_read_without_the_others(tmp_path):
    folder = write(tmp_path, [a_row(number) for number in range(10)], {"text": "str"})

    found = list(formats.first_rows(folder / formats.parquet_path("train"), skip=4, count=3))

    assert [row["id"] for row in found] == ["t-4", "t-5", "t-6"]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2, None], "int"),
        ([1, 2.5], "float"),
        ([True, False], "bool"),
        (["a"], "str"),
        ([None], "str"),
        ([1, "a"], "json"),
        ([True, 1], "json"),
        ([{"a": 1}], "json"),
        ([[1, 2]], "json"),
        ([2**70], "float"),
    ],
)
def test_the_type_of_a_column_holds_all_its_values(tmp_path, values, kind):
    gathered = Gathered()
    found = [a_row(number, data={"x": value}) for number, value in enumerate(values)]
    for row in found:
        gathered.add_kinds(row["data"])

    data = columns.fields(gathered.kinds, [])
    folder = write(tmp_path, found, data)

    assert data == {"x": kind}
    assert pq.read_table(folder / formats.parquet_path("train")).num_rows == len(values)


def test_a_field_of_the_data_does_not_take_the_name_of_a_column_of_ours(tmp_path):
    row = a_row(1, data={"label": "theirs", "id": 7})

    folder = write(tmp_path, [row], {"id": "int", "label": "str"})

    [read] = pq.read_table(folder / formats.parquet_path("train")).to_pylist()
    assert (read["id"], read["label"]) == ("t-1", "grant")
    assert (read["data_id"], read["data_label"]) == (7, "theirs")


def test_what_people_were_shown_comes_first_among_the_columns():
    kinds = {"b": {"str"}, "text": {"str"}, "a": {"int"}}

    assert list(columns.fields(kinds, ["text", "missing"])) == ["text", "a", "b"]


def test_changes_are_counted_by_row(tmp_path):
    before = write(tmp_path / "a", [a_row(1), a_row(2), a_row(3)], {"text": "str"})
    changed = a_row(2, row_hash="other", label="patent")
    after = write(tmp_path / "b", [a_row(1), changed, a_row(4), a_row(5)], {"text": "str"})

    path = formats.parquet_path("train")
    found = changes.between("1.0.0", [before / path], [after / path])

    assert (found.added, found.changed, found.removed) == (2, 1, 1)
    assert found.examples["changed"] == [{"id": "t-2", "old": "grant", "new": "patent"}]
    assert [row["id"] for row in found.examples["added"]] == ["t-4", "t-5"]


def test_yaml_is_read_back_as_it_was():
    value = {
        "title": "Clauses: “quoted” # and a dash - at \u2028 \x85 the end",
        "empty": [],
        "list": ["a", 1],
        "nested": {
            "rows": [{"name": "x", "list": [{"name": "y", "dtype": "int64"}]}, {"name": "z"}]
        },
    }

    assert yaml.safe_load("\n".join(cards.yaml(value))) == value


def test_an_owners_words_do_not_become_headings_or_cells():
    assert cards._plain("# Big\n```\nx") == "Big\n\nx"
    assert cards._cell("a|b`c\nd") == "a\\|b'c d"


def test_an_annotators_key_tells_nothing_and_stays():
    assert rows.annotator("secret", 12) == rows.annotator("secret", 12)
    assert rows.annotator("secret", 12) != rows.annotator("other", 12)
    assert "12" not in rows.annotator("secret", 12)[2:4]


def test_a_format_that_is_made_again_is_never_away_while_the_old_one_is_deleted(
    tmp_path, monkeypatch
):
    there, seen = tmp_path / "beside/csv/train.csv", []
    for content in ("old", "new"):
        built = storage.start(tmp_path, 1, kind="formats-csv")
        (built / "train.csv").write_text(content)
        if content == "new":
            monkeypatch.setattr(shutil, "rmtree", lambda *_, **__: seen.append(there.read_text()))
        storage.put(tmp_path, built, "beside/csv")

    assert seen == ["new"]
