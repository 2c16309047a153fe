"""Formats of pictures: COCO, YOLO, Pascal VOC, and masks of brushes as PNG.

Label Studio keeps places in percent of the picture, with its size beside: pixels follow from both,
so the pictures themselves are not needed, and stay where their addresses lead.
"""

import json
import math
import shutil
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from tempfile import TemporaryFile
from typing import IO, Any
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

import numpy as np

from releases.format_source import Out, Row, Source, Unfit, file_name

BOXES, POLYGONS, BRUSHES = "rectanglelabels", "polygonlabels", "brushlabels"
SHAPES = {"RectangleLabels": BOXES, "PolygonLabels": POLYGONS, "BrushLabels": BRUSHES}
MOST_PIXELS = 50_000_000


@dataclass(frozen=True)
class Shape:
    """A mark on a picture, in pixels."""

    label: str
    width: int
    height: int
    value: dict[str, Any]
    kind: str

    @property
    def corners(self) -> list[tuple[float, float]]:
        """The corners, turned as the box is."""
        if self.kind == POLYGONS:
            return [self._pixels(x, y) for x, y in self.value["points"]]
        x, y = self._pixels(self.value["x"], self.value["y"])
        wide, high = self._pixels(self.value["width"], self.value["height"])
        turn = math.radians(self.value.get("rotation") or 0)
        cos, sin = math.cos(turn), math.sin(turn)
        ends = ((0.0, 0.0), (wide, 0.0), (wide, high), (0.0, high))
        return [(x + dx * cos - dy * sin, y + dx * sin + dy * cos) for dx, dy in ends]

    @property
    def box(self) -> tuple[float, float, float, float]:
        """The upright box around it, inside the picture: left, top, width, height."""
        xs, ys = zip(*self.corners, strict=True)
        left, top = max(0.0, min(xs)), max(0.0, min(ys))
        right, bottom = min(float(self.width), max(xs)), min(float(self.height), max(ys))
        return left, top, right - left, bottom - top

    def _pixels(self, x: float, y: float) -> tuple[float, float]:
        return x * self.width / 100, y * self.height / 100


def coco(source: Source, out: Out) -> None:
    """Write COCO: boxes, polygons and masks with their pictures, one file a split."""
    names = _names(source, *SHAPES)
    picture = _picture(source)
    for split in source.splits:
        said = {
            "info": {"description": source.facts["title"], "version": source.facts["version"]},
            "licenses": [{"id": 1, "name": source.facts["licence"]}],
            "categories": [{"id": n, "name": name} for n, name in enumerate(names, start=1)],
        }
        # Marks wait in a file of their own until all pictures are written: memory stays flat.
        with (
            out.text(f"{split}.json") as opened,
            TemporaryFile("w+", encoding="utf-8", newline="\n", dir=out.folder) as waiting,
        ):
            opened.write(json.dumps(said, ensure_ascii=False)[:-1] + ', "images": [')
            images, marks = _Listed(opened), _Listed(waiting)
            for row in source.rows(split):
                shapes = list(_shapes(row, *SHAPES.values()))
                if not shapes:
                    out.left_out += 1
                    continue
                first = shapes[0]
                place = {"file_name": _file(row, picture)}
                size = {"width": first.width, "height": first.height}
                images.add(place | size | {"task_id": row.id})
                for shape in shapes:
                    numbers = {"image_id": images.count, "iscrowd": 0}
                    kind = {"category_id": names.index(shape.label) + 1}
                    marks.add(numbers | kind | _of(shape))
                out.rows += 1
            opened.write('], "annotations": [')
            waiting.seek(0)
            shutil.copyfileobj(waiting, opened)
            opened.write("]}")


class _Listed:
    """Writes a list of JSON item by item, each with its number as its id."""

    def __init__(self, to: IO[str]) -> None:
        self.to, self.count = to, 0

    def add(self, item: dict[str, Any]) -> None:
        """Write one more."""
        self.to.write(", " if self.count else "")
        self.count += 1
        self.to.write(json.dumps({"id": self.count} | item, ensure_ascii=False))


