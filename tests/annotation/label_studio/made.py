"""Answers as the editor made them in the browser tests, by the name of their template."""

import base64
import io
from typing import Any

from PIL import Image

SIZE = {"original_width": 320, "original_height": 240, "image_rotation": 0}


def part(name: str, to_name: str, kind: str, value: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a region as the editor writes it."""
    frame = {"id": "b8Df1KKC-1", "from_name": name, "to_name": to_name, "type": kind}
    return {**frame, "origin": "manual", "value": value, **more}


def _shape(kind: str, **value: Any) -> list[dict[str, Any]]:
    return [part("shape", "image", kind, {**value, kind: ["Car"]}, **SIZE)]


def _bitmask() -> str:
    file = io.BytesIO()
    Image.new("RGBA", (320, 240)).save(file, "PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


BOX = {"x": 5.067, "y": 6.75, "width": 12.66, "height": 13.51, "rotation": 0}
MARK = {"start": 28, "end": 35, "text": "licence"}
VERTICES = [
    {"x": 6.3, "y": 8.4, "id": "3tnDwgPO", "isBezier": False},
    {"x": 19.0, "y": 10.1, "id": "KxQSAJtM", "prevPointId": "3tnDwgPO", "isBezier": False},
    {"x": 15.2, "y": 25.3, "id": "8e3-0hqD", "prevPointId": "KxQSAJtM", "isBezier": False},
]

ANSWERS: dict[str, list[dict[str, Any]]] = {
    "spans of a text": [
        part(
            "spans",
            "text",
            "labels",
            {"start": 15, "end": 21, "text": "grants", "labels": ["Party"]},
        )
    ],
    "spans of a hypertext": [
        part(
            "spans",
            "text",
            "hypertextlabels",
            {
                "start": "/p[1]/text()[3]",
                "startOffset": 0,
                "end": "/p[1]/text()[3]",
                "endOffset": 8,
                "globalOffsets": {"start": 35, "end": 43},
                "text": " of code",
                "hypertextlabels": ["Party"],
            },
        )
    ],
    "one choice": [part("kind", "text", "choices", {"choices": ["grant"]})],
    "several choices by keyboard": [
        part("kind", "text", "choices", {"choices": ["grant", "other"]})
    ],
    "a choice that asks for a reason": [
        part("kind", "text", "choices", {"choices": ["patent"]}, id="one"),
        part("why", "text", "textarea", {"text": ["a\nb"]}, id="two", meta={"lead_time": 0.6}),
    ],
    "a taxonomy": [part("field", "text", "taxonomy", {"taxonomy": [["Law", "Civil"]]})],
    "a comparison of two": [part("better", "better", "pairwise", {"selected": "right"})],
    "a ranking by keyboard": [
        part("rank", "list", "ranker", {"ranker": {"rank": ["two", "one", "six"]}})
    ],
    "a ranking in buckets": [
        part("rank", "list", "ranker", {"ranker": {"_": ["one", "six"], "best": ["two"]}})
    ],
    "rating, number, date and texts": [
        part("stars", "text", "rating", {"rating": 4}, id="one"),
        part("count", "text", "number", {"number": 7}, id="two"),
        part("day", "text", "datetime", {"datetime": "2026-11-22"}, id="three"),
        part("why", "text", "textarea", {"text": ["so", "and so"]}, id="four"),
    ],
    "boxes": _shape("rectanglelabels", **BOX),
    "ellipses": _shape("ellipselabels", x=17.7, y=20.3, radiusX=7.6, radiusY=5.1, rotation=0),
    "polygons": _shape(
        "polygonlabels", points=[[6.3, 8.4], [19.0, 10.1], [15.2, 25.3]], closed=True
    ),
    "key points": _shape("keypointlabels", x=6.3, y=10.1, width=0.25),
    "lines": _shape("vectorlabels", vertices=VERTICES, closed=False),
    "a brush": _shape("brushlabels", format="rle", rle=[0, 4, 176, 0, 57, 27, 255, 65, 55, 0]),
    "a bitmask": _shape("bitmasklabels", imageDataURL=_bitmask()),
    "several pictures": [
        part(
            "shape",
            "image",
            "rectanglelabels",
            {**BOX, "rectanglelabels": ["Car"]},
            item_index=0,
            **SIZE,
        )
    ],
    "a sound": [
        part(
            "spans",
            "audio",
            "labels",
            {"start": 0.46, "end": 0.93, "channel": 0, "labels": ["Speech"]},
            original_length=4,
        )
    ],
    "boxes in a film": [
        part(
            "shape",
            "video",
            "videorectangle",
            {
                "framesCount": 17,
                "duration": 1.379,
                "sequence": [
                    {
                        "frame": 1,
                        "enabled": True,
                        "rotation": 0,
                        "x": 8.75,
                        "y": 27.7,
                        "width": 37.5,
                        "height": 38.8,
                        "time": 0.083,
                    }
                ],
                "labels": ["Car"],
            },
        )
    ],
    "times of a film": [
        part(
            "times",
            "video",
            "timelinelabels",
            {"ranges": [{"start": 2, "end": 5}], "timelinelabels": ["Car"]},
        )
    ],
    "a document": [part("kind", "pdf", "choices", {"choices": ["patent"]})],
    "a conversation": [
        part(
            "spans",
            "talk",
            "paragraphlabels",
            {
                "start": "1",
                "end": "1",
                "startOffset": 8,
                "endOffset": 15,
                "text": "evening",
                "paragraphlabels": ["Greeting"],
            },
        )
    ],
    "a relation": [
        part("spans", "text", "labels", {**MARK, "labels": ["Party"]}, id="one"),
        part(
            "spans",
            "text",
            "labels",
            {"start": 4, "end": 12, "text": "licensor", "labels": ["Party"]},
            id="two",
        ),
        {
            "type": "relation",
            "from_id": "one",
            "to_id": "two",
            "direction": "right",
            "labels": ["binds"],
        },
    ],
    "a choice about a mark": [
        part("spans", "text", "labels", {**MARK, "labels": ["Party"]}),
        part("sure", "text", "choices", {**MARK, "choices": ["sure"]}),
    ],
    "a time series": [
        part(
            "spans",
            "series",
            "timeserieslabels",
            {"start": 3, "end": 7, "instant": False, "timeserieslabels": ["Run"]},
        )
    ],
    "a table": [part("kind", "table", "choices", {"choices": ["other"]})],
}
