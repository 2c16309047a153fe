"""Configs and answers, good and bad, for our own checks and for the SDK's."""

from typing import Any

CLAUSES = """
<View>
  <Text name="text" value="$text"/>
  <Choices name="clause" toName="text" choice="single" required="true">
    <Choice value="grant"/><Choice value="patent"/><Choice value="other"/>
  </Choices>
  <Labels name="spans" toName="text"><Label value="Party"/><Label value="Obligation"/></Labels>
</View>
"""
TEXT = "The licensor 😀 grants you a licence."
DATA = {"text": TEXT}

MANY = """
<View>
  <Text name="text" value="$text"/>
  <Choices name="kinds" toName="text" choice="multiple">
    <Choice value="a"/><Choice value="b" alias="bee"/>
  </Choices>
  <Taxonomy name="tree" toName="text">
    <Choice value="Law"><Choice value="Civil"/><Choice value="Penal"/></Choice>
    <Choice value="Other"/>
  </Taxonomy>
  <Number name="count" toName="text" min="0" max="10"/>
  <Rating name="stars" toName="text" maxRating="4"/>
  <TextArea name="why" toName="text" maxSubmissions="2"/>
  <DateTime name="day" toName="text" only="date"/>
  <Choices name="mine" toName="text" value="$options"/>
</View>
"""
MANY_DATA = {"text": TEXT, "options": ["x", {"value": "y", "children": [{"value": "z"}]}]}

PICTURE = """
<View>
  <Image name="image" value="$image"/>
  <RectangleLabels name="boxes" toName="image"><Label value="Car"/></RectangleLabels>
  <PolygonLabels name="areas" toName="image"><Label value="Road"/></PolygonLabels>
</View>
"""
PICTURE_DATA = {"image": "/media/1.png"}

BY_REGION = """
<View>
  <Labels name="spans" toName="text"><Label value="Party"/><Label value="Obligation"/></Labels>
  <Choices name="sure" toName="text" perRegion="true" required="true" whenTagName="spans"
           whenLabelValue="Party">
    <Choice value="yes"/><Choice value="no"/>
  </Choices>
  <Relations><Relation value="binds"/></Relations>
  <Text name="text" value="$text"/>
</View>
"""

CONDITIONAL = """
<View>
  <Text name="text" value="$text"/>
  <Choices name="bad" toName="text" required="true">
    <Choice value="yes"/><Choice value="no"/>
  </Choices>
  <View visibleWhen="choice-selected" whenTagName="bad" whenChoiceValue="yes">
    <TextArea name="why" toName="text" required="true"/>
  </View>
</View>
"""

PAIR = """
<View>
  <Text name="left" value="$left"/><Text name="right" value="$right"/>
  <Pairwise name="better" toName="left,right" required="true"/>
</View>
"""
PAIR_DATA = {"left": "one", "right": "two"}


def part(name: str, kind: str, to_name: str = "text", /, **value: Any) -> dict[str, Any]:
    """Return a region of an answer."""
    more = {key: value.pop(key) for key in ("id",) if key in value}
    return {"from_name": name, "to_name": to_name, "type": kind, "value": value, **more}


def clause(*names: str) -> dict[str, Any]:
    """Return a choice of clauses."""
    return part("clause", "choices", choices=list(names or ("grant",)))


def span(start: Any = 4, end: Any = 12, text: Any = "licensor", **more: Any) -> dict[str, Any]:
    """Return a mark."""
    labels = more.pop("labels", ["Party"])
    return part("spans", "labels", start=start, end=end, text=text, labels=labels, **more)


BOX = {"x": 1.5, "y": 2, "width": 30, "height": 40, "rotation": 0}