def yolo(source: Source, out: Out) -> None:
    """Write YOLO: a text file a picture, the upright box of each mark in shares of the picture."""
    names = _names(source, "RectangleLabels", "PolygonLabels")
    picture = _picture(source)
    for split in source.splits:
        with (
            out.packed(f"{split}.zip") as add,
            out.text(f"{split}-images.txt") as addresses,
        ):
            for row in source.rows(split):
                shapes = list(_shapes(row, BOXES, POLYGONS))
                if not shapes:
                    out.left_out += 1
                    continue
                lines = (_yolo_line(shape, names.index(shape.label)) for shape in shapes)
                add(f"labels/{file_name(row, '.txt')}", "\n".join(lines) + "\n")
                addresses.write(f"{file_name(row)}\t{_address(row, picture)}\n")
                out.rows += 1
    with out.text("data.yaml") as opened:
        opened.write(f"nc: {len(names)}\nnames: {json.dumps(names)}\n")


def voc(source: Source, out: Out) -> None:
    """Write Pascal VOC: an XML file a picture."""
    _names(source, "RectangleLabels")
    picture = _picture(source)
    for split in source.splits:
        with out.packed(f"{split}.zip") as add:
            for row in source.rows(split):
                shapes = list(_shapes(row, BOXES))
                if not shapes:
                    out.left_out += 1
                    continue
                add(f"Annotations/{file_name(row, '.xml')}", _voc(row, shapes, picture))
                out.rows += 1


def masks(source: Source, out: Out) -> None:
    """Write masks as PNG, one for each label of a picture: white where it was painted."""
    _names(source, "BrushLabels")
    for split in source.splits:
        with out.packed(f"{split}.zip") as add, out.lines(f"{split}.jsonl") as index:
            for row in source.rows(split):
                painted = _painted(row)
                if not painted:
                    out.left_out += 1
                    continue
                files = {}
                for number, (label, mask) in enumerate(sorted(painted.items())):
                    files[label] = f"{file_name(row)}-{number}.png"
                    add(files[label], png(mask))
                index({"id": row.id, "data": row.data, "masks": files})
                out.rows += 1


def mask_of(shape: Shape) -> "np.ndarray[Any, Any]":
    """Return which pixels a brush has painted, from Label Studio's own run lengths."""
    if shape.width * shape.height > MOST_PIXELS:
        raise Unfit(f"a picture of {shape.width} by {shape.height} is too large for masks")
    flat = decode(shape.value["rle"], most=4 * MOST_PIXELS)
    if flat.size != shape.width * shape.height * 4:
        raise Unfit("a brush is not as large as its picture")
    return flat.reshape(shape.height, shape.width, 4)[:, :, 3] > 0


def decode(rle: Sequence[int], *, most: int) -> "np.ndarray[Any, Any]":
    """Unpack the run lengths of `@thi.ng/rle-pack`, which Label Studio's editor writes."""
    bits = "".join(f"{byte:08b}" for byte in rle)
    place = 0

    def take(count: int) -> int:
        nonlocal place
        place += count
        return int(bits[place - count : place] or "0", 2)

    size, word = take(32), take(5) + 1
    if size > most:
        raise Unfit("a brush is larger than any picture")
    widths = [take(4) + 1 for _each in range(4)]
    out = np.zeros(size, dtype=np.uint8)
    at = 0
    while at < size and place < len(bits):
        repeated = take(1)
        end = min(size, at + 1 + take(widths[take(2)]))
        if repeated:
            out[at:end] = take(word)
        else:
            for one in range(at, end):
                out[one] = take(word)
        at = end
    return out


def png(mask: "np.ndarray[Any, Any]") -> bytes:
    """Write a mask as a PNG of grey."""
    height, width = mask.shape
    grey = np.where(mask, 255, 0).astype(np.uint8)
    lines = np.hstack([np.zeros((height, 1), dtype=np.uint8), grey]).tobytes()

    def part(kind: bytes, content: bytes) -> bytes:
        check = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            part(b"IHDR", head),
            part(b"IDAT", zlib.compress(lines, 6)),
            part(b"IEND", b""),
        ]
    )


