"""Papers: what people typed stays text, and the same values give the same bytes."""

from datetime import UTC, datetime
from io import BytesIO

import pytest
from pypdf import PdfReader

from core import documents

AT = datetime(2026, 11, 1, 9, tzinfo=UTC)


@pytest.fixture
def template(tmp_path, monkeypatch):
    root = tmp_path / "templates"
    (root / "documents").mkdir(parents=True)
    frame = (documents.TEMPLATES / "documents/frame.typ").read_text()
    (root / "documents/frame.typ").write_text(frame)
    (root / "try.typ").write_text(
        '#import "/documents/frame.typ": *\n#show: paper\n#facts(values.facts)\n'
        "#rows(values.heads, values.lines, (auto, 1fr), right: (1,))\n"
    )
    monkeypatch.setattr(documents, "TEMPLATES", root)
    return "try.typ"


def values(**changed):
    return {
        "title": "Statement",
        "facts": [["Name", "Łucja Ωμέγα"]],
        "heads": ["What", "Amount"],
        "lines": [["Task 1", "12.00"]],
        "words": {},
        **changed,
    }


def text_of(paper: bytes) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(BytesIO(paper)).pages)


def test_a_paper_says_what_it_was_given_and_is_tagged_in_its_language(template):
    paper = documents.pdf(template, values(), language="fr", made_at=AT)

    assert "Łucja Ωμέγα" in text_of(paper)
    root = PdfReader(BytesIO(paper)).trailer["/Root"]
    assert root["/Lang"] == "fr"
    assert root["/MarkInfo"]["/Marked"]


def test_markup_that_somebody_typed_is_only_text(template):
    typed = '#read("/etc/passwd") $x^2$ *b* = @preview/x:1.0.0'

    paper = documents.pdf(template, values(facts=[["Name", typed]]), language="en", made_at=AT)

    assert '#read("/etc/passwd")' in text_of(paper)


def test_the_head_of_a_long_table_comes_again_on_each_page(template):
    lines = [[f"Task {n}", "1.00"] for n in range(200)]

    paper = documents.pdf(template, values(lines=lines), language="en", made_at=AT)

    pages = PdfReader(BytesIO(paper)).pages
    assert len(pages) > 2
    assert all("Amount" in page.extract_text() for page in pages)


def test_the_same_values_and_time_give_the_same_bytes(template):
    first = documents.pdf(template, values(), language="en", made_at=AT)

    assert documents.pdf(template, values(), language="en", made_at=AT) == first
