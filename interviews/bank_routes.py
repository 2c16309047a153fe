"""Pages of item banks: which there are, their items and rules, files, publishing, versions."""

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from accounts import organisations
from accounts.models import Organisation, OrganisationKind, RoleName
from core import audit, formats, once
from core.access import require, requires
from core.clock import now
from core.db import db_session, find
from core.errors import Invalid
from core.web import Page
from experts.fields import Field
from interviews import (
    bank_check,
    bank_drafts,
    bank_files,
    bank_forms,
    bank_lists,
    bank_publishing,
    bank_withdrawals,
    bank_words,
    banks,
    gaps,
    items,
    statistics,
)
from interviews.bank_check import Content, Problem
from interviews.bank_models import BankDraft

bp = Blueprint("item_banks", __name__)
PER_PAGE = 25


@dataclass(frozen=True)
class Whose:
    """Who a bank would belong to that is not there yet; nobody is the instance."""

    organisation_id: int | None


class NoFile(Invalid):
    """Choose a file, of at most 8 MB."""


@bp.get("/item-banks")
@requires("item_bank.edit")
def all_banks() -> ResponseReturnValue:
    """Show the banks that one may edit, and where one could be begun."""
    session = db_session()
    groups: list[tuple[Organisation | None, list[tuple[Field, Any]]]] = []
    if current_user.has(RoleName.OPERATOR):
        groups.append((None, _of_group(None)))
    for organisation in organisations.administered(session, current_user.id):
        if organisation.kind is OrganisationKind.OWNER:
            groups.append((organisation, _of_group(organisation.id)))
    return render_template("interviews/item_banks.html", groups=groups)


@bp.post("/item-banks")
@requires("item_bank.edit")
def begin() -> ResponseReturnValue:
    """Begin to edit a bank; a second click leads to the same one."""
    field = next((one for one in Field if one == request.form.get("field")), None)
    named = request.form.get("organisation", "")
    if field is None or (named and not named.isdecimal()):
        raise bank_drafts.NoSuchKind
    organisation_id = find(Organisation, int(named)).id if named else None
    require("item_bank.edit", Whose(organisation_id))
    by, at = current_user.id, now()
    draft = bank_drafts.begin(db_session(), field, organisation_id, by=by, at=at)
    return redirect(url_for(".bank", bank_id=draft.id))


@bp.get("/item-banks/<int:bank_id>")
@requires("item_bank.edit")
def bank(bank_id: int) -> ResponseReturnValue:
    """List the items of a bank."""
    draft = mine(bank_id)
    content, wanted = bank_drafts.content_of(draft), bank_lists.Wanted.of(request.args)
    problems = bank_check.of_bank(content)
    lines = bank_lists.lines(content, problems, figures_of(draft))
    return render_template(
        "interviews/item_bank.html",
        **frame(draft),
        content=content,
        wanted=wanted,
        page_of_items=_page(bank_lists.chosen(lines, wanted)),
        of_bank=[one for one in problems if one.item is None],
        wrong=len({one.item for one in problems if one.item}),
        news=bank_drafts.starter_news(draft),
        kinds=bank_words.KINDS,
        enough=statistics.ENOUGH,
        once=once.new_key(),
    )


@bp.post("/item-banks/<int:bank_id>/starter")
@requires("item_bank.edit")
def take_starter(bank_id: int) -> ResponseReturnValue:
    """Take over what a newer starter bank brings, or leave it."""
    draft, how = mine(bank_id, lock=True), request.form.get("how", "leave")
    if bank_drafts.take_starter(db_session(), draft, how, by=current_user.id, at=now()):
        flash(_("Done. It counts once you publish the bank."), "success")
    return redirect(url_for(".bank", bank_id=bank_id))


@bp.get("/item-banks/<int:bank_id>/rules")
@requires("item_bank.edit")
def rules(bank_id: int) -> ResponseReturnValue:
    """Show competencies, rule, retakes and the length of interviews."""
    draft = mine(bank_id)
    return _rules_page(draft, bank_drafts.content_of(draft))


@bp.post("/item-banks/<int:bank_id>/rules")
@requires("item_bank.edit")
def save_rules(bank_id: int) -> ResponseReturnValue:
    """Keep competencies, rule, retakes and the length of interviews, as they were typed."""
    draft = mine(bank_id, lock=True)
    before = bank_drafts.content_of(draft)
    typed = bank_forms.rules_of(request.form, before)
    remove = request.form.get("act", "").partition("remove:")[2]
    typed["competencies"].pop(remove, None)
    seen = request.form.get("seen", "")
    try:
        bank_drafts.save_rules(draft, typed, seen=seen, by=current_user.id, at=now())
    except bank_drafts.ChangedMeanwhile:
        return _rules_page(draft, typed, theirs=before), 409
    flash(_("Saved. It counts once you publish the bank."), "success")
    return redirect(url_for(".rules", bank_id=bank_id))


@bp.get("/item-banks/<int:bank_id>/publish")
@requires("item_bank.edit")
def publish(bank_id: int) -> ResponseReturnValue:
    """Show what a new version changes, and what stands against it."""
    return _publish_page(mine(bank_id))


