"""What is counted while the rows of a release are written: for its card, page and manifest."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc


@dataclass
class Tally:
    """Sums over the rows; its size does not grow with their number."""

    rows: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    labels: Counter[str] = field(default_factory=Counter)
    by_majority: int = 0
    differ: int = 0
    span_labels: Counter[str] = field(default_factory=Counter)
    paths: Counter[str] = field(default_factory=Counter)
    classes: Counter[str] = field(default_factory=Counter)
    prices: Counter[str] = field(default_factory=Counter)
    experts: set[int] = field(default_factory=set)
    answers: int = 0
    compared: int = 0
    agreement: float = 0.0
    unanimous: int = 0
    confidence: float = 0.0
    personal: Counter[str] = field(default_factory=Counter)
    personal_rows: int = 0

    def add(self, table: pa.Table, experts: pa.ChunkedArray, personal: pa.ChunkedArray) -> None:
        """Count some rows, with the experts behind them and the personal data found in them."""
        self.rows += table.num_rows
        self.labels.update(_values(pc.fill_null(table["label"], "")))
        marks = pc.list_flatten(table["spans"])
        self.span_labels.update(_values(pc.struct_field(marks, "label")) if len(marks) else {})
        self.paths.update(_values(table["review_path"]))
        self.classes.update(_values(pc.list_flatten(table["credential_classes"])))
        self.prices.update(_values(table["price_class"]))
        self.experts.update(pc.unique(pc.list_flatten(experts)).to_pylist())
        self.answers += pc.sum(table["annotator_count"]).as_py() or 0
        self.confidence += pc.sum(table["confidence"]).as_py() or 0.0
        self._add_agreement(table["agreement"])
        self.by_majority += table.num_rows - table["majority"].null_count
        self.differ += pc.sum(pc.not_equal(table["majority"], table["label"])).as_py() or 0
        self.personal.update(_values(pc.list_flatten(personal)))
        self.personal_rows += pc.sum(pc.greater(pc.list_value_length(personal), 0)).as_py() or 0

    def facts(self) -> dict[str, Any]:
        """Return the sums as the manifest states them."""
        return {
            "left_out": _counts(self.left_out),
            "labels": _counts(self.labels),
            "span_labels": _counts(self.span_labels),
            "review_paths": _counts(self.paths),
            "credential_classes": _counts(self.classes),
            "price_classes": _counts(self.prices),
            "annotators": len(self.experts),
            "answers_per_row": round(self.answers / self.rows, 3),
            "confidence": round(self.confidence / self.rows, 4),
            "agreement": {
                "rows": self.compared,
                "mean": round(self.agreement / self.compared, 4) if self.compared else None,
                "unanimous": self.unanimous,
            },
            "beside_majority": {"rows": self.by_majority, "differ": self.differ},
        }

    def _add_agreement(self, shares: pa.ChunkedArray) -> None:
        self.compared += len(shares) - shares.null_count
        self.agreement += pc.sum(shares).as_py() or 0.0
        self.unanimous += pc.sum(pc.equal(shares, 1.0)).as_py() or 0


def _values(column: pa.ChunkedArray | pa.Array) -> dict[str, int]:
    counted = pc.value_counts(column)
    return {
        one["values"]: one["counts"] for one in counted.to_pylist() if one["values"] is not None
    }


def _counts(counter: Counter[str]) -> dict[str, int]:
    """Return counts, the most frequent first, and in one order for equal ones."""
    return dict(sorted(counter.items(), key=lambda item: (-item[1], item[0])))