GOOD: dict[str, tuple[str, dict[str, Any], list[Any]]] = {
    "a choice": (CLAUSES, DATA, [clause()]),
    "a choice and marks": (CLAUSES, DATA, [clause(), span(), span(13, 14, "😀")]),
    "marks that overlap": (CLAUSES, DATA, [clause(), span(), span(0, 12, "The licensor")]),
    "a mark without its words": (
        CLAUSES,
        DATA,
        [clause(), part("spans", "labels", start=0, end=3, labels=["Party"])],
    ),
    "what the editor adds": (
        CLAUSES,
        DATA,
        [clause() | {"id": "a1", "origin": "manual", "meta": {"text": ["hm"]}, "score": 0.5}],
    ),
    "several choices": (MANY, MANY_DATA, [part("kinds", "choices", choices=["a", "bee"])]),
    "a path": (MANY, MANY_DATA, [part("tree", "taxonomy", taxonomy=[["Law", "Civil"], ["Other"]])]),
    "a number": (MANY, MANY_DATA, [part("count", "number", number=10)]),
    "stars": (MANY, MANY_DATA, [part("stars", "rating", rating=4)]),
    "texts": (MANY, MANY_DATA, [part("why", "textarea", text=["so", "and so"])]),
    "a day": (MANY, MANY_DATA, [part("day", "datetime", datetime="2026-11-22")]),
    "nothing, where nothing is required": (MANY, MANY_DATA, []),
    "a box": (
        PICTURE,
        PICTURE_DATA,
        [part("boxes", "rectanglelabels", "image", rectanglelabels=["Car"], **BOX)],
    ),
    "an area": (
        PICTURE,
        PICTURE_DATA,
        [
            part(
                "areas",
                "polygonlabels",
                "image",
                points=[[0, 0], [10, 0], [10, 99.5]],
                closed=True,
                polygonlabels=["Road"],
            )
        ],
    ),
    "a choice about a mark": (
        BY_REGION,
        DATA,
        [
            span(id="m1"),
            span(0, 3, "The", id="m2", labels=["Obligation"]),
            part("sure", "choices", start=4, end=12, text="licensor", choices=["yes"], id="m1"),
            {
                "type": "relation",
                "from_id": "m1",
                "to_id": "m2",
                "direction": "right",
                "labels": ["binds"],
            },
        ],
    ),
    "hidden, so not required": (CONDITIONAL, DATA, [part("bad", "choices", choices=["no"])]),
    "shown and answered": (
        CONDITIONAL,
        DATA,
        [part("bad", "choices", choices=["yes"]), part("why", "textarea", text=["because"])],
    ),
    "the left one": (PAIR, PAIR_DATA, [part("better", "pairwise", "left", selected="left")]),
}

# What the SDK refuses, we refuse: name -> (config, data, answer, our code).
BAD_TO_BOTH: dict[str, tuple[str, dict[str, Any], list[Any], str]] = {
    "an unknown control": (CLAUSES, DATA, [part("x", "choices", choices=["a"])], "unknown_control"),
    "an unknown object": (
        CLAUSES,
        DATA,
        [part("clause", "choices", "other", choices=["grant"])],
        "malformed",
    ),
    "another type": (CLAUSES, DATA, [part("clause", "labels", choices=["grant"])], "malformed"),
    "an unknown choice": (CLAUSES, DATA, [clause("HACK")], "unknown_option"),
    "an unknown label": (CLAUSES, DATA, [clause(), span(labels=["HACK"])], "unknown_option"),
    "no value": (
        CLAUSES,
        DATA,
        [{"from_name": "clause", "to_name": "text", "type": "choices"}],
        "malformed",
    ),
    "choices that are a word": (
        CLAUSES,
        DATA,
        [part("clause", "choices", choices="grant")],
        "malformed",
    ),
    "a mark without a place": (
        CLAUSES,
        DATA,
        [clause(), part("spans", "labels", labels=["Party"])],
        "malformed",
    ),
    "a number that is a word": (
        MANY,
        MANY_DATA,
        [part("count", "number", number="x")],
        "malformed",
    ),
    "stars below none": (MANY, MANY_DATA, [part("stars", "rating", rating=-1)], "out_of_range"),
    "a box without a width": (
        PICTURE,
        PICTURE_DATA,
        [part("boxes", "rectanglelabels", "image", x=1, y=1, height=1, rectanglelabels=["Car"])],
        "malformed",
    ),
    "a box outside": (
        PICTURE,
        PICTURE_DATA,
        [part("boxes", "rectanglelabels", "image", rectanglelabels=["Car"], **(BOX | {"x": 300}))],
        "outside",
    ),
    "a relation to nothing": (
        BY_REGION,
        DATA,
        [
            span(id="m1", labels=["Obligation"]),
            {"type": "relation", "from_id": "m1", "to_id": "gone", "direction": "right"},
        ],
        "relation",
    ),
    "a relation without a direction": (
        BY_REGION,
        DATA,
        [
            span(id="m1", labels=["Obligation"]),
            {"type": "relation", "from_id": "m1", "to_id": "m1", "direction": "up"},
        ],
        "relation",
    ),
}