@bp.post("/item-banks/<int:bank_id>/publish")
@requires("item_bank.edit")
def make_version(bank_id: int) -> ResponseReturnValue:
    """Make the bank the one that new interviews use."""
    draft = mine(bank_id, lock=True)
    note, revision = request.form.get("note", ""), request.form.get("revision", 0, type=int)
    by, at = current_user.id, now()
    try:
        row = bank_publishing.publish(db_session(), draft, note, revision=revision, by=by, at=at)
    except (
        bank_publishing.SayWhat,
        bank_publishing.NotWhole,
        bank_publishing.NothingNew,
        bank_drafts.ChangedMeanwhile,
    ) as refused:
        return _publish_page(draft, note=note, refused=refused.words), refused.status
    flash(
        _("Version %(number)s is published. New interviews use it.", number=row.version), "success"
    )
    return redirect(url_for(".version", bank_id=bank_id, version=row.version))


@bp.get("/item-banks/<int:bank_id>/versions")
@requires("item_bank.edit")
def versions(bank_id: int) -> ResponseReturnValue:
    """List the versions of a bank."""
    draft = mine(bank_id)
    found = bank_drafts.versions(db_session(), draft)
    return render_template("interviews/bank_versions.html", **frame(draft), versions=found)


@bp.get("/item-banks/<int:bank_id>/versions/<int:version>")
@requires("item_bank.edit")
def version(bank_id: int, version: int) -> ResponseReturnValue:
    """Show what a version changed, and how it differs from the bank under work."""
    draft, session = mine(bank_id), db_session()
    there = bank_publishing.content_of(bank_drafts.of_version(session, draft, version)) or {}
    older = [one.version for one in bank_drafts.versions(session, draft) if one.version < version]
    before = bank_drafts.of_version(session, draft, older[0]) if older else None
    if before is None and draft.organisation_id is None:
        before = items.banks().get(draft.field)
    return render_template(
        "interviews/bank_version.html",
        **frame(draft),
        row=next(o for o in bank_drafts.versions(session, draft) if o.version == version),
        changes=bank_publishing.summary(bank_publishing.content_of(before), there),
        since=bank_publishing.summary(there, bank_drafts.content_of(draft)),
        there=there,
        first=not older,
    )


@bp.post("/item-banks/<int:bank_id>/versions/<int:version>/take-back")
@requires("item_bank.edit")
def take_back(bank_id: int, version: int) -> ResponseReturnValue:
    """Take the bank under work back to a version."""
    draft = mine(bank_id, lock=True)
    bank_drafts.take_back(db_session(), draft, version, by=current_user.id, at=now())
    flash(
        _("Taken back to version %(number)s. It counts once you publish.", number=version),
        "success",
    )
    return redirect(url_for(".publish", bank_id=bank_id))


@bp.get("/item-banks/<int:bank_id>/files")
@requires("item_bank.edit")
def files(bank_id: int) -> ResponseReturnValue:
    """Show the ways to take a bank out and to bring one in."""
    return _files_page(mine(bank_id))


@bp.get("/item-banks/<int:bank_id>/bank.json")
@requires("item_bank.edit")
def as_json(bank_id: int) -> ResponseReturnValue:
    """Give the bank under work as a file."""
    draft = mine(bank_id)
    return _file(draft, bank_files.to_json(bank_drafts.content_of(draft)), "json")


@bp.get("/item-banks/<int:bank_id>/bank.csv")
@requires("item_bank.edit")
def as_csv(bank_id: int) -> ResponseReturnValue:
    """Give the questions of choice as a table."""
    draft = mine(bank_id)
    return _file(draft, bank_files.to_csv(bank_drafts.content_of(draft)), "csv")


@bp.post("/item-banks/<int:bank_id>/files")
@requires("item_bank.edit")
def bring_in(bank_id: int) -> ResponseReturnValue:
    """Take a file as the bank under work, or its questions into it."""
    draft = mine(bank_id, lock=True)
    sent = request.files.get("file")
    data = sent.read(bank_files.LARGEST + 1) if sent else b""
    if not data or len(data) > bank_files.LARGEST:
        return _files_page(draft, [Problem("", NoFile().words)]), 422
    try:
        words = _brought(draft, data, request.form.get("what", ""))
    except bank_files.NotRead as wrong:
        return _files_page(draft, wrong.problems), 422
    flash(words, "success")
    return redirect(url_for(".bank", bank_id=bank_id, state="all"))


def mine(bank_id: int, *, lock: bool = False) -> BankDraft:
    """Return a bank that the person who asks may edit."""
    found = find(BankDraft, bank_id, lock=lock)
    require("item_bank.edit", found)
    return found


def frame(draft: BankDraft) -> dict[str, Any]:
    """Return what every page of a bank shows."""
    session = db_session()
    owning = session.get(Organisation, draft.organisation_id) if draft.organisation_id else None
    return {
        "draft": draft,
        "owning": owning,
        "counts": banks.now_of(session, draft.field, draft.organisation_id),
        "withdrawal": bank_withdrawals.of(session, draft),
        "language": str(formats.locale().language),
        "place": bank_words.place,
        "hardness": bank_words.hardness,
        "value": bank_words.value,
    }


