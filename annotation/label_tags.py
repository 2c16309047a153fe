"""The tags of Label Studio 1.23.2's editor, by what they do.

Taken from the editor's own registry; a test compares this list with the bundle that the server
serves, so that a new version cannot drift away unseen.
"""

from types import MappingProxyType

# A control's kind gives the key of its answer in a region's `value`.
ANSWER_KEYS = MappingProxyType(
    {
        "Choices": "choices",
        "DateTime": "datetime",
        "Number": "number",
        "Pairwise": "selected",
        "Ranker": "ranker",
        "Rating": "rating",
        "Taxonomy": "taxonomy",
        "TextArea": "text",
        "Labels": "labels",
        "HyperTextLabels": "hypertextlabels",
        "ParagraphLabels": "paragraphlabels",
        "RectangleLabels": "rectanglelabels",
        "PolygonLabels": "polygonlabels",
        "EllipseLabels": "ellipselabels",
        "KeyPointLabels": "keypointlabels",
        "BrushLabels": "brushlabels",
        "BitmaskLabels": "bitmasklabels",
        "VectorLabels": "vectorlabels",
        "TimeSeriesLabels": "timeserieslabels",
        "TimelineLabels": "timelinelabels",
    }
)

LABEL_KINDS = frozenset(kind for kind in ANSWER_KEYS if kind.endswith("Labels"))

# Shapes without an answer of their own: a `Labels` beside them names the region.
SHAPE_KINDS = frozenset(
    {
        "Bitmask",
        "Brush",
        "Ellipse",
        "KeyPoint",
        "MagicWand",
        "Polygon",
        "Rectangle",
        "Vector",
        "VideoRectangle",
    }
)

# Answers about the whole task (or one region of it), given once.
CLASSIFYING_KINDS = frozenset(ANSWER_KEYS) - LABEL_KINDS

CONTROLS = frozenset(ANSWER_KEYS) | SHAPE_KINDS

OBJECTS = frozenset(
    {
        "Audio",
        "AudioPlus",
        "HyperText",
        "Image",
        "List",
        "Paragraphs",
        "Pdf",
        "Table",
        "Text",
        "TimeSeries",
        "Video",
    }
)

OPTION_TAGS = frozenset({"Choice", "Label", "Relation"})

# Tags that lay out, explain or help, and take no answer of their own.
OTHERS = frozenset(
    {
        "Bucket",
        "Channel",
        "Collapse",
        "Dialog",
        "Filter",
        "Header",
        "Markdown",
        "MultiChannel",
        "PagedView",
        "Panel",
        "Relations",
        "Shortcut",
        "Style",
        "View",
    }
)

# The server accepts these, and the Community editor cannot show them.
ENTERPRISE = frozenset(
    {
        "Chat",
        "ChatMessage",
        "CustomInterface",
        "OcrLabels",
        "ReactCode",
        "VideoVector",
        "VideoVectorLabels",
    }
)

# The registry's own parts of a result, which no config names.
REGION_PARTS = frozenset(
    {
        "AudioRegion",
        "BitmaskRegion",
        "BrushRegion",
        "EllipseRegion",
        "KeyPointRegion",
        "PolygonRegion",
        "RectangleRegion",
        "TextAreaRegion",
        "TimeSeriesRegion",
        "VectorRegion",
    }
)
