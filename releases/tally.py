"""What is counted while the rows of a release go by: for its columns, its splits and its card."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from releases import columns, splits
from releases.rows import Row


@dataclass
class Tally:
    """Sums over the rows; its size does not grow with their number."""

    rows: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    kinds: columns.Kinds = field(default_factory=dict)
    groups: Counter[str] | None = field(default_factory=Counter)
    labels: Counter[str] = field(default_factory=Counter)
    span_labels: Counter[str] = field(default_factory=Counter)
    paths: Counter[str] = field(default_factory=Counter)
    annotators: Counter[str] = field(default_factory=Counter)
    answers: int = 0
    compared: int = 0
    agreement: float = 0.0
    unanimous: int = 0

    def add(self, row: Row) -> None:
        """Count a row."""
        self.rows += 1
        self._add_kinds(row["data"])
        self._add_group(row["group"])
        self.labels[row["label"] or ""] += 1
        self.span_labels.update(mark["label"] for mark in row["spans"])
        self.paths[row["review_path"]] += 1
        self.annotators.update(row["annotators"])
        self.answers += row["annotator_count"]
        if row["agreement"] is not None:
            self.compared += 1
            self.agreement += row["agreement"]
            self.unanimous += row["agreement"] == 1.0

    def facts(self) -> dict[str, Any]:
        """Return the sums as the manifest states them."""
        return {
            "left_out": _counts(self.left_out),
            "labels": _counts(self.labels),
            "span_labels": _counts(self.span_labels),
            "review_paths": _counts(self.paths),
            "annotators": len(self.annotators),
            "answers_per_row": round(self.answers / self.rows, 3),
            "agreement": {
                "rows": self.compared,
                "mean": round(self.agreement / self.compared, 4) if self.compared else None,
                "unanimous": self.unanimous,
            },
        }

    def _add_kinds(self, data: dict[str, Any]) -> None:
        for key, value in data.items():
            kinds = self.kinds.setdefault(key, set())
            kind = columns.kind_of(value)
            if kind is not None:
                kinds.add(kind)

    def _add_group(self, group: str) -> None:
        if self.groups is None:
            return
        self.groups[group] += 1
        if len(self.groups) > splits.FEW_GROUPS:
            self.groups = None


def _counts(counter: Counter[str]) -> dict[str, int]:
    """Return counts, the most frequent first, and in one order for equal ones."""
    return dict(sorted(counter.items(), key=lambda item: (-item[1], item[0])))