def figures_of(draft: BankDraft) -> dict[str, statistics.ItemFigures]:
    """Return how the items fare that count now."""
    session, counts = db_session(), banks.now_of(db_session(), draft.field, draft.organisation_id)
    if counts is None:
        return {}
    language, organisation_id = str(formats.locale().language), draft.organisation_id
    found = statistics.items(session, counts, language, at=now(), organisation_id=organisation_id)
    return {one.item.id: one for one in found}


def _of_group(organisation_id: int | None) -> list[tuple[Field, Any]]:
    session, found = db_session(), []
    for field in Field:
        draft = bank_drafts.of(session, field, organisation_id)
        counts = banks.now_of(session, field, organisation_id)
        content = bank_drafts.content_of(draft) if draft else None
        row = {
            "draft": draft,
            "counts": counts,
            "news": bank_drafts.starter_news(draft) if draft else None,
            "withdrawn": draft is not None and bank_withdrawals.of(session, draft) is not None,
            "items": len(content["items"]) if content else len(counts.items) if counts else 0,
            "waits": content is not None
            and not bank_publishing.summary(bank_publishing.content_of(counts), content).is_empty,
        }
        found.append((field, row))
    return found


def _page(lines: list[bank_lists.Line]) -> Page[bank_lists.Line]:
    last = max(1, -(-len(lines) // PER_PAGE))
    number = min(max(1, request.args.get("page", 1, type=int)), last)
    shown = lines[(number - 1) * PER_PAGE : number * PER_PAGE]
    return Page(shown, number, PER_PAGE, len(lines))


def _rules_page(draft: BankDraft, content: Content, *, theirs: Content | None = None) -> str:
    problems = [one for one in bank_check.of_bank(content) if one.item is None]
    asked = {item.get("competency") for item in content["items"]}
    return render_template(
        "interviews/bank_rules.html",
        **frame(draft),
        content=content,
        f=bank_forms.Shown(content, problems),
        seen=bank_drafts.rules_seal(theirs or content),
        theirs=bank_publishing.differences(_rules_only(theirs), _rules_only(content))
        if theirs
        else [],
        asked=asked,
        facts=_facts(content),
    )


def _rules_only(content: Content) -> Content:
    return {name: content[name] for name in bank_drafts.RULES}


def _facts(content: Content) -> dict[str, Any]:
    """Return what rules mean for those who take an interview, as far as it can be said."""
    whole = bank_check.whole(content)
    if whole is None:
        return {}
    return {
        "least": whole.questions_least,
        "most": whole.questions,
        "minutes": whole.minutes(whole.questions_least),
        "minutes_most": whole.minutes(whole.questions),
    }


def _publish_page(draft: BankDraft, *, note: str = "", refused: str = "") -> str:
    content = bank_drafts.content_of(draft)
    session, whole = db_session(), bank_check.whole(content)
    counts = banks.now_of(session, draft.field, draft.organisation_id)
    return render_template(
        "interviews/bank_publish.html",
        **frame(draft),
        content=content,
        changes=bank_publishing.summary(bank_publishing.content_of(counts), content),
        problems=bank_check.of_bank(content),
        lacking=gaps.after(session, draft, whole) if whole else [],
        field_lacks=gaps.field_after(session, draft, whole) if whole else None,
        note=note,
        refused=refused,
    )


def _files_page(draft: BankDraft, problems: list[Problem] | None = None) -> str:
    return render_template(
        "interviews/bank_files.html",
        **frame(draft),
        problems=(problems or [])[:100],
        more=max(0, len(problems or []) - 100),
        columns=bank_files.COLUMNS,
        competencies=list(bank_drafts.content_of(draft)["competencies"]),
    )


def _file(draft: BankDraft, words: str, kind: str) -> Response:
    by, subject = current_user.id, f"item_bank:{draft.id}"
    audit.record_reading("item_bank.exported", by=by, subject=subject, file=kind)
    headers = {"Content-Disposition": f'attachment; filename="{draft.field}-bank.{kind}"'}
    mimetype = {"json": "application/json", "csv": "text/csv"}[kind]
    return Response(words, mimetype=mimetype, headers=headers)


def _brought(draft: BankDraft, data: bytes, what: str) -> Any:
    session, by, at = db_session(), current_user.id, now()
    if what == "csv":
        competencies = bank_drafts.content_of(draft)["competencies"]
        found = bank_files.from_csv(data, competencies)
        added, replaced = bank_drafts.put_items(session, draft, found, by=by, at=at)
        return _("%(added)s items added, %(replaced)s replaced.", added=added, replaced=replaced)
    content = bank_files.from_json(data, draft.field)
    count = len(content["items"])
    bank_drafts.replace_all(session, draft, content, "imported", by=by, at=at, items=count)
    return _("The bank under work is the one of the file now: %(count)s items.", count=count)
