"""The facts of a release as people read them on its page, in their language."""

from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext

from core import charts, formats
from core.money import Money
from experts.fields import Field
from releases import columns
from releases.formats import paths_of
from releases.licences import NAMES
from releases.models import Release
from releases.splits import SHARES

Term = tuple[Any, Any] | tuple[Any, Any, Any]
EXCERPT = 160


def origin(release: Release) -> list[Term]:
    """Say where the labels come from: name, value and sometimes a note."""
    facts = release.facts
    return [
        (_("People"), _people(facts)),
        (
            _("Answers for each row"),
            _("%(mean)s accepted on average", mean=formats.number(facts["answers_per_row"], 1)),
        ),
        *_agreement(facts["work"]["agreement_before_review"], facts["agreement"]),
        (_("How answers became final"), _paths(facts["review_paths"])),
        *_known(facts),
        _pay(facts),
        (_("Due process"), _due_process(facts["work"])),
        (_("Guidelines"), _("version %(version)s", version=facts["project"]["guidelines_version"])),
        (_("Machine help"), _("None: people gave every label")),
    ]


def sums(release: Release) -> list[Term]:
    """Say how large a release is and on what terms it is read."""
    facts = release.facts
    rows = [facts["splits"].get(split, 0) for split in SHARES]
    return [
        (_("Rows"), formats.number(release.row_count)),
        (_("Train / validation / test"), " / ".join(map(formats.number, rows))),
        (_("Language"), facts["project"]["language"]),
        (_("Licence"), NAMES.get(facts["licence"], facts["licence"])),
        (_("Size"), size(release.size_bytes)),
        (_("Content"), short(str(release.commit))),
    ]


def splits_of(release: Release) -> list[str]:
    """Return the splits that have rows, the one to train on first."""
    return [split for split in SHARES if split in release.facts["splits"]]


def distribution(release: Release) -> charts.Figure | None:
    """Draw how often each label was given; marks where nothing was chosen for a row."""
    labels: dict[str, int] = release.facts["labels"]
    if set(labels) - {""}:
        note = ngettext("%(num)s row", "%(num)s rows", release.row_count)
        return _drawn(labels, _("Rows by label"), note)
    marks: dict[str, int] = release.facts["span_labels"]
    if marks:
        return _drawn(marks, _("Marks by label"), _("%(marks)s marks", marks=sum(marks.values())))
    return None


def size(count: int) -> str:
    """Write a number of bytes as people do."""
    for unit, bytes_ in ((_("GB"), 10**9), (_("MB"), 10**6), (_("kB"), 10**3)):
        if count >= bytes_:
            return f"{formats.number(count / bytes_, 1)}\N{NO-BREAK SPACE}{unit}"
    words: str = ngettext("%(num)s byte", "%(num)s bytes", count)
    return words


def short(digest: str) -> str:
    """Write a hash so that two can be told apart at a glance."""
    return f"{digest[:4]}…{digest[-4:]}"


def excerpt(row: dict[str, Any]) -> str:
    """Return the longest words of a row's data, cut to what a table can hold."""
    own = [
        value
        for key, value in row.items()
        if key not in columns.BEFORE | columns.fixed(overlap=True)
    ]
    longest = max((value for value in own if isinstance(value, str)), key=len, default="")
    return longest if len(longest) <= EXCERPT else longest[: EXCERPT - 1].rstrip() + "…"


def python_code(release: Release, base: str) -> str:
    """Return the lines that load a release with pandas."""
    first = splits_of(release)[0]
    [path, *more] = paths_of(release.facts, first)
    note = f"\n# {len(more) + 1} files hold this split; this is the first." if more else ""
    return f"""\
import os
import pandas as pd

files = "{base}/api/v1/releases/{release.id}/files/"
token = {{"Authorization": "Bearer " + os.environ["DOYEN_TOKEN"]}}
{note}
{first} = pd.read_parquet(
    files + "{path}", storage_options=token
)
{first}[["label", "confidence"]].head()"""


def hub_code(release: Release, base: str) -> str:
    """Return the lines that load a release with the `datasets` library."""
    name = f"{release.facts['organisation']['slug']}/{release.facts['name']}"
    return f"""\
import os

os.environ["HF_ENDPOINT"] = "{base}"
from datasets import load_dataset

dataset = load_dataset(
    "{name}", revision="v{release.version}", token=os.environ["DOYEN_TOKEN"]
)"""


def hub_shell_code(release: Release, base: str) -> str:
    """Return the lines that load a release with the `hf` command."""
    name = f"{release.facts['organisation']['slug']}/{release.facts['name']}"
    return f"""\
export HF_ENDPOINT={base} HF_TOKEN=$DOYEN_TOKEN
hf download {name} --repo-type dataset --revision v{release.version}"""


