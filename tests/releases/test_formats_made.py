"""Formats made from a release: what fits which label config, and what stands in the files.

The proof loads them with the libraries that consume them; here is what each holds.
"""

import csv
import json
import struct
import tracemalloc
import zipfile
import zlib
from dataclasses import dataclass, field

import pytest

from annotation import label_config
from releases import format_images, format_language, format_spacy, format_text
from releases.format_source import Out, Row, Source, Unfit
from releases.formats_made import FORMATS
from tests.factories.annotation import CLAUSES
from tests.factories.release_kinds import KINDS, pack_rle

FACTS = {"title": "Work", "version": "1.0.0", "licence": "cc-by-4.0", "splits": {"train": 1}}
OWN = {"confidence": 1.0, "agreement": None, "review_path": "review"}


@dataclass(frozen=True)
class Given(Source):
    """A source whose rows are given."""

    given: list[Row] = field(default_factory=list)

    def rows(self, split):
        return iter(self.given)


def row(number, data, result, label=None, spans=()):
    return Row(f"t/{number}", data, label, list(spans), result, dict(OWN))


def source_of(kind, count=3):
    config, data, answer = KINDS[kind]
    rows = [row(n, data(n), answer(n)) for n in range(count)]
    if kind == "verdicts":
        rows = [row(n, data(n), answer(n), "Bad" if n % 2 else "Good") for n in range(count)]
    return Given(None, FACTS, label_config.parse(config), given=rows)


def text_source(*rows):
    columns = [{"name": name} for name in ("id", "text", "label", "spans")]
    facts = FACTS | {"columns": columns}
    return Given(None, facts, label_config.parse(CLAUSES), given=list(rows))


def made(make, source, folder):
    out = Out(folder)
    make(source, out)
    return out


def lines(folder, name="train.jsonl"):
    return [json.loads(line) for line in (folder / name).read_text("utf-8").splitlines()]


def has_rows(format_, kind, folder):
    try:
        return made(format_.make, source_of(kind), folder).rows > 0
    except Unfit:
        return False


@pytest.mark.parametrize(
    ("kind", "fit"),
    [
        ("pictures", {"coco", "yolo", "voc", "masks"}),
        ("comparisons", {"preference", "openai-dpo", "unpaired"}),
        ("answers", {"messages", "prompt-completion", "openai-sft"}),
        ("verdicts", {"unpaired", "rubric", "spacy"}),
        ("steps", {"stepwise"}),
        ("recordings", {"audio"}),
    ],
)
def test_a_format_is_made_where_the_config_gives_it_sense_and_else_refused(kind, fit, tmp_path):
    always = {"csv", "label-studio"}
    for name, format_ in FORMATS.items():
        if name in always:
            continue
        assert has_rows(format_, kind, tmp_path / name) == (name in fit), name


def test_conll_tags_tokens_and_of_marks_that_overlap_the_longer(tmp_path):
    spans = [
        {"start": 0, "end": 7, "label": "Party"},
        {"start": 4, "end": 7, "label": "Duty"},
        {"start": 8, "end": 9, "label": "Big thing"},
    ]
    source = text_source(row(1, {"text": "The you, X – é"}, [], spans=spans), row(2, {}, []))

    out = made(format_text.conll, source, tmp_path)

    tags = [line.split(" ")[::3] for line in (tmp_path / "train.conll").read_text().splitlines()]
    assert tags[2:8] == [
        ["The", "B-Party"],
        ["you", "I-Party"],
        [",", "O"],
        ["X", "O"],
        ["–", "O"],
        ["é", "O"],
    ]
    assert (out.rows, out.left_out) == (1, 1)


def test_csv_runs_nothing_in_a_spreadsheet(tmp_path):
    source = text_source(row(1, {"text": '=HYPERLINK("x")'}, [], "a"), row(2, {"text": "b"}, []))

    made(format_text.comma_separated, source, tmp_path)

    with (tmp_path / "train.csv").open(encoding="utf-8") as opened:
        found = list(csv.DictReader(opened))
    assert found[0]["text"] == '\'=HYPERLINK("x")'


def test_label_studio_reads_its_own_json(tmp_path):
    made(format_text.label_studio, source_of("answers"), tmp_path)

    [first, *_others] = json.loads((tmp_path / "train.json").read_text())
    assert first["data"] == {"prompt": "What does clause 0 say?"}
    assert first["annotations"][0]["result"][0]["value"]["text"] == ["It says 0."]


def test_spacys_pieces_give_the_text_back_to_the_letter():
    text = " Two  spaces,\n\nand a tab\tthen “é” 😀. "

    pieces = format_spacy._pieces(text)

    assert "".join(text[start:end] + " " * space for start, end, space in pieces) == text


def test_spacys_numbers_of_strings():
    # As spaCy's own documentation shows it.
    assert format_spacy.hash_of("coffee") == 3197928453018144401
    assert format_spacy.hash_of("") == 0
    assert zlib.decompress(format_spacy._packed([("a", row(1, {}, []))], ()))


@pytest.mark.parametrize("name", ["yolo", "voc", "masks"])
def test_pictures_give_the_same_bytes_each_time(tmp_path, name):
    for folder in ("a", "b"):
        made(FORMATS[name].make, source_of("pictures"), tmp_path / folder)

    assert (tmp_path / "a" / "train.zip").read_bytes() == (
        tmp_path / "b" / "train.zip"
    ).read_bytes()
    with zipfile.ZipFile(tmp_path / "a" / "train.zip") as packed:
        assert all("/" not in one.split("/", 1)[-1] for one in packed.namelist())


