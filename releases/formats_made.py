"""Formats that are made from a built release: which there are, which fit, and their files.

They follow from the release alone, so they are made after it by a job, may be made again at any
time, and never change what the release itself is.
"""

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from core.errors import NotFound
from projects.models import Project
from releases import (
    format_audio,
    format_images,
    format_language,
    format_spacy,
    format_text,
    storage,
)
from releases.delivery_models import ReleaseFormat
from releases.format_source import Out, Source, Unfit, read
from releases.models import Release, State
from releases.serving import File

FOLDER = "formats"
AT_ONCE = 20


@dataclass(frozen=True)
class Format:
    """A format: its words, who reads it, and what makes it. A new `maker` makes it anew."""

    words: Any
    make: Callable[[Source, Out], None]
    maker: int = 1


FORMATS: dict[str, Format] = {
    "csv": Format(_l("CSV, for spreadsheets"), format_text.comma_separated, maker=2),
    "label-studio": Format(_l("Label Studio’s JSON"), format_text.label_studio),
    "conll": Format(_l("CoNLL-2003, tokens with BIO tags"), format_text.conll, maker=2),
    "spacy": Format(_l("spaCy’s DocBin"), format_spacy.docbin, maker=2),
    "coco": Format(_l("COCO, pictures with boxes, polygons and masks"), format_images.coco),
    "yolo": Format(_l("YOLO, pictures with boxes"), format_images.yolo),
    "voc": Format(_l("Pascal VOC, pictures with boxes"), format_images.voc),
    "masks": Format(_l("Masks of brushes as PNG"), format_images.masks),
    "audio": Format(_l("Manifest of recordings for speech recognition"), format_audio.manifest),
    "messages": Format(_l("Messages for fine-tuning (TRL)"), format_language.messages),
    "prompt-completion": Format(
        _l("Prompt and completion (TRL)"), format_language.prompt_completion
    ),
    "preference": Format(_l("Preference pairs (TRL)"), format_language.preference),
    "unpaired": Format(_l("Unpaired preference (TRL)"), format_language.unpaired, maker=2),
    "stepwise": Format(_l("Stepwise supervision (TRL)"), format_language.stepwise),
    "rubric": Format(_l("Answers graded by a rubric"), format_language.rubric),
    "openai-sft": Format(_l("Fine-tuning file (OpenAI)"), format_language.openai_sft),
    "openai-dpo": Format(_l("Preference file (OpenAI)"), format_language.openai_dpo),
}


@dataclass(frozen=True)
class Made:
    """What came of a format: its files, or why it does not fit."""

    name: str
    files: list[dict[str, Any]] | None
    rows: int
    left_out: int
    reason: str | None


def waiting(session: Session) -> list[Release]:
    """Return ready releases for which a format was not tried yet, the newest first."""
    makers = [(name, made.maker) for name, made in FORMATS.items()]
    tried = (
        select(func.count())
        .where(
            ReleaseFormat.release_id == Release.id,
            tuple_(col(ReleaseFormat.name), col(ReleaseFormat.maker)).in_(makers),
        )
        .scalar_subquery()
    )
    query = select(Release).where(Release.state == State.READY, tried < len(makers))
    return list(session.exec(query.order_by(col(Release.id).desc()).limit(AT_ONCE)))


def config_of(session: Session, release: Release) -> str:
    """Return the label config of a release's project."""
    return session.get_one(Project, release.project_id).label_config


def source_of(root: Path, release: Release, config: str) -> Source | Unfit:
    """Return what formats of a release are made from, or why none can be."""
    try:
        return read(storage.folder(root, release), release.facts, config)
    except (Unfit, ValueError) as error:
        return Unfit(str(error))


def make(root: Path, release: Release, name: str, source: Source | Unfit) -> Made:
    """Make one format of a release beside it, whole or not at all; no database is asked."""
    if isinstance(source, Unfit):
        return Made(name, None, 0, 0, str(source))
    folder = storage.start(root, release.id or 0, kind=f"{FOLDER}-{name}")
    out = Out(folder)
    try:
        FORMATS[name].make(source, out)
    except Unfit as error:
        shutil.rmtree(folder)
        return Made(name, None, 0, 0, str(error))
    if not out.rows:
        shutil.rmtree(folder)
        return Made(name, None, 0, out.left_out, "no row has what this format needs")
    files = [_listed(folder, path) for path in storage.files(folder)]
    storage.put(root, folder, place(release, name))
    return Made(name, files, out.rows, out.left_out, None)


def keep(session: Session, release: Release, made: Made, *, at: datetime) -> None:
    """Note what came of a format."""
    values = {
        "release_id": release.id,
        "name": made.name,
        "maker": FORMATS[made.name].maker,
        "files": made.files,
        "rows": made.rows,
        "left_out": made.left_out,
        "reason": made.reason,
        "made_at": at,
    }
    new = insert(ReleaseFormat).values(values)
    changed = {name: value for name, value in values.items() if name not in ("release_id", "name")}
    session.execute(new.on_conflict_do_update(index_elements=["release_id", "name"], set_=changed))


def of(session: Session, release_id: int) -> list[ReleaseFormat]:
    """Return what came of the formats of a release, in their order."""
    rows = session.exec(select(ReleaseFormat).where(ReleaseFormat.release_id == release_id)).all()
    order = list(FORMATS)
    return sorted(
        (one for one in rows if one.name in FORMATS), key=lambda one: order.index(one.name)
    )


def file(session: Session, release: Release, path: str) -> File:
    """Return a file of a format, named `formats/NAME/FILE`, or raise `NotFound`."""
    _folder, _, rest = path.partition("/")
    name, _, own = rest.partition("/")
    row = session.get(ReleaseFormat, (release.id, name)) if name in FORMATS else None
    found = next((one for one in (row and row.files) or [] if one["path"] == own), None)
    if found is None:
        raise NotFound
    said = f"{release.facts['name']}-{release.version}-{name}-{own.replace('/', '-')}"
    return File(f"{place(release, name)}/{own}", int(found["size"]), found["sha256"], said)


def place(release: Release, name: str) -> str:
    """Return where a format of a release is kept."""
    return storage.beside(release, f"{FOLDER}/{name}-{FORMATS[name].maker}")


def _listed(folder: Path, path: Path) -> dict[str, Any]:
    with (folder / path).open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    return {"path": path.as_posix(), "size": (folder / path).stat().st_size, "sha256": digest}