def duckdb_code(release: Release, base: str) -> str:
    """Return a query of DuckDB on a signed link."""
    files = ", ".join(f"'{base}/{path}'" for path in _first_split(release))
    return f"select label, count(*) from read_parquet([{files}]) group by label;"  # noqa: S608


def polars_code(release: Release, base: str) -> str:
    """Return the lines that read a signed link with polars."""
    files = ", ".join(f'"{base}/{path}"' for path in _first_split(release))
    return f"""\
import polars as pl

pl.scan_parquet([{files}]).select("id", "label").collect()"""


def _first_split(release: Release) -> list[str]:
    return paths_of(release.facts, splits_of(release)[0])


def link_code(base: str) -> str:
    """Return the lines that download a release by signed links and check its hashes."""
    return f"""\
files={base}
curl -fsS "$files/SHA256SUMS" -o SHA256SUMS
while read -r hash path; do
  mkdir -p "$(dirname "$path")"
  curl -fsS -C - "$files/$path" -o "$path"
done < SHA256SUMS
sha256sum --check SHA256SUMS"""


def shell_code(release: Release, base: str) -> str:
    """Return the lines that download a release and check its hashes."""
    return f"""\
files={base}/api/v1/releases/{release.id}/files
curl -fsSH "Authorization: Bearer $DOYEN_TOKEN" "$files/SHA256SUMS" -o SHA256SUMS
while read -r hash path; do
  mkdir -p "$(dirname "$path")"
  curl -fsSH "Authorization: Bearer $DOYEN_TOKEN" "$files/$path" -o "$path"
done < SHA256SUMS
sha256sum --check SHA256SUMS"""


def _people(facts: dict[str, Any]) -> str:
    words: str = ngettext(
        "%(num)s expert, who passed an interview in the field: %(field)s",
        "%(num)s experts, who passed an interview in the field: %(field)s",
        facts["annotators"],
        field=Field(facts["project"]["field"]).label,
    )
    return words


def _agreement(before: dict[str, Any], kept: dict[str, Any]) -> list[Term]:
    if before["pairs"] is None:
        return []
    words = _(
        "%(mean)s of the pairs of answers are the same", mean=formats.percent(before["pairs"], 1)
    )
    if before["alpha"] is not None:
        words += ", " + _("alpha %(alpha)s", alpha=formats.number(before["alpha"], 2))
    note = _("Over all answers handed in, before any review.")
    if kept["mean"] is not None:
        note += " " + _(
            "Among the accepted ones in the rows: %(mean)s.", mean=formats.percent(kept["mean"], 1)
        )
    return [(_("Agreement"), words, note)]


def _paths(paths: dict[str, int]) -> str:
    words = {
        "agreement": _("all experts agreed"),
        "review": _("reviewed by a person"),
        "silence": _("accepted when the time for review ran out"),
    }
    return "; ".join(
        f"{formats.number(count)} {words.get(path, path)}" for path, count in paths.items()
    )


def _known(facts: dict[str, Any]) -> list[Term]:
    count = facts["work"]["known_answer_tasks"]
    if not count:
        return []
    if facts["with_gold"]:
        words = ngettext("%(num)s, kept in", "%(num)s, kept in", count)
    else:
        words = ngettext("%(num)s, left out", "%(num)s, left out", count)
    return [(_("Tasks with a known answer"), words)]


def _pay(facts: dict[str, Any]) -> Term:
    price, hourly = facts["project"]["price"], facts["work"]["hourly_minor"]
    each = formats.money(Money(price["minor"], price["currency"]))
    words = _("%(amount)s an accepted answer", amount=each)
    if hourly is None:
        return (_("Pay"), words)
    rate = formats.money(Money(hourly, price["currency"]))
    return (_("Pay"), words, _("%(amount)s an hour, as observed", amount=rate))


def _due_process(work: dict[str, Any]) -> str:
    words: str = _(
        "%(refused)s answers refused, %(contested)s contested, %(changed)s decisions changed",
        refused=formats.number(work["refused"]),
        contested=formats.number(work["contested"]),
        changed=formats.number(work["changed_after_contest"]),
    )
    return words


def _drawn(counts: dict[str, int], caption: str, note: str) -> charts.Figure:
    # The database keeps the facts, but not their order.
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return charts.sideways(
        charts.Plan(
            caption=caption,
            alt=_("%(caption)s. The numbers are in the table below the chart.", caption=caption),
            axis=_("Label"),
            labels=[label or _("(none)") for label, _count in ordered],
            series=[charts.Series(caption, [count for _label, count in ordered])],
            note=note,
        )
    )
