"""Files that people hand in: what is kept, how, and how they are given back."""

import io
import os
from datetime import timedelta

import pytest
from werkzeug.datastructures import FileStorage

from core import uploads
from core.clock import now
from core.models import Upload

PDF = b"%PDF-1.7 a proof"


def sent(name, content=PDF):
    return FileStorage(io.BytesIO(content), filename=name)


def kept(session, folder, *files):
    ids = uploads.store(
        session, uploads.check(files), by=7, purpose="appeal", folder=folder, at=now()
    )
    return uploads.of(session, ids)


@pytest.mark.parametrize(
    ("name", "content", "refusal"),
    [
        ("a.exe", PDF, uploads.WrongKind),
        ("a.pdf", b"<html>", uploads.WrongKind),
        ("a.png", PDF, uploads.WrongKind),
        ("a.svg", b"<svg/>", uploads.WrongKind),
        ("a.html", b"<p>x", uploads.WrongKind),
        ("a.txt", b"a\0b", uploads.WrongKind),
        ("a.txt", b"\xff\xfe", uploads.WrongKind),
        ("pdf", PDF, uploads.WrongKind),
        ("a.webp", b"RIFF1234WEBX", uploads.WrongKind),
        ("a.pdf", b"", uploads.Empty),
        ("a.pdf", PDF + b"x" * uploads.MOST_BYTES, uploads.TooBig),
    ],
)
def test_what_is_not_what_it_says_is_refused(name, content, refusal):
    with pytest.raises(refusal):
        uploads.check([sent("good.pdf"), sent(name, content)])


def test_more_than_five_are_refused_and_none_is_none():
    with pytest.raises(uploads.TooMany):
        uploads.check([sent("a.pdf")] * 6)
    assert uploads.check([FileStorage(io.BytesIO(b""), filename="")]) == []


def test_names_lose_their_folders_and_keep_their_end():
    found = uploads.check(
        [sent("../../etc/passwd.pdf"), sent("x" * 400 + ".pdf"), sent("épreuve 1.PDF")]
    )

    assert next(one.name for one in found) == "etc_passwd.pdf"
    assert all(len(one.name) <= uploads.NAME_MOST for one in found)
    assert all(one.name.lower().endswith(".pdf") for one in found)


def test_bytes_lie_outside_the_web_root_for_their_owner_only(session, tmp_path):
    [row] = kept(session, tmp_path, sent("a.pdf"))

    place = tmp_path / "uploads" / row.key[:2] / row.key
    assert place.read_bytes() == PDF
    assert place.stat().st_mode & 0o777 == 0o600
    assert (row.size, row.kind, row.by_user_id) == (len(PDF), "application/pdf", 7)


def test_a_file_comes_back_as_a_download_that_cannot_run(session, app, tmp_path):
    [row] = kept(session, tmp_path, sent("a.txt", b"<script>alert(1)</script>"))

    with app.test_request_context():
        answer = uploads.answer(row, tmp_path)

    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_the_sweep_deletes_only_what_has_no_row(session, tmp_path):
    [row] = kept(session, tmp_path, sent("a.pdf"))
    orphan = tmp_path / "uploads" / "ab" / "abandoned"
    orphan.parent.mkdir(parents=True, exist_ok=True)
    orphan.write_bytes(b"x")

    assert uploads.sweep(session, tmp_path, at=now()) == 0
    old = (now() - timedelta(days=2)).timestamp()
    for file in (orphan, tmp_path / "uploads" / row.key[:2] / row.key):
        os.utime(file, (old, old))
    assert uploads.sweep(session, tmp_path, at=now()) == 1
    assert not orphan.exists()
    assert session.get(Upload, row.id) is not None
