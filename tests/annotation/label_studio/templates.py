"""Label templates that are worked with in the real editor: what is done, and what must come of it.

Each is a config, the data of a task, the acts of a person, and a check of the answer as stored.
Marks of texts stand behind a sign that counts as one in Python and as two in a browser.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.annotation.label_studio import media
from tests.annotation.label_studio.hands import STAGE, Hands

Answer = list[dict[str, Any]]


@dataclass(frozen=True)
class Template:
    """One template."""

    config: str
    data: dict[str, Any]
    act: Callable[[Hands], None]
    # What the answer must hold: values of regions in order, or a check of the whole answer.
    comes: list[dict[str, Any]] | Callable[[Answer], bool]


def view(*tags: str) -> str:
    """Put tags into a config."""
    return f"<View>{''.join(tags)}</View>"


TEXT = '<Text name="text" value="$text"/>'
IMAGE = '<Image name="image" value="$image"/>'
VIDEO = '<Video name="video" value="$video" framerate="12"/>'
CHOICES = '<Choice value="grant"/><Choice value="patent"/><Choice value="other"/>'
WORDS = {"text": "The licensor 😀 grants you a licence of code."}
PICTURE = {"image": media.picture()}
ITEMS = {"items": [{"id": one, "title": one.upper(), "body": "…"} for one in ("one", "two", "six")]}


def _shape(kind: str) -> str:
    return view(IMAGE, f'<{kind} name="shape" toName="image"><Label value="Car"/></{kind}>')


def _values(answer: Answer) -> list[dict[str, Any]]:
    return [part["value"] for part in answer if part["type"] != "relation"]


def _is_box(value: dict[str, Any], keys: tuple[str, str]) -> bool:
    """Return whether a shape was drawn from 40/40 to 140/120 and lies where it should."""
    ratio = value[keys[1]] / value[keys[0]]
    return 0 < value["x"] < 30 and 0 < value["y"] < 40 and 0.9 < ratio < 1.5


def _one(check: Callable[[dict[str, Any]], bool]) -> Callable[[Answer], bool]:
    return lambda answer: len(answer) == 1 and check(answer[0]["value"])


def _draw(hands: Hands) -> None:
    hands.key("1")
    hands.drag(STAGE, (40, 40), (140, 120))


def _taxonomy(hands: Hands) -> None:
    hands.click(".htx-taxonomy .ant-select-selector")
    hands.click(".ant-select-tree-switcher_close")
    hands.click(".ant-select-tree-treenode:has-text('Civil') .ant-select-tree-checkbox")
    hands.key("Escape")


def _rank(hands: Hands) -> None:
    hands.focus("[data-rfd-drag-handle-draggable-id], [data-rbd-drag-handle-draggable-id]")
    for key in ("Space", "ArrowDown", "Space"):
        hands.key(key)
        hands.wait(300)


def _bucket(hands: Hands) -> None:
    item, bucket = hands.box("TWO"), hands.box("Best")
    start = (item["x"] + 5, item["y"] + 5)
    inside = (bucket["x"] + 20, bucket["y"] + 60)
    hands.path([start, (start[0] + 12, start[1] + 12), inside], hold=300)
    hands.wait(400)


def _form(hands: Hands) -> None:
    hands.click("li.ant-rate-star", at=3)
    hands.click("input[type=number]")
    hands.type("7")
    hands.focus("input[type=date]")
    hands.type("11222026")
    hands.click("input.ant-input")
    hands.type("so")
    hands.key("Enter")
    hands.type("and so")


def _about_a_mark(hands: Hands) -> None:
    hands.key("1")
    hands.select("licence")
    if not hands.frame.get_by_text("sure").is_visible():
        hands.click("[class*=richtext] [class*=highlight]")
    hands.click("label", text="sure")


def _relation(hands: Hands) -> None:
    for words in ("licensor", "licence"):
        hands.key("1")
        hands.select(words)
    hands.key("Escape")
    hands.click("[class*=richtext] span[class*=highlight]", text="licensor")
    hands.wait()
    hands.key("Alt+r")
    hands.click("[class*=richtext] span[class*=highlight]", text="licence", at=-1)
    hands.wait()


def _is_relation(answer: Answer) -> bool:
    first, second, relation = answer
    joined = {"from_id": first["id"], "to_id": second["id"], "direction": "right"}
    return {key: relation[key] for key in joined} == joined


def _conditional(hands: Hands) -> None:
    hands.click("label", text="patent")
    hands.click("textarea")
    hands.type("because of")
    hands.key("Enter")
    hands.type("the field")
    hands.frame.get_by_role("button", name="Add").click()


def _timeline(hands: Hands) -> None:
    hands.wait(600)
    hands.key("1")
    hands.drag(".lsf-keypoints__keypoints", (24, 12), (70, 12))


def _film_box(hands: Hands) -> None:
    hands.wait(600)
    hands.key("1")
    hands.wait()
    hands.drag(STAGE, (320, 260), (420, 330))


def _sound(hands: Hands) -> None:
    hands.wait(900)
    hands.key("1")
    hands.drag("canvas", (100, 30), (200, 32))


def _series(hands: Hands) -> None:
    hands.click(".lsf-label", text="Run")
    hands.drag(".htx-timeseries-channel svg", (150, 60), (260, 62))


def _document(hands: Hands) -> None:
    frame = hands.page.locator("[data-documents] iframe")
    frame.wait_for()
    assert str(frame.get_attribute("src")).startswith("blob:")
    hands.key("2")


TEMPLATES: dict[str, Template] = {
    "spans of a text": Template(
        view(TEXT, '<Labels name="spans" toName="text"><Label value="Party"/></Labels>'),
        WORDS,
        lambda hands: (hands.key("1"), hands.select("grants"))[0],
        [{"start": 15, "end": 21, "text": "grants", "labels": ["Party"]}],
    ),
    "spans of a hypertext": Template(
        view(
            '<HyperText name="text" value="$text"/>',
            '<HyperTextLabels name="spans" toName="text"><Label value="Party"/></HyperTextLabels>',
        ),
        {"text": "<p>The <b>licensor</b> 😀 grants you a <i>licence</i> of code.</p>"},
        lambda hands: (hands.key("1"), hands.select(" of code"))[0],
        [
            {
                "start": "/p[1]/text()[3]",
                "startOffset": 0,
                "end": "/p[1]/text()[3]",
                "endOffset": 8,
                "globalOffsets": {"start": 35, "end": 43},
                "text": " of code",
                "hypertextlabels": ["Party"],
            }
        ],
    ),
    "one choice": Template(
        view(TEXT, f'<Choices name="kind" toName="text" required="true">{CHOICES}</Choices>'),
        WORDS,
        lambda hands: (hands.click("label", text="patent"), hands.click("label", text="grant"))[0],
        [{"choices": ["grant"]}],
    ),
    "several choices by keyboard": Template(
        view(TEXT, f'<Choices name="kind" toName="text" choice="multiple">{CHOICES}</Choices>'),
        WORDS,
        lambda hands: hands.key("1", "3"),
        [{"choices": ["grant", "other"]}],
    ),
    "a choice that asks for a reason": Template(
        view(
            TEXT,
            f'<Choices name="kind" toName="text">{CHOICES}</Choices>',
            '<View visibleWhen="choice-selected" whenTagName="kind" whenChoiceValue="patent">'
            '<TextArea name="why" toName="text" required="true" rows="3"/></View>',
        ),
        WORDS,
        _conditional,
        [{"choices": ["patent"]}, {"text": ["because of\nthe field"]}],
    ),
    "a taxonomy": Template(
        view(
            TEXT,
            '<Taxonomy name="field" toName="text"><Choice value="Law"><Choice value="Civil"/>'
            '</Choice><Choice value="Other"/></Taxonomy>',
        ),
        WORDS,
        _taxonomy,
        [{"taxonomy": [["Law", "Civil"]]}],
    ),
    "a comparison of two": Template(
        view(
            '<Text name="one" value="$one"/><Text name="two" value="$two"/>',
            '<Pairwise name="better" toName="one,two"/>',
        ),
        {"one": "The first answer", "two": "The second answer"},
        lambda hands: hands.frame.get_by_text("The second answer").click(),
        [{"selected": "right"}],
    ),
    "a ranking by keyboard": Template(
        view('<List name="list" value="$items" title="R"/>', '<Ranker name="rank" toName="list"/>'),
        ITEMS,
        _rank,
        [{"ranker": {"rank": ["two", "one", "six"]}}],
    ),
    "a ranking in buckets": Template(
        view(
            '<List name="list" value="$items" title="R"/>',
            '<Ranker name="rank" toName="list"><Bucket name="best" title="Best"/></Ranker>',
        ),
        ITEMS,
        _bucket,
        [{"ranker": {"_": ["one", "six"], "best": ["two"]}}],
    ),
    "rating, number, date and texts": Template(
        view(
            TEXT,
            '<Rating name="stars" toName="text"/><Number name="count" toName="text" max="10"/>',
            '<DateTime name="day" toName="text" only="date"/>',
            '<TextArea name="why" toName="text" maxSubmissions="3"/>',
        ),
        WORDS,
        _form,
        [{"rating": 4}, {"number": 7}, {"datetime": "2026-11-22"}, {"text": ["so", "and so"]}],
    ),
    "boxes": Template(
        _shape("RectangleLabels"),
        PICTURE,
        _draw,
        _one(lambda value: _is_box(value, ("width", "height"))),
    ),
    "ellipses": Template(
        _shape("EllipseLabels"),
        PICTURE,
        _draw,
        _one(lambda value: _is_box(value, ("radiusX", "radiusY"))),
    ),
    "polygons": Template(
        _shape("PolygonLabels"),
        PICTURE,
        lambda hands: (
            hands.key("1"),
            hands.points(STAGE, ((50, 50), (150, 60), (120, 150), (50, 50))),
        )[0],
        _one(lambda value: len(value["points"]) == 3 and value["closed"] is True),
    ),
    "key points": Template(
        _shape("KeyPointLabels"),
        PICTURE,
        lambda hands: (hands.key("1"), hands.points(STAGE, ((50, 60),)))[0],
        _one(lambda value: 0 < value["x"] < 30 and 0 < value["y"] < 40),
    ),
    "lines": Template(
        _shape("VectorLabels"),
        PICTURE,
        lambda hands: (hands.key("1"), hands.points(STAGE, ((50, 50), (150, 60), (120, 150))))[0],
        _one(lambda value: len(value["vertices"]) == 3 and value["closed"] is False),
    ),
    "a brush": Template(
        _shape("BrushLabels"),
        PICTURE,
        _draw,
        _one(lambda value: value["format"] == "rle" and len(value["rle"]) > 50),
    ),
    "a bitmask": Template(
        _shape("BitmaskLabels"),
        PICTURE,
        _draw,
        _one(lambda value: value["imageDataURL"].startswith("data:image/png;base64,")),
    ),
    "several pictures": Template(
        view(
            '<Image name="image" valueList="$pages"/>',
            '<RectangleLabels name="shape" toName="image"><Label value="Car"/></RectangleLabels>',
        ),
        {"pages": [media.picture(), media.picture(colour="#ffe8e8")]},
        _draw,
        lambda answer: answer[0]["item_index"] == 0 and len(answer) == 1,
    ),
    "a sound": Template(
        view(
            '<Labels name="spans" toName="audio"><Label value="Speech"/></Labels>',
            '<Audio name="audio" value="$audio"/>',
        ),
        {"audio": "…"},
        _sound,
        _one(lambda value: 0 < value["start"] < value["end"] < 4 and value["labels"] == ["Speech"]),
    ),
    "boxes in a film": Template(
        view(
            '<Labels name="labels" toName="video"><Label value="Car"/></Labels>',
            VIDEO,
            '<VideoRectangle name="shape" toName="video"/>',
        ),
        {"video": "…"},
        _film_box,
        _one(lambda value: value["labels"] == ["Car"] and value["sequence"][0]["frame"] == 1),
    ),
    "times of a film": Template(
        view(
            VIDEO,
            '<TimelineLabels name="times" toName="video"><Label value="Car"/></TimelineLabels>',
        ),
        {"video": "…"},
        _timeline,
        _one(lambda value: 0 < value["ranges"][0]["start"] < value["ranges"][0]["end"] < 12),
    ),
    "a document": Template(
        view(
            '<Pdf name="pdf" value="$pdf"/>',
            f'<Choices name="kind" toName="pdf">{CHOICES}</Choices>',
        ),
        {"pdf": media.document()},
        _document,
        [{"choices": ["patent"]}],
    ),
    "a conversation": Template(
        view(
            '<Paragraphs name="talk" value="$talk" layout="dialogue" nameKey="author"/>',
            '<ParagraphLabels name="spans" toName="talk"><Label value="Greeting"/>'
            "</ParagraphLabels>",
        ),
        {
            "talk": [
                {"author": "Ann", "text": "Good morning, Bob."},
                {"author": "Bob", "text": "Good 😀 evening to you."},
            ]
        },
        lambda hands: (hands.key("1"), hands.select("evening"))[0],
        [
            {
                "start": "1",
                "end": "1",
                # Here the editor counts as browsers do: the smile is two.
                "startOffset": 8,
                "endOffset": 15,
                "text": "evening",
                "paragraphlabels": ["Greeting"],
            }
        ],
    ),
    "a relation": Template(
        view(
            '<Relations><Relation value="binds"/></Relations>',
            '<Labels name="spans" toName="text"><Label value="Party"/></Labels>',
            TEXT,
        ),
        WORDS,
        _relation,
        _is_relation,
    ),
    "a choice about a mark": Template(
        view(
            '<Labels name="spans" toName="text"><Label value="Party"/></Labels>',
            TEXT,
            '<Choices name="sure" toName="text" perRegion="true"><Choice value="sure"/></Choices>',
        ),
        WORDS,
        _about_a_mark,
        lambda answer: (
            [part["type"] for part in answer] == ["labels", "choices"]
            and answer[0]["id"] == answer[1]["id"]
        ),
    ),
    "a time series": Template(
        view(
            '<TimeSeries name="series" value="$series" valueType="json" timeColumn="time">'
            '<Channel column="load"/></TimeSeries>',
            '<TimeSeriesLabels name="spans" toName="series"><Label value="Run"/>'
            "</TimeSeriesLabels>",
        ),
        {"series": media.series()},
        _series,
        _one(lambda value: 0 < value["start"] < value["end"] < 25 and value["instant"] is False),
    ),
    "a table": Template(
        view(
            '<Table name="table" value="$facts"/>',
            f'<Choices name="kind" toName="table">{CHOICES}</Choices>',
        ),
        {"facts": {"age": 41, "city": "Lyon"}},
        lambda hands: hands.key("3"),
        [{"choices": ["other"]}],
    ),
}