def _names(source: Source, *kinds: str) -> list[str]:
    """Return the labels of the controls that draw such shapes, or raise `Unfit`."""
    controls = source.of_kind(*kinds)
    names = list(dict.fromkeys(name for one in controls for name in one.options))
    if not names:
        raise Unfit(f"nothing is marked with {' or '.join(kinds)}")
    return names


def _picture(source: Source) -> str:
    names = source.fields("Image")
    if len(names) != 1:
        raise Unfit("the tasks do not show one picture each")
    return names[0]


def _shapes(row: Row, *kinds: str) -> Iterator[Shape]:
    for item in row.items(*kinds):
        value, kind = item.get("value") or {}, item["type"]
        width, height = item.get("original_width"), item.get("original_height")
        for label in value.get(kind) or []:
            if width and height:
                yield Shape(label, int(width), int(height), value, kind)


def _of(shape: Shape) -> dict[str, Any]:
    if shape.kind == BRUSHES:
        mask = mask_of(shape)
        ys, xs = np.nonzero(mask)
        box = [0, 0, 0, 0]
        if xs.size:
            left, top = int(xs.min()), int(ys.min())
            box = [left, top, int(xs.max()) - left + 1, int(ys.max()) - top + 1]
        runs = {"counts": _runs(mask), "size": [shape.height, shape.width]}
        return {"segmentation": runs, "area": int(mask.sum()), "bbox": box, "iscrowd": 1}
    corners = shape.corners
    return {
        "segmentation": [[round(one, 3) for corner in corners for one in corner]],
        "area": round(_area(corners), 3),
        "bbox": [round(one, 3) for one in shape.box],
    }


def _runs(mask: "np.ndarray[Any, Any]") -> list[int]:
    """Return COCO's run lengths: down the columns, what is not painted first."""
    flat = mask.flatten(order="F").astype(np.int8)
    ends = np.flatnonzero(np.diff(flat)) + 1
    runs = np.diff(np.concatenate([[0], ends, [flat.size]])).tolist()
    return [0, *runs] if flat.size and flat[0] else list(runs)


def _area(corners: list[tuple[float, float]]) -> float:
    following = [*corners[1:], corners[0]]
    pairs = zip(corners, following, strict=True)
    return abs(sum(x * b - a * y for (x, y), (a, b) in pairs)) / 2


def _yolo_line(shape: Shape, number: int) -> str:
    left, top, wide, high = shape.box
    middle = ((left + wide / 2) / shape.width, (top + high / 2) / shape.height)
    parts = (*middle, wide / shape.width, high / shape.height)
    return " ".join([str(number), *(f"{part:.6f}" for part in parts)])


def _voc(row: Row, shapes: list[Shape], picture: str) -> str:
    first = shapes[0]
    objects = "".join(_voc_object(shape) for shape in shapes)
    return (
        f"<annotation><filename>{escape(_file(row, picture))}</filename>"
        f"<source><database>{escape(row.id)}</database></source>"
        f"<size><width>{first.width}</width><height>{first.height}</height><depth>3</depth></size>"
        f"<segmented>0</segmented>{objects}</annotation>\n"
    )


def _voc_object(shape: Shape) -> str:
    left, top, wide, high = shape.box
    # Pascal VOC counts pixels from one.
    corners = {
        "xmin": math.floor(left) + 1,
        "ymin": math.floor(top) + 1,
        "xmax": max(math.floor(left) + 1, math.ceil(left + wide)),
        "ymax": max(math.floor(top) + 1, math.ceil(top + high)),
    }
    box = "".join(f"<{name}>{value}</{name}>" for name, value in corners.items())
    return (
        f"<object><name>{escape(shape.label)}</name><pose>Unspecified</pose>"
        f"<truncated>0</truncated><difficult>0</difficult><bndbox>{box}</bndbox></object>"
    )


def _painted(row: Row) -> dict[str, Any]:
    painted: dict[str, Any] = {}
    for shape in _shapes(row, BRUSHES):
        mask = mask_of(shape)
        before = painted.get(shape.label)
        painted[shape.label] = mask if before is None else before | mask
    return painted


def _address(row: Row, picture: str) -> str:
    return " ".join(str(row.data.get(picture, "")).split())


def _file(row: Row, picture: str) -> str:
    return PurePosixPath(urlsplit(_address(row, picture)).path).name or file_name(row)