def test_coco_has_pixels_and_runs_down_the_columns(tmp_path):
    made(format_images.coco, source_of("pictures", 1), tmp_path)

    said = json.loads((tmp_path / "train.json").read_text())
    box, brush = said["annotations"]
    assert box["bbox"] == [10.0, 2.0, 20.0, 6.0]
    assert box["area"] == 120.0
    assert brush["bbox"] == [0, 0, 4, 3]
    assert brush["segmentation"]["counts"][:4] == [0, 3, 17, 3]
    assert sum(brush["segmentation"]["counts"]) == 800
    assert said["images"][0]["file_name"] == "scan-0.png"


def test_coco_keeps_no_split_in_memory_and_writes_what_json_would(tmp_path):
    source = source_of("pictures", 1)
    box = [one for one in source.given[0].result if one["type"] == format_images.BOXES]
    source.given[:] = [row(n, source.given[0].data, box * 4) for n in range(1000)]

    tracemalloc.start()
    made(format_images.coco, source, tmp_path)
    _now, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    said = (tmp_path / "train.json").read_text("utf-8")
    assert said == json.dumps(json.loads(said), ensure_ascii=False)
    assert [len(json.loads(said)[name]) for name in ("images", "annotations")] == [1000, 4000]
    assert most < len(said) / 2
    assert [one.name for one in tmp_path.iterdir()] == ["train.json"]


def test_a_turned_box_is_turned(tmp_path):
    value = {"x": 50, "y": 50, "width": 10, "height": 20, "rotation": 90}
    shape = format_images.Shape("a", 100, 100, value, format_images.BOXES)

    assert [round(one, 6) for one in shape.box] == [30.0, 50.0, 20.0, 10.0]


def test_a_brush_that_says_it_is_huge_is_not_believed():
    with pytest.raises(Unfit):
        format_images.decode([255] * 8, most=100)
    assert format_images.decode(pack_rle([0, 0, 9, 9]), most=100).tolist() == [0, 0, 9, 9]


def test_pairs_have_a_chosen_and_a_rejected_answer(tmp_path):
    made(format_language.preference, source_of("comparisons"), tmp_path)

    first, second, _third = lines(tmp_path)
    assert first["chosen"][0]["content"] == "No idea."
    assert second["chosen"][0]["content"] == "A grant 1."
    assert second["prompt"] == [{"role": "user", "content": "What is clause 1?"}]


def test_pairs_become_two_rows_each_where_they_are_unpaired(tmp_path):
    made(format_language.unpaired, source_of("comparisons"), tmp_path)

    labels = [one["label"] for one in lines(tmp_path)]
    assert labels == [False, True, True, False, True, False]


def test_a_verdict_counts_beside_another_choice(tmp_path):
    config, data, answer = KINDS["verdicts"]
    beside = """<Choices name="topic" toName="said"><Choice value="law"/></Choices></View>"""
    topic = {"from_name": "topic", "type": "choices", "value": {"choices": ["law"]}}
    rows = [row(n, data(n), [topic, *answer(n)], "law, Bad" if n else "law, Good") for n in (0, 1)]
    parsed = label_config.parse(config.replace("</View>", beside))
    source = Given(None, FACTS, parsed, given=rows)

    made(format_language.unpaired, source, tmp_path)

    assert [one["label"] for one in lines(tmp_path)] == [True, False]
    packed = zlib.decompress(format_spacy._packed([("a", rows[0])], source.of_kind("Choices")[:1]))
    assert b"Good" + b"\xcb" + struct.pack(">d", 1.0) in packed


def test_marks_that_may_be_of_either_text_are_of_none(tmp_path):
    labels = '<Labels name="{0}l" toName="{0}"><Label value="X"/></Labels>'
    text = '<Text name="{0}" value="${0}"/>'
    both = "".join((text + labels).format(name) for name in ("one", "two"))
    source = Given(None, FACTS, label_config.parse(f"<View>{both}</View>"))

    for format_ in (format_text.conll, format_spacy.docbin):
        with pytest.raises(Unfit, match="several texts"):
            made(format_, source, tmp_path)


def test_steps_that_nobody_marked_are_left_out(tmp_path):
    source = source_of("steps")
    source.given[0].result.pop()

    out = made(format_language.stepwise, source, tmp_path)

    assert (out.rows, out.left_out) == (2, 1)
    assert lines(tmp_path)[0]["labels"] == [True, False]


def test_grades_come_with_their_criteria_and_a_mean(tmp_path):
    made(format_language.rubric, source_of("verdicts"), tmp_path)

    first = lines(tmp_path)[0]
    assert first["rubric"][0] == {"criterion": "clear", "grade": 4.0, "most": 5.0}
    assert first["reward"] == 0.6


def test_a_conversation_keeps_its_turns():
    said = [{"role": "system", "content": "Be brief."}, {"author": "Bot", "text": "Yes?"}]

    assert format_language._prompt(row(1, {"talk": json.dumps(said)}, []), ["talk"]) == [
        {"role": "system", "content": "Be brief."},
        {"role": "assistant", "content": "Yes?"},
    ]
