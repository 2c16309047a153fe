"""The facts of a release as people read them on its page, in their language."""

from collections.abc import Iterable, Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from core import charts, formats
from core.money import Money
from experts import places
from experts.fields import Field
from releases import columns
from releases.catalogue import Entry
from releases.downloads import Usage
from releases.formats import paths_of
from releases.formats_made import FORMATS
from releases.licences import NAMES
from releases.models import Release
from releases.splits import SHARES

TASKS = {
    "text-classification": _l("Choices"),
    "token-classification": _l("Marks in texts"),
    "other": _l("Other"),
}
SIZE_WORDS = {
    "s": _l("Under 1,000 rows"),
    "m": _l("1,000 to 10,000 rows"),
    "l": _l("10,000 to 100,000 rows"),
    "xl": _l("100,000 to 1 million rows"),
    "xxl": _l("1 million rows and more"),
}
AGE_WORDS = {
    "30": _l("Newer than 30 days"),
    "90": _l("Newer than 90 days"),
    "365": _l("Newer than a year"),
}
ORDER_WORDS = {
    "newest": _l("Newest first"),
    "name": _l("By title"),
    "rows": _l("Most rows first"),
    "agreement": _l("Most agreement first"),
    "used": _l("Most used first"),
}
Term = tuple[Any, Any] | tuple[Any, Any, Any]
EXCERPT = 160


def origin(release: Release, counted: Mapping[str, Any] | None = None) -> list[Term]:
    """Say where the labels come from: name, value and sometimes a note.

    `counted` is what the columns hold (`statistics.of`), once it is known.
    """
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
        (_("Machine help"), _machines(counted)),
        *_personal(facts.get("personal_data")),
    ]


def _personal(scan: Mapping[str, Any] | None) -> list[Term]:
    """Say what was looked for in the words of the tasks, what became of it, and what was not."""
    if scan is None or scan["asked"] == "off":
        return [(_("Personal data"), _("Not looked for in the words of the tasks"))]
    found = ngettext("Found in %(num)s row", "Found in %(num)s rows", scan["rows"])
    done = _("hidden") if scan["asked"] == "mask" else _("left as it is")
    said = f"{found}, {done}" if scan["rows"] else _("None found of what has a form")
    if "names" not in scan:
        note = _("Names of persons, places and stories were not looked for.")
    else:
        said = said if scan["rows"] else _("None found")
        note = _(
            "Names of persons were looked for by %(model)s, which misses some. Places and stories"
            " were not looked for.",
            model=scan["names"],
        )
    return [(_("Personal data"), said, note)]


def _machines(counted: Mapping[str, Any] | None) -> str:
    """Say in how many rows an answer began with the prediction of a model."""
    every = counted["columns"] if counted else ()
    column = next((one for one in every if one["name"] == "started_from"), None)
    helped = sum(rows for value, rows in column["top"] if value != "blank") if column else 0
    if counted and column is None:
        words = _("Not noted in this release")  # it is older than the column
    elif column is None or not column["top"]:
        words = _("The column “started_from” says it row by row")
    elif not helped:
        words = _("None: people gave every label")
    else:
        facts = {"rows": formats.number(helped), "all": formats.number(column["rows"])}
        words = _("%(rows)s of %(all)s rows began with the prediction of a model", **facts)
    return str(words)


def sums(release: Release) -> list[Term]:
    """Say how large a release is and on what terms it is read."""
    facts = release.facts
    rows = [facts["splits"].get(split, 0) for split in SHARES]
    return [
        (_("Rows"), formats.number(release.row_count)),
        (_("Train / validation / test"), " / ".join(map(formats.number, rows))),
        (_("Language"), _language(facts["project"]["language"])),
        (_("Licence"), NAMES.get(facts["licence"], facts["licence"])),
        (_("Size"), size(release.size_bytes)),
        (_("Content"), short(str(release.commit))),
    ]


def holds(release: Release) -> list[Term]:
    """Say what a release that waits for its owner would give to readers."""
    facts = release.facts
    left = sum(facts.get("left_out", {}).values())
    personal = facts.get("personal_data", {})
    return [
        *sums(release),
        (_("Tasks left out"), formats.number(left)),
        (_("Rows with personal data found"), formats.number(personal.get("rows", 0))),
        (_("How answers became final"), _paths(facts["review_paths"])),
        *_known(facts),
    ]


def summary(entry: Entry) -> list[Term]:
    """Say of a dataset what the catalogue does: nothing of what its rows hold."""
    release, found = entry.release, entry.summary
    agreement = _("not measured") if found.agreement is None else formats.percent(found.agreement)
    return [
        (_("Owner"), entry.owner.name),
        (_("Rows"), formats.number(release.row_count)),
        (_("Labels"), ", ".join(found.labels[:12]) or _("marks alone")),
        (_("People"), class_words(found.classes) or _("not said")),
        (_("Pairs of answers that are the same"), agreement),
        (_("Field"), Field(found.field).label),
        (_("Language"), _language(found.language)),
        (_("Licence"), NAMES.get(release.licence, release.licence)),
        (_("Newest version"), f"{release.version}, {formats.day(release.asked_at)}"),
        (_("Size"), size(release.size_bytes)),
        (_("Used by others"), used(entry.usage)),
    ]


def _language(code: str) -> str:
    return places.language_name(code, formats.locale())


def class_words(classes: Iterable[str]) -> str:
    """Say what interviews had proven of those who answered."""
    words = {
        "interview-passed": _("interview passed"),
        "interview-strong": _("strong in the interview"),
        "interview-outstanding": _("outstanding in the interview"),
        "not-proven": _("nothing proven"),
    }
    return ", ".join(str(words.get(one, one)) for one in classes)


def used(usage: Usage) -> str:
    """Say how often a dataset was loaded whole, and by how many organisations."""
    if not usage.loads:
        return str(_("not loaded yet"))
    times = ngettext("loaded %(num)s time", "loaded %(num)s times", usage.loads)
    by = ngettext("by %(num)s organisation", "by %(num)s organisations", usage.organisations)
    return f"{times} {by}"


def choices(languages: Iterable[str]) -> dict[str, list[tuple[str, Any]]]:
    """Return what can be chosen in the catalogue, by filter; the first is anything."""
    return {
        "field": [("", _("Any")), *((str(one), one.label) for one in Field)],
        "language": [("", _("Any")), *((one, _language(one)) for one in languages)],
        "licence": [("", _("Any")), *NAMES.items()],
        "task": [("", _("Any")), *TASKS.items()],
        "format": [("", _("Any")), *((name, one.words) for name, one in FORMATS.items())],
        "size": [("", _("Any")), *SIZE_WORDS.items()],
        "age": [("", _("Any")), *AGE_WORDS.items()],
        "mine": [("", _("Any")), ("1", _("I may read"))],
        "order": list(ORDER_WORDS.items()),
    }


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
        "%(mean)s of a task’s pairs of answers are the same on average",
        mean=formats.percent(before["pairs"], 1),
    )
    if before["alpha"] is not None:
        words += ", " + _("alpha %(alpha)s", alpha=formats.number(before["alpha"], 2))
    note = _("Over all answers handed in, refused ones and those in their place too.")
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