# What the SDK lets pass, and we do not.
BAD_TO_US: dict[str, tuple[str, dict[str, Any], Any, str]] = {
    "nothing where something is required": (CLAUSES, DATA, [], "required"),
    "marks only": (CLAUSES, DATA, [span()], "required"),
    "two choices": (CLAUSES, DATA, [clause("grant", "patent")], "too_many"),
    "two labels on a mark": (
        CLAUSES,
        DATA,
        [clause(), span(labels=["Party", "Obligation"])],
        "too_many",
    ),
    "answered twice": (CLAUSES, DATA, [clause(), clause("patent")], "answered_twice"),
    "one option twice": (
        MANY,
        MANY_DATA,
        [part("kinds", "choices", choices=["a", "a"])],
        "repeated",
    ),
    "no option": (MANY, MANY_DATA, [part("kinds", "choices", choices=[])], "malformed"),
    "before the text": (CLAUSES, DATA, [clause(), span(-1, 3, "The")], "offsets"),
    "beyond the text": (CLAUSES, DATA, [clause(), span(4, 99, "licensor")], "offsets"),
    "backwards": (CLAUSES, DATA, [clause(), span(12, 4, "licensor")], "offsets"),
    "nowhere": (CLAUSES, DATA, [clause(), span(4, 4, "")], "offsets"),
    "half a place": (CLAUSES, DATA, [clause(), span(4.5, 12, "licensor")], "offsets"),
    "a place that is a word": (CLAUSES, DATA, [clause(), span("4", "12", "licensor")], "offsets"),
    "other words": (CLAUSES, DATA, [clause(), span(4, 12, "licensee")], "misquoted"),
    "counted in halves of signs": (CLAUSES, DATA, [clause(), span(16, 22, "grants")], "misquoted"),
    "an unknown key of a region": (CLAUSES, DATA, [clause() | {"extra": 1}], "unknown_key"),
    "an unknown key of a value": (
        CLAUSES,
        DATA,
        [part("clause", "choices", choices=["grant"], html="<b>")],
        "unknown_key",
    ),
    "a number too large": (MANY, MANY_DATA, [part("count", "number", number=11)], "out_of_range"),
    "a number that is true": (MANY, MANY_DATA, [part("count", "number", number=True)], "malformed"),
    "too many stars": (MANY, MANY_DATA, [part("stars", "rating", rating=5)], "out_of_range"),
    "too many texts": (
        MANY,
        MANY_DATA,
        [part("why", "textarea", text=["a", "b", "c"])],
        "too_many",
    ),
    "half a path": (
        MANY,
        MANY_DATA,
        [part("tree", "taxonomy", taxonomy=[["Civil"]])],
        "unknown_option",
    ),
    "an option of no task": (
        MANY,
        MANY_DATA,
        [part("mine", "choices", choices=["w"])],
        "unknown_option",
    ),
    "a mark of which nothing is said": (BY_REGION, DATA, [span(id="m1")], "required"),
    "shown and not answered": (
        CONDITIONAL,
        DATA,
        [part("bad", "choices", choices=["yes"])],
        "required",
    ),
    "answered with blanks": (
        CONDITIONAL,
        DATA,
        [part("bad", "choices", choices=["yes"]), part("why", "textarea", text=["  "])],
        "required",
    ),
    "neither": (
        PAIR,
        PAIR_DATA,
        [part("better", "pairwise", "left", selected="none")],
        "malformed",
    ),
    "a relation by another name": (
        BY_REGION,
        DATA,
        [
            span(id="m1", labels=["Obligation"]),
            {
                "type": "relation",
                "from_id": "m1",
                "to_id": "m1",
                "direction": "right",
                "labels": ["HACK"],
            },
        ],
        "relation",
    ),
}

# What nobody's editor sends: none of it may fail in any other way than a problem.
HOSTILE: dict[str, Any] = {
    "words": "grant",
    "nothing": None,
    "an object": {"result": []},
    "a list of words": ["grant"],
    "a list of lists": [[]],
    "a name that is a list": [{"from_name": ["clause"], "to_name": {}, "type": 1, "value": []}],
    "an id that is an object": [clause() | {"id": {"a": 1}}],
    "an item that is a list": [clause() | {"item_index": [1]}],
    "labels of objects": [clause(), span(labels=[{"a": 1}])],
    "labels of nothing": [clause(), span(labels=None)],
    "not a number": [clause() | {"score": float("nan")}],
    "endless": [clause() | {"score": float("inf")}],
    "a sign that cannot be kept": [clause() | {"meta": {"text": "a\x00b"}}],
    "half a sign": [clause() | {"meta": {"text": "\ud800"}}],
    "a number that is far too large": [clause() | {"score": 10**400}],
    "many regions": [clause() for _ in range(5000)],
    "a long text": [clause() | {"meta": {"text": "x" * 5_000_000}}],
    "a relation of objects": [{"type": "relation", "from_id": {}, "to_id": [], "direction": []}],
    "a relation of nothing": [{"type": "relation"}],
    "labels of a relation that are objects": [
        clause() | {"id": "a"},
        {"type": "relation", "from_id": "a", "to_id": "a", "direction": "bi", "labels": [{}]},
    ],
}
