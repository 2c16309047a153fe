"""Pages of one item of a bank: written, looked at as candidates see it, tried, retired."""

from collections.abc import Callable
from random import Random
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from pydantic import ValidationError

from core import formats, once
from core.access import requires
from core.clock import now
from core.db import db_session
from interviews import (
    bank_check,
    bank_drafts,
    bank_forms,
    bank_lists,
    bank_publishing,
    bank_words,
    curves,
    plan,
    scoring,
)
from interviews.bank_check import Content
from interviews.bank_models import BankDraft
from interviews.bank_routes import figures_of, frame, mine
from interviews.forms import AnswerForm, form_for
from interviews.items import Case, Item, Short
from interviews.scoring import Mark

bp = Blueprint("item_bank_items", __name__)
LANGUAGES = ("en", "fr")


@bp.post("/item-banks/<int:bank_id>/items")
@requires("item_bank.edit")
def add(bank_id: int) -> ResponseReturnValue:
    """Add an item of a kind; a second click leads to the same one."""
    draft, kind = mine(bank_id, lock=True), request.form.get("kind", "")
    return _made(draft, lambda: bank_drafts.add_item(draft, kind, by=current_user.id, at=now()))


@bp.get("/item-banks/<int:bank_id>/items/<item_id>")
@requires("item_bank.edit")
def item(bank_id: int, item_id: str) -> ResponseReturnValue:
    """Show an item, to be written."""
    draft = mine(bank_id)
    return _item_page(draft, bank_drafts.item_of(bank_drafts.content_of(draft), item_id))


@bp.post("/item-banks/<int:bank_id>/items/<item_id>")
@requires("item_bank.edit")
def save(bank_id: int, item_id: str) -> ResponseReturnValue:
    """Keep an item as it was typed, with a row more or less where a button asks for it."""
    draft = mine(bank_id, lock=True)
    before = bank_drafts.item_of(bank_drafts.content_of(draft), item_id)
    typed, wanted = bank_forms.item_of(request.form, before), request.form.get("act", "save")
    typed = bank_forms.act(typed, wanted)
    seen = request.form.get("seen", "")
    try:
        bank_drafts.save_item(draft, typed, seen=seen, by=current_user.id, at=now())
    except bank_drafts.ChangedMeanwhile:
        return _item_page(draft, typed, theirs=before), 409
    if wanted == "save":
        flash(_("Saved. It counts once you publish the bank."), "success")
    anchor = None if wanted == "save" else "question"
    return redirect(url_for(".item", bank_id=bank_id, item_id=item_id, _anchor=anchor))


@bp.post("/item-banks/<int:bank_id>/items/<item_id>/preview")
@requires("item_bank.edit")
def preview(bank_id: int, item_id: str) -> ResponseReturnValue:
    """Show what is typed as a candidate would see it; nothing is kept."""
    draft = mine(bank_id)
    before = bank_drafts.item_of(bank_drafts.content_of(draft), item_id)
    typed = bank_forms.item_of(request.form, before)
    return render_template("interviews/_bank_preview.html", draft=draft, **_seen(typed))


@bp.post("/item-banks/<int:bank_id>/items/<item_id>/try")
@requires("item_bank.edit")
def try_answer(bank_id: int, item_id: str) -> ResponseReturnValue:
    """Show what an answer to the saved item would earn; nothing is kept."""
    draft = mine(bank_id)
    found = bank_drafts.item_of(bank_drafts.content_of(draft), item_id)
    item = _whole(found)
    if item is None:
        return redirect(url_for(".item", bank_id=bank_id, item_id=item_id))
    form = _form(item, _language())()
    if not form.validate_on_submit():
        return _item_page(draft, found, tried=form), 422
    return _item_page(draft, found, tried=form, mark=scoring.mark(item.question, form.given()))


@bp.get("/item-banks/<int:bank_id>/items/<item_id>/versions")
@requires("item_bank.edit")
def history(bank_id: int, item_id: str) -> ResponseReturnValue:
    """Show the words that an item had, version by version."""
    draft = mine(bank_id)
    content = bank_drafts.item_of(bank_drafts.content_of(draft), item_id)
    return render_template(
        "interviews/bank_item_versions.html",
        **frame(draft),
        item=content,
        past=_past(draft, item_id, content),
    )


@bp.post("/item-banks/<int:bank_id>/items/<item_id>/versions/<int:version>/take-back")
@requires("item_bank.edit")
def take_back(bank_id: int, item_id: str, version: int) -> ResponseReturnValue:
    """Give an item the words that it had in a version."""
    draft, by = mine(bank_id, lock=True), current_user.id
    bank_drafts.take_item_back(db_session(), draft, item_id, version, by=by, at=now())
    flash(_("Saved. It counts once you publish the bank."), "success")
    return redirect(url_for(".item", bank_id=bank_id, item_id=item_id))


@bp.post("/item-banks/<int:bank_id>/items/<item_id>/copy")
@requires("item_bank.edit")
def copy(bank_id: int, item_id: str) -> ResponseReturnValue:
    """Add an item with the words of another; a second click leads to the same one."""
    draft, by = mine(bank_id, lock=True), current_user.id
    return _made(draft, lambda: bank_drafts.copy_item(draft, item_id, by=by, at=now()))


