"""Papers for people (statements, receipts, invoices) as PDF, typeset by Typst.

A paper is a template under `templates/` and plain values. What people typed reaches the template
as values and never as markup, so that it cannot draw, read files or fetch anything.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import typst

TEMPLATES = Path(__file__).resolve().parent.parent / "templates"
# Tagged for screen readers: PDF/UA-1, which Typst checks while it writes.
STANDARDS: Any = ["ua-1"]


def pdf(template: str, values: Mapping[str, Any], *, language: str, made_at: datetime) -> bytes:
    """Typeset a paper and return its PDF; the same values and time give the same bytes.

    `template` is a path below `templates/` ("payouts/statement.typ"); it finds `values` (anything
    that JSON can hold) and its language by importing `documents/frame.typ`. Amounts and dates are
    formatted by the caller: a paper computes nothing.
    """
    compiler = typst.Compiler(
        str(TEMPLATES / template),
        root=str(TEMPLATES),
        ignore_system_fonts=True,
        sys_inputs={"values": json.dumps(values), "language": language},
    )
    made = compiler.compile(
        format="pdf", pdf_standards=STANDARDS, timestamp=made_at.replace(microsecond=0)
    )
    if not isinstance(made, bytes):
        raise TypeError("a PDF is one file")
    return made
