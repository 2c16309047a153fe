"""Parts of answers that are neither choices nor marks in a plain text, as reviewers read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation import shown
from annotation.label_config import parse

CONFIG = """<View><Image name="picture" value="$image"/><Audio name="sound" value="$audio"/>
<Text name="text" value="$text"/><Video name="film" value="$film"/>
<RectangleLabels name="box" toName="picture">
<Label value="Seal"/><Label value="Name"/></RectangleLabels>
<EllipseLabels name="round" toName="picture"><Label value="Stamp"/></EllipseLabels>
<Polygon name="shape" toName="picture"/>
<Labels name="named" toName="picture"><Label value="Crest"/></Labels>
<KeyPointLabels name="dot" toName="picture"><Label value="Eye"/></KeyPointLabels>
<BrushLabels name="paint" toName="picture"><Label value="Ink"/></BrushLabels>
<Labels name="heard" toName="sound"><Label value="Voice"/></Labels>
<VideoRectangle name="moving" toName="film"/>
<TimelineLabels name="time" toName="film"><Label value="Run"/></TimelineLabels>
<Rating name="stars" toName="text" maxRating="7"/><Number name="count" toName="text"/>
<TextArea name="note" toName="picture" perRegion="true"/><Taxonomy name="tree" toName="text"/>
<Pairwise name="pair" toName="picture,text"/><Ranker name="rank" toName="text"/>
<DateTime name="day" toName="text"/></View>"""
SIZE = {"original_width": 200, "original_height": 100, "image_rotation": 0, "to_name": "picture"}
DATA = {"image": "media:a/page.png", "text": "A text."}


def mark(kind: str, control: str, value: dict, **more) -> dict:
    return {"id": f"id-{control}", "type": kind, "from_name": control, "value": value, **more}


def read(*result, data=None) -> shown.Shown:
    return shown.answer(parse(CONFIG), data or DATA, result)


BOX = mark(
    "rectanglelabels",
    "box",
    {"x": 10, "y": 20, "width": 30, "height": 40, "rectanglelabels": ["Seal"]},
    **SIZE,
)


@pytest.mark.parametrize(
    ("part", "label", "words"),
    [
        (BOX, "Seal", "box at 10% from the left and 20% from the top, 30% wide, 40% high"),
        (
            mark(
                "ellipselabels",
                "round",
                {"x": 50, "y": 50, "radiusX": 5, "radiusY": 5, "ellipselabels": ["Stamp"]},
                **SIZE,
            ),
            "Stamp",
            "ellipse around 50% from the left and 50% from the top",
        ),
        (
            mark("keypointlabels", "dot", {"x": 1, "y": 2, "keypointlabels": ["Eye"]}, **SIZE),
            "Eye",
            "point at 1% from the left and 2% from the top",
        ),
        (
            mark("brushlabels", "paint", {"rle": [0], "brushlabels": ["Ink"]}, **SIZE),
            "Ink",
            "a painted area",
        ),
        (
            mark(
                "labels",
                "heard",
                {"start": 3, "end": 67.25, "channel": 0, "labels": ["Voice"]},
                to_name="sound",
            ),
            "Voice",
            "from 0:03.0 to 1:07.2",
        ),
        (
            mark("videorectangle", "moving", {"sequence": [{"frame": 4}, {"frame": 9}]}),
            "",
            "box in frames 4 to 9",
        ),
        (
            mark(
                "timelinelabels",
                "time",
                {"ranges": [{"start": 1, "end": 5}], "timelinelabels": ["Run"]},
            ),
            "Run",
            "frames 1–5",
        ),
        (mark("rating", "stars", {"rating": 3}), "", "3 of 7"),
        (mark("number", "count", {"number": 4.5}), "", "4.5"),
        (mark("datetime", "day", {"datetime": "2026-11-27"}), "", "2026-11-27"),
        (mark("taxonomy", "tree", {"taxonomy": [["Law", "Tax"], ["Art"]]}), "", "Law › Tax, Art"),
        (mark("pairwise", "pair", {"selected": "right"}), "", "the right one (text)"),
        (mark("ranker", "rank", {"ranker": ["b", "a"]}), "", "1. b, 2. a"),
        (mark("ranker", "rank", {"ranker": {"good": ["b"], "bad": []}}), "", "good: b; bad: –"),
    ],
)
def test_each_kind_of_part_is_read_in_words(part, label, words):
    found = read(part)

    assert [(one.label, str(one.words)) for one in found.said] == [(label, words)]
    assert (found.others, found.choices, found.marks, found.is_empty) == (0, (), (), False)


def test_areas_are_drawn_over_their_picture_in_its_pixels():
    shape = mark("polygon", "shape", {"points": [[0, 0], [50, 0], [50, 100]]}, **SIZE)
    named = {**shape, "type": "labels", "from_name": "named"}
    named["value"] = {**shape["value"], "labels": ["Crest"]}

    [drawing] = read(BOX, shape, named).drawings

    assert (drawing.picture, drawing.width, drawing.height) == ("a/page.png", 200, 100)
    assert [(one.number, one.label, one.points) for one in drawing.shapes] == [
        (1, "Seal", "20.0,20.0 80.0,20.0 80.0,60.0 20.0,60.0"),
        (2, "Crest", "0.0,0.0 100.0,0.0 100.0,100.0"),
    ]


def test_a_turned_box_turns_around_its_upper_left_corner():
    turned = {**BOX, "value": {**BOX["value"], "rotation": 90}}

    [drawing] = read(turned).drawings

    assert drawing.shapes[0].points == "20.0,20.0 20.0,80.0 -20.0,80.0 -20.0,20.0"


def test_what_is_said_of_a_mark_and_what_links_two_names_their_numbers():
    second = {**BOX, "id": "other"}
    note = {**BOX, "type": "textarea", "from_name": "note", "value": {"text": ["Torn", "old"]}}
    note["value"] |= {"x": 10, "y": 20, "width": 30, "height": 40}
    link = {"type": "relation", "from_id": "id-box", "to_id": "other", "labels": ["beside"]}

    found = read(BOX, second, note, link)

    assert [(one.control, one.number, str(one.words), one.quote) for one in found.said[2:]] == [
        ("note", 1, "", "Torn\nold"),
        ("", 0, "1 Seal → 2 Seal", ""),
    ]
    assert found.said[-1].label == "beside"


def test_a_choice_about_a_mark_is_not_one_for_the_whole_task():
    whole = mark("choices", "kind", {"choices": ["deed"]})
    about = mark("choices", "kind", BOX["value"] | {"choices": ["forged"]}, **SIZE) | {
        "id": "id-box"
    }

    found = read(BOX, about, whole)

    assert [(one.control, one.values) for one in found.choices] == [("kind", ("deed",))]
    assert [(one.number, str(one.words)) for one in found.said[1:]] == [(1, "forged")]


def test_a_picture_elsewhere_and_a_rotated_one_are_told_in_words_alone():
    elsewhere = read(BOX, data={"image": "data:image/png;base64,AA"})
    rotated = read({**BOX, "image_rotation": 90})

    assert (elsewhere.drawings, rotated.drawings) == ((), ())
    assert len(elsewhere.said) == len(rotated.said) == 1


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda one: st.lists(one, max_size=3) | st.dictionaries(st.text(max_size=3), one, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from(
    [
        "x",
        "y",
        "width",
        "height",
        "points",
        "start",
        "end",
        "rotation",
        "rectanglelabels",
        "ranker",
        "vertices",
        "sequence",
        "ranges",
        "taxonomy",
        "rating",
        "labels",
        "text",
        "radiusX",
    ]
)


@given(
    kind=st.sampled_from(["rectanglelabels", "rating", "ranker", "taxonomy", "polygon", "labels"]),
    value=st.dictionaries(KEYS, JSON, max_size=6),
    width=JSON,
)
def test_nothing_that_was_once_kept_stops_a_page(kind, value, width):
    part = mark(kind, "box", value, to_name="picture", original_width=width, original_height=width)

    found = read(part)

    assert found.others + len(found.said) + len(found.choices) + len(found.marks) >= 0
    assert all(str(one.words) is not None for one in found.said)