@bp.post("/item-banks/<int:bank_id>/items/<item_id>/retire")
@requires("item_bank.edit")
def retire(bank_id: int, item_id: str) -> ResponseReturnValue:
    """Let an item be asked no more."""
    draft = mine(bank_id, lock=True)
    if bank_drafts.retire(db_session(), draft, item_id, by=current_user.id, at=now()):
        flash(_("Retired. New interviews ask it no more once you publish the bank."), "success")
    return redirect(url_for(".item", bank_id=bank_id, item_id=item_id))


@bp.post("/item-banks/<int:bank_id>/items/<item_id>/restore")
@requires("item_bank.edit")
def restore(bank_id: int, item_id: str) -> ResponseReturnValue:
    """Let a retired item be asked again."""
    draft = mine(bank_id, lock=True)
    if bank_drafts.restore(db_session(), draft, item_id, by=current_user.id, at=now()):
        flash(_("Taken up again. It counts once you publish the bank."), "success")
    return redirect(url_for(".item", bank_id=bank_id, item_id=item_id))


@bp.post("/item-banks/<int:bank_id>/items/<item_id>/discard")
@requires("item_bank.edit")
def discard(bank_id: int, item_id: str) -> ResponseReturnValue:
    """Forget an item that was never published; a second click finds it done."""
    draft, key = mine(bank_id, lock=True), request.form.get("once", "")
    session, me = db_session(), current_user.id
    if not key or once.first_use(session, key, user_id=me, at=now()):
        bank_drafts.discard(session, draft, item_id, by=me, at=now())
        flash(_("Discarded."), "success")
    return redirect(url_for("item_banks.bank", bank_id=bank_id))


def _made(draft: BankDraft, make: Callable[[], str]) -> ResponseReturnValue:
    session, me, key = db_session(), current_user.id, request.form.get("once", "")
    there = url_for("item_banks.bank", bank_id=draft.id)
    if key and not once.first_use(session, key, user_id=me, at=now()):
        return redirect(once.led_to(session, key, user_id=me) or there)
    made = url_for(".item", bank_id=draft.id, item_id=make())
    if key:
        once.remember(session, key, made, user_id=me)
    return redirect(made)


def _language() -> str:
    wanted = request.values.get("language", "")
    return wanted if wanted in LANGUAGES else str(formats.locale().language)


def _whole(content: Content) -> Item | None:
    try:
        return Item.model_validate(content)
    except ValidationError:
        return None


def _form(item: Item, language: str) -> type[AnswerForm]:
    # The same order each time, so that who looks twice sees the same.
    step = plan.step(item, curves.prior(item), Random(item.id))  # noqa: S311 - it guards nothing
    return form_for(item, step, language)


def _seen(
    content: Content, tried: AnswerForm | None = None, mark: Mark | None = None
) -> dict[str, Any]:
    """Return an item as a candidate sees it, and what an answer to it earned."""
    item, language = _whole(content), _language()
    form = tried
    if form is None and item is not None:
        form = _form(item, language)(formdata=None)
    return {
        "seen_item": item,
        "seen_form": form,
        "seen_language": language,
        "earned": mark,
        "readings": _readings(item, mark, language),
    }


def _readings(item: Item | None, mark: Mark | None, language: str) -> list[dict[str, Any]]:
    """Return what was found in an answer, check by check or part by part."""
    if item is None or mark is None:
        return []
    question = item.question
    if isinstance(question, Short):
        return [
            {
                "words": question.checks[one.check].words.in_(language),
                "met": one.met,
                "quote": one.quote,
            }
            for one in mark.readings
        ]
    if isinstance(question, Case):
        return [
            {"words": question.parts[key].prompt.in_(language), "met": points >= 1}
            for key, points in mark.parts.items()
        ]
    return []


def _past(draft: BankDraft, item_id: str, content: Content) -> list[dict[str, Any]]:
    """Return the versions in which an item had other words than in the one before."""
    session, found, later = db_session(), [], bank_drafts.canonical(content)
    for row in bank_drafts.versions(session, draft):
        bank = bank_drafts.of_version(session, draft, row.version)
        for one in [*bank.items, *bank.retired]:
            words = one.model_dump(mode="json")
            if one.id == item_id and bank_drafts.canonical(words) != later:
                later = bank_drafts.canonical(words)
                changes = bank_publishing.differences(words, content)
                found.append({"row": row, "changes": changes})
    return found


def _item_page(
    draft: BankDraft,
    content: Content,
    *,
    theirs: Content | None = None,
    tried: AnswerForm | None = None,
    mark: Mark | None = None,
) -> str:
    whole = bank_drafts.content_of(draft)
    item_id = content["id"]
    problems = bank_check.of_item(content, whole["competencies"])
    is_new = bank_lists.is_untouched(content)
    return render_template(
        "interviews/bank_item.html",
        **frame(draft),
        **_seen(content, tried, mark),
        content=whole,
        item=content,
        f=bank_forms.Shown(content, [] if is_new else problems),
        seen=bank_drafts.seal(theirs or content),
        theirs=bank_publishing.differences(theirs, content) if theirs else [],
        is_conflict=theirs is not None,
        is_new=is_new,
        is_retired=bank_drafts.is_retired(whole, item_id),
        was_published=item_id in bank_drafts.published_ids(db_session(), draft),
        figures=figures_of(draft).get(item_id),
        kinds=bank_words.KINDS,
        once=once.new_key(),
        once_discarded=once.new_key(),
    )
