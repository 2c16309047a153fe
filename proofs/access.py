"""Every address as everybody, against somebody else's row: nothing leaks and nothing changes.

`matrix(app)` walks the app's URL map. For each address that names a row, `ROUTES` says which row
stands in it and who may; everybody else has to be refused, by whatever method the address takes,
with a valid CSRF token. Addresses without a row are opened as well: whom the permission table
refuses has to be refused, nobody may read what is another's there, and no row of another may
change. Everything happens in one transaction that is rolled back.

A new address that names a row needs a line in `ROUTES`; the error says which.
"""

import functools
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

from flask import Flask
from pypdf import PdfReader
from sqlalchemy import Connection, Engine, text
from sqlmodel import select
from werkzeug.routing import Rule

from accounts.models import TokenKind
from accounts.scopes import SCOPES
from app import create_app
from core.db import Database
from core.models import Letter
from proofs.access_world import (
    ALL,
    EXPERT,
    INVITED,
    OPERATOR,
    OWNER,
    OWNERS,
    READER,
    STRANGERS,
    World,
    strangers,
    theirs,
)
from tests import database
from tests.clients import CheckedClient
from tests.conftest import make_settings

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
REFUSED = (401, 403, 404)
ME, US, OPS = frozenset({EXPERT}), OWNERS, frozenset({OPERATOR})


@dataclass(frozen=True)
class Route:
    """What stands in an address that names a row, and who may use it.

    `rows` maps the parameters to names of `World.rows`, or to text as it is when it begins with
    `=`. `own` maps those whose own row is tried above a foreign child. `untried` says why nobody
    who may is sent there: then only the refusals are tried.
    """

    may: frozenset[str]
    rows: dict[str, str]
    own: dict[str, str] = field(default_factory=dict)
    untried: str = ""


ORGANISATION = {"organisation_id": "organisation"}
PROJECT = {"project_id": "project"}
DRAFT = {"project_id": "draft"}
BY_OWNER = functools.partial(Route, US, PROJECT)
OF_WORK = functools.partial(Route, ME, {"assignment_id": "assignment"})
OF_SAMPLE = functools.partial(Route, ME, {"sample_id": "work sample"})
OF_INTERVIEW = functools.partial(Route, ME, {"interview_id": "interview"})
OF_ANSWER = functools.partial(Route, OPS, {"answer_id": "answer to read"})
ADMIN = frozenset({OWNER})
WEBHOOK = {"webhook_id": "webhook"}
OF_WEBHOOK = functools.partial(Route, ADMIN, WEBHOOK)
OF_DELIVERY = functools.partial(Route, ADMIN, {**WEBHOOK, "delivery_id": "delivery"}, own=WEBHOOK)
BANK = {"bank_id": "item bank"}
OF_BANK = functools.partial(Route, ADMIN, BANK)
ITEM = {**BANK, "item_id": "bank item"}
OF_ITEM = functools.partial(Route, ADMIN, ITEM, own=BANK)
REPOSITORY = {"owner": "release owner", "name": "release name"}
REVISION = {"revision": "=main"}
HUB_VIEWS: dict[str, dict[str, str]] = {
    "info": REVISION,
    "tree": {**REVISION, "folder": "=data"},
    "paths_info": REVISION,
    "refs": {},
    "commits": REVISION,
    "auth_check": {},
    "croissant_file": {},
    "resolve": {**REVISION, "path": "release file"},
}
# How often something was tried is counted for refusals too.
WRITTEN = text(
    "select coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0) from pg_stat_xact_user_tables"
    " where relname <> 'rate_count'"
)
ASKS_STRIPE = "it would ask Stripe"

ROUTES: dict[str, Route] = {
    # accounts
    "accounts.organisation": Route(US, ORGANISATION),
    "accounts.rename_organisation": Route(frozenset({OWNER}), ORGANISATION),
    "accounts.invite_member": Route(frozenset({OWNER}), ORGANISATION),
    "accounts.change_member_role": Route(
        frozenset({OWNER}), {**ORGANISATION, "user_id": "member"}, own=ORGANISATION
    ),
    "accounts.remove_member": Route(
        # Everybody may leave: the member is the one who is named here.
        OWNERS,
        {**ORGANISATION, "user_id": "member"},
        own=ORGANISATION,
    ),
    "accounts.withdraw_invitation": Route(
        frozenset({OWNER}),
        {**ORGANISATION, "invitation_id": "member invitation"},
        own=ORGANISATION,
    ),
    "accounts.join": Route(frozenset({INVITED}), {"invitation_id": "member invitation"}),
    "accounts.answer_join": Route(
        frozenset({INVITED}), {"invitation_id": "member invitation", "answer": "=accept"}
    ),
    "sessions.end_session": Route(frozenset({READER}), {"sign_in_id": "sign-in"}),
    "tokens.revoke": Route(frozenset({READER}), {"token_id": "token"}),
    "webhooks.one": OF_WEBHOOK(),
    "webhooks.change": OF_WEBHOOK(),
    "webhooks.turn": Route(ADMIN, {"webhook_id": "webhook", "act": "=pause"}),
    "webhooks.send_test": OF_WEBHOOK(),
    "webhooks.rotate": OF_WEBHOOK(),
    "webhooks.end": OF_WEBHOOK(),
    "webhooks.again_since": OF_WEBHOOK(),
    "webhooks.delivery": OF_DELIVERY(),
    "webhooks.again": OF_DELIVERY(),
    "accounts_api.get_decision": Route(ME, {"decision_id": "decision"}),
    "accounts_api.end_token": Route(frozenset({READER}), {"token_id": "token"}),
    "webhooks_api.get_webhook": OF_WEBHOOK(),
    "webhooks_api.change_webhook": OF_WEBHOOK(),
    "webhooks_api.end_webhook": OF_WEBHOOK(),
    "webhooks_api.rotate_secret": OF_WEBHOOK(),
    "webhooks_api.test_webhook": OF_WEBHOOK(),
    "webhooks_api.replay": OF_WEBHOOK(),
    "webhooks_api.list_deliveries": OF_WEBHOOK(),
    "webhooks_api.get_delivery": OF_DELIVERY(),
    "webhooks_api.replay_one": OF_DELIVERY(),
    "decisions.one": Route(ME, {"decision_id": "decision"}),
    "decisions.file": Route(ME, {"decision_id": "decision"}),
    "decisions.withdraw": Route(ME, {"decision_id": "decision"}),
    "decisions.appeal": Route(US | OPS, {"appeal_id": "appeal"}),
    "decisions.answer": Route(US | OPS, {"appeal_id": "appeal"}),
    "email_change.link": Route(ME, {"token": "address link"}),
    "email_change.confirm": Route(ME, {"token": "address link"}),
    "privacy.download": Route(ME, {"export_id": "data export"}),
    "decisions.download": Route(ME | US | OPS, {"appeal_id": "appeal", "upload_id": "appeal file"}),
    # core
    "core.letter": Route(OPS, {"letter_id": "letter"}),
    # experts
    "experts.remove_licence": Route(ME, {"licence_id": "licence"}),
    "experts.restore_licence": Route(ME, {"licence_id": "licence"}),
    "experts_operator.one": Route(OPS, {"expert_id": "expert"}),
    "experts_operator.propose": Route(OPS, {"expert_id": "expert"}),
    "experts_operator.answer": Route(OPS, {"proposal_id": "proposal", "answer": "=decline"}),
    "experts_operator.lift": Route(OPS, {"expert_id": "expert"}),
    "experts_operator.licence": Route(OPS, {"licence_id": "licence"}),
    "experts_operator.refuse": Route(OPS, {"licence_id": "licence"}),
    # payouts
    "payouts.expert_money": Route(OPS, {"expert_id": "expert"}),
    "payouts.withhold": Route(OPS, {"expert_id": "expert"}),
    "payouts.send_again": Route(OPS, {"expert_id": "expert"}),
    "payouts.rail_line": Route(OPS, {"entry_id": "rail line"}),
    "payouts.explain_stop": Route(OPS, {"stop_id": "payout stop"}),
    "payouts.release_stop": Route(OPS, {"stop_id": "payout stop"}),
    "payouts.dispute": Route(OPS, {"dispute_id": "dispute"}),
    "payouts.take_back": Route(OPS, {"payout_id": "payout"}),
    "payouts.propose_take_back": Route(OPS, {"payout_id": "payout"}),
    "payouts.agree_to_reversal": Route(OPS, {"reversal_id": "reversal"}),
    "payouts.withdraw_reversal": Route(OPS, {"reversal_id": "reversal"}),
    "payouts.say_reversal": Route(OPS, {"reversal_id": "reversal"}),
    "payouts.statement": Route(ME, {"payout_id": "payout"}),
    "payouts.statement_pdf": Route(ME, {"payout_id": "payout"}),
    "payouts.statement_csv": Route(ME, {"payout_id": "payout"}),
    "payouts.expert_tax": Route(OPS, {"expert_id": "expert"}),
    "payouts.show_expert_tax": Route(OPS, {"expert_id": "expert"}),
    "payouts.look_now": Route(OPS, {"payout_id": "lost payout"}, untried=ASKS_STRIPE),
    "payouts.try_now": Route(OPS, {"payout_id": "lost payout"}),
    "payouts.run_page": Route(OPS, {"run_id": "payout run"}),
    "payouts.approve_run": Route(OPS, {"run_id": "payout run"}),
    "payouts.approval_page": Route(OPS, {"approval_id": "approval"}),
    "payouts.approve_payout": Route(OPS, {"approval_id": "approval"}),
    "payouts.refuse_payout": Route(OPS, {"approval_id": "approval"}),
    "payouts.event_page": Route(OPS, {"event_id": "rail event"}),
    "payouts.replay_event": Route(OPS, {"event_id": "rail event"}),
    "payouts.budget": BY_OWNER(),
    "payouts.budget_csv": BY_OWNER(),
    "payouts.deposit": Route(US, {**PROJECT, "deposit_id": "deposit"}, own=PROJECT),
    "payouts.go_on_paying": Route(
        US, {**PROJECT, "deposit_id": "deposit"}, own=PROJECT, untried=ASKS_STRIPE
    ),
    "payouts.receipt_pdf": Route(US, {**PROJECT, "deposit_id": "paid deposit"}, own=PROJECT),
    "payouts.invoice_pdf": Route(US, {"invoice_id": "invoice"}),
    "payouts.billing": Route(ADMIN, ORGANISATION),
    "payouts.change_billing": Route(ADMIN, ORGANISATION),
    "payouts.make_invoices": Route(ADMIN, ORGANISATION),
    "payouts.fund": BY_OWNER(),
    "payouts.begin_deposit": BY_OWNER(),
    "payouts.top_up": BY_OWNER(),
    "payouts.agree_top_up": BY_OWNER(),
    "payouts.end_top_up": BY_OWNER(),
    "payouts.ask_refund": BY_OWNER(),
    "payouts.make_refund": BY_OWNER(),
    "payouts.refund": Route(US, {**PROJECT, "refund_id": "refund"}, own=PROJECT),
    # projects
    "projects.project_home": BY_OWNER(),
    "projects.change_state": Route(US, {**PROJECT, "act": "=pause"}),
    "projects.project_experts": BY_OWNER(),
    "projects.project_guidelines": BY_OWNER(),
    "projects.publish_guidelines": BY_OWNER(),
    "projects.withdraw_invitation": Route(
        US, {**PROJECT, "invitation_id": "sent invitation"}, own=PROJECT
    ),
    "bonuses.project_bonuses": BY_OWNER(),
    "bonuses.give_bonus": BY_OWNER(),
    "bonus_rules.bonus_rule": BY_OWNER(),
    "bonus_rules.give_by_rule": BY_OWNER(untried="the rule stands in the query"),
    "drafts.edit_step": Route(US, {**DRAFT, "step": "=brief"}),
    "drafts.save_step": Route(US, {**DRAFT, "step": "=brief"}),
    "drafts.review_draft": Route(US, DRAFT),
    "drafts.publish_project": Route(US, DRAFT),
    "invitations.invitation": Route(ME, {"invitation_id": "invitation"}),
    "invitations.accept": Route(ME, {"invitation_id": "invitation"}),
    "invitations.decline": Route(ME, {"invitation_id": "invitation"}),
    "invitations.from_letter": Route(ME, {"token": "letter link"}),
    # annotation
    "annotation.claim": Route(ME, PROJECT),
    "annotation.work_on": OF_WORK(),
    "annotation.save_draft": OF_WORK(),
    "annotation.give_back": OF_WORK(),
    "annotation.skip": OF_WORK(),
    "annotation.take_again": OF_WORK(),
    "annotation.submit": OF_WORK(),
    "annotation.alive": OF_WORK(),
    "annotation.extend": OF_WORK(),
    "annotation.task_json": OF_WORK(),
    "ahead.take": OF_WORK(),
    "ahead.give_back": OF_WORK(),
    "annotation_owner.project_progress": BY_OWNER(),
    "annotation_owner.queue": BY_OWNER(),
    "annotation_owner.accept_consensus": BY_OWNER(),
    "annotation_owner.task_list": BY_OWNER(),
    "annotation_owner.import_tasks": BY_OWNER(),
    "annotation_owner.example": Route(US, {**PROJECT, "kind": "=csv"}),
    "annotation_owner.decide": Route(US, {"assignment_id": "submitted assignment"}),
    "outside_edits.edits": BY_OWNER(),
    "outside_edits.way_in": BY_OWNER(),
    "outside_edits.keep": Route(US, {"edit_id": "outside edit"}),
    "outside_edits.put_back": Route(US, {"edit_id": "outside edit"}),
    "mirrors.run": Route(OPS, {**PROJECT, "act": "=compare"}),
    "mirrors.turn_way": Route(OPS, {**ORGANISATION, "act": "=open"}),
    **{
        f"answer_view.{view}": Route(ME | US, {"assignment_id": "submitted assignment"})
        for view in ("given", "given_json")
    },
    **{
        f"answer_view.{view}": Route(US, {"edit_id": "outside edit"})
        for view in ("edited", "edited_json")
    },
    **{
        f"answer_view.{view}": Route(
            ME | US, {"sample_id": "answered work sample", "position": "=1"}
        )
        for view in ("of_sample", "of_sample_json")
    },
    "media.serve": Route(ALL, {"token": "media link", "name": "=a.png"}),
    "media.files": BY_OWNER(),
    "media.add": BY_OWNER(),
    "media.begin": BY_OWNER(),
    "media.piece": Route(ADMIN, {"key": "media upload"}),
    "media.finish": Route(ADMIN, {"key": "media upload"}),
    "media.open_file": Route(US, {"media_id": "media file"}),
    "media.delete": Route(US, {"media_id": "media file"}),
    "questions.of_assignment": OF_WORK(),
    "questions.ask": OF_WORK(),
    "questions.seen": OF_WORK(),
    "questions.change": Route(ME, {"question_id": "question"}),
    "questions.take_back": Route(ME, {"question_id": "question"}),
    "questions_owner.of_project": BY_OWNER(),
    **{
        f"questions_owner.{view}": Route(US, {"question_id": "question"})
        for view in ("answer", "correct", "hide", "show")
    },
    "live.live": BY_OWNER(),
    "live.change_state": Route(US, {**PROJECT, "act": "=pause"}),
    "samples.before": Route(ME, PROJECT),
    "samples.start": Route(ME, PROJECT),
    "samples.go_on": OF_SAMPLE(),
    "samples.result": OF_SAMPLE(),
    **{
        f"samples.{view}": Route(ME, {"sample_id": "work sample", "position": "=1"})
        for view in ("task", "task_json", "save_draft", "submit", "report_task")
    },
    **{
        f"models_owner.{view}": BY_OWNER()
        for view in (
            *("overview", "add_predictions", "ask_backend", "ask_endpoint"),
            *("save_rule", "set_order", "undo_order", "add_answers"),
        )
    },
    "models_owner.one_run": Route(US, {**PROJECT, "run_id": "model run"}, own=PROJECT),
    "models_owner.turn_run": Route(
        US, {**PROJECT, "run_id": "model run", "act": "=stop"}, own=PROJECT
    ),
    "samples_owner.rule": BY_OWNER(),
    "samples_owner.save_rule": BY_OWNER(),
    "samples_owner.end_rule": BY_OWNER(),
    "samples_owner.try_out": BY_OWNER(),
    "samples_owner.one": Route(US, {**PROJECT, "sample_id": "work sample"}, own=PROJECT),
    "samples_owner.decide": Route(US, {**PROJECT, "sample_id": "work sample"}, own=PROJECT),
    "samples_owner.person": Route(US, {**PROJECT, "expert_id": "expert"}, own=PROJECT),
    "samples_owner.grant": Route(US, {**PROJECT, "expert_id": "expert"}, own=PROJECT),
    # interviews
    "interviews.question": OF_INTERVIEW(),
    "interviews.answer": OF_INTERVIEW(),
    "interviews.leave": OF_INTERVIEW(),
    "interviews.result": Route(ME, {"interview_id": "contested interview"}),
    "interview_choice.switch": OF_INTERVIEW(),
    "interview_choice.answer": Route(ME, {"interview_id": "contested interview", "position": "=1"}),
    "interview_choice.correct": Route(
        ME, {"interview_id": "contested interview", "position": "=1"}
    ),
    "item_banks.bank": OF_BANK(),
    "item_banks.take_starter": OF_BANK(),
    "item_banks.rules": OF_BANK(),
    "item_banks.save_rules": OF_BANK(),
    "item_banks.publish": OF_BANK(),
    "item_banks.make_version": OF_BANK(),
    "item_banks.versions": OF_BANK(),
    "item_banks.version": Route(ADMIN, {**BANK, "version": "bank version"}, own=BANK),
    "item_banks.take_back": Route(ADMIN, {**BANK, "version": "bank version"}, own=BANK),
    "item_banks.files": OF_BANK(),
    "item_banks.as_json": OF_BANK(),
    "item_banks.as_csv": OF_BANK(),
    "item_banks.bring_in": OF_BANK(),
    "bank_withdrawals.withdraw": OF_BANK(),
    "bank_withdrawals.withdraw_now": OF_BANK(),
    "bank_withdrawals.take_up": OF_BANK(),
    "item_bank_items.add": OF_BANK(),
    "item_bank_items.item": OF_ITEM(),
    "item_bank_items.save": OF_ITEM(),
    "item_bank_items.preview": OF_ITEM(),
    "item_bank_items.try_answer": OF_ITEM(),
    "item_bank_items.history": OF_ITEM(),
    "item_bank_items.take_back": Route(ADMIN, {**ITEM, "version": "bank version"}, own=BANK),
    "item_bank_items.copy": OF_ITEM(),
    "item_bank_items.retire": OF_ITEM(),
    "item_bank_items.restore": OF_ITEM(),
    "item_bank_items.discard": OF_ITEM(),
    "interview_templates.version": Route(OPS, {"template_id": "field template"}),
    "project_interview.of_owner": BY_OWNER(),
    "project_versions.versions": BY_OWNER(),
    "project_interview.ask_own": BY_OWNER(untried="the terms stand in the query"),
    "project_interview.ask_field": BY_OWNER(),
    "project_interview.of_expert": Route(ME, PROJECT),
    "project_interview.note_outage": Route(OPS, {"interview_id": "left interview"}),
    "interview_integrity.explain": Route(ME, {"interview_id": "contested interview"}),
    "interview_integrity.conclude": Route(OPS, {"interview_id": "contested interview"}),
    "interview_accommodations.end": Route(ME, {"accommodation_id": "accommodation"}),
    "interview_accommodations.answer": Route(OPS, {"accommodation_id": "accommodation"}),
    "interview_voice.agree": OF_INTERVIEW(),
    "interview_voice.transcribe": OF_INTERVIEW(),
    "interview_talk.conversation_page": OF_INTERVIEW(),
    "interview_talk.reply": OF_INTERVIEW(),
    "interview_talk.begin": OF_INTERVIEW(),
    "interview_talk.skip": OF_INTERVIEW(),
    "interview_talk.without": OF_INTERVIEW(),
    "interview_talk.next_words": OF_INTERVIEW(),
    "interview_talk.transcript": Route(ME, {"interview_id": "talked interview"}),
    "interview_talk.read_transcript": Route(OPS, {"interview_id": "talked interview"}),
    "interview_talk.suggested": Route(ME, {"interview_id": "talked interview"}),
    "interview_talk.answer_suggestion": Route(
        ME,
        {"interview_id": "talked interview", "suggestion_id": "suggestion"},
        own={"interview_id": "talked interview"},
    ),
    "interviews_operator.one_interview": Route(OPS, {"interview_id": "contested interview"}),
    "interview_waiting.take": Route(OPS, {"interview_id": "contested interview"}),
    "interview_look.look": Route(OPS, {"interview_id": "contested interview"}),
    "interview_waiting.let_go": Route(OPS, {"interview_id": "contested interview"}),
    "calibration.of_item": Route(OPS, {"run_id": "calibration", "item_id": "=fin-001"}),
    "calibration.accept": Route(OPS, {"run_id": "calibration"}),
    "calibration.withdraw": Route(OPS, {"run_id": "calibration", "item_id": "=fin-001"}),
    "interview_scoring.one": OF_ANSWER(),
    "interview_scoring.decide": OF_ANSWER(),
    "interview_scoring.undo": OF_ANSWER(),
    "interview_scoring.put_back": OF_ANSWER(),
    "interview_scoring.freeze": OF_ANSWER(
        untried="nobody has read it, so there is nothing to put up"
    ),
    **{
        f"frozen_reading.{view}": Route(OPS, {"frozen_id": "frozen answer"})
        for view in ("one", "decide", "undo")
    },
    "interviews_operator.decide": Route(OPS, {"interview_id": "contested interview"}),
    # releases
    "releases.project_releases": BY_OWNER(),
    "releases.build": BY_OWNER(),
    "release_noise.report": BY_OWNER(),
    "release_noise.ask": BY_OWNER(),
    "release_noise.send": BY_OWNER(),
    "release_noise.right": Route(US, {**PROJECT, "finding_id": "noise finding"}),
    "release_readers.readers": BY_OWNER(),
    "release_readers.add": BY_OWNER(),
    "release_readers.set_visibility": BY_OWNER(),
    "release_readers.dataset": Route(US | {READER}, PROJECT),
    "release_readers.ask": Route(US | {READER}, PROJECT),
    "release_readers.let_in": Route(US, {"request_id": "release request"}),
    "release_readers.refuse": Route(US, {"request_id": "release request"}),
    "release_readers.withdraw": Route(frozenset({READER}), {"request_id": "release request"}),
    "release_log.of_project": BY_OWNER(),
    "release_log.of_project_csv": BY_OWNER(),
    "release_builds.new": BY_OWNER(),
    "release_builds.ask": BY_OWNER(),
    "release_builds.confirm": Route(US, {"release_id": "release"}),
    "release_builds.decline": Route(US, {"release_id": "release"}),
    "release_builds.again": Route(US, {"release_id": "release"}),
    "release_builds.changes": Route(US | {READER}, {"release_id": "release"}),
    # Whose reading ends is a name, not a row of theirs: ending what is not there ends nothing.
    "release_readers.remove": Route(US, {**PROJECT, "organisation_id": "team"}),
    "releases.release": Route(US | {READER}, {"release_id": "release"}),
    "releases.progress": Route(US | {READER}, {"release_id": "release"}),
    "release_rows.rows": Route(US | {READER}, {"release_id": "release"}),
    "release_rows.columns": Route(US | {READER}, {"release_id": "release"}),
    "release_rows.row": Route(
        US | {READER}, {"release_id": "release", "split": "=train", "number": "=1"}
    ),
    "releases.file": Route(US | {READER}, {"release_id": "release", "path": "release file"}),
    "releases_api.get_release": Route(frozenset({OWNER, READER}), {"release_id": "release"}),
    "releases_api.get_file": Route(
        frozenset({OWNER, READER}), {"release_id": "release", "path": "release file"}
    ),
    "releases_api.list_formats": Route(frozenset({OWNER, READER}), {"release_id": "release"}),
    "releases_api.make_links": Route(frozenset({OWNER, READER}), {"release_id": "release"}),
    "datasets_api.get_dataset": Route(frozenset({OWNER, READER}), {"dataset_id": "project"}),
    "datasets_api.ask": Route(frozenset({READER}), {"dataset_id": "project"}),
    "datasets_api.get_request": Route(frozenset({READER}), {"request_id": "release request"}),
    "datasets_api.withdraw": Route(frozenset({READER}), {"request_id": "release request"}),
    **{
        f"answers_api.{view}": Route(frozenset({OWNER}), {"request_id": "release request"})
        for view in ("get_received", "grant", "refuse")
    },
    "release_links.make": Route(US | {READER}, {"release_id": "release"}),
    "release_links.citation": Route(US | {READER}, {"release_id": "release"}),
    "release_links.croissant_file": Route(US | {READER}, {"release_id": "release"}),
    **{
        f"hub.{view}": Route(frozenset({OWNER, READER}), {**REPOSITORY, **more})
        for view, more in HUB_VIEWS.items()
    },
}

# Addresses whose parameter names no row of anybody, and what stands there.
NO_ROW: dict[str, dict[str, str]] = {
    "experts.remove_language": {"language": "de"},  # of one's own languages
    # Of one's own consents.
    "consents.give": {"purpose": "share_profile"},
    "consents.confirm": {"purpose": "share_profile"},
    "consents.withdraw": {"purpose": "share_profile"},
    "interview_choice.before": {"field": "law"},
    "interview_templates.of_field": {"field": "law"},
    "interview_templates.ask": {"field": "law"},
    "interview_templates.ask_bank": {"field": "law"},
    "look.language": {"code": "fr"},
    "release_links.key": {"name": "x"},
    "release_links.file": {"key": "x", "path": "README.md"},
    "look.icons": {"digest": "x"},
    "static": {"filename": "doyen.css"},
    "bootstrap.static": {"filename": "css/bootstrap.min.css"},
    "security.static": {"filename": "x"},
    "editor.asset": {"version": "1", "name": "x.js"},
    "editor.script": {"digest": "x", "name": "x.js"},
    # The parameter is itself the key that somebody was sent; a wrong one opens nothing.
    "security.confirm_email": {"token": "wrong"},
    "security.reset_password": {"token": "wrong"},
    "security.two_factor_setup_validate": {"token": "wrong"},
    "security.wan_register_response": {"token": "wrong"},
    "security.wan_signin_response": {"token": "wrong"},
    "security.wan_verify_response": {"token": "wrong"},
}
# What a form names besides its address: fields to names of `World.rows`.
BODIES: dict[str, dict[str, str]] = {
    "tokens.make": {"organisation": "organisation", "name": "=x", "days": "=30"},
    "datasets_api.ask": {"use": "=training", "purpose": "=x", "licence": "=cc-by-4.0"},
    "answers_api.grant": {"until": "=2199-01-01"},
    "answers_api.refuse": {"reason": "=x"},
    "webhooks_api.replay": {"since": "=2026-01-01T00:00:00Z"},
    "webhooks_api.make_webhook": {"url": "=https://127.0.0.1/", "name": "=x"},
    "drafts.create_project": {"organisation": "organisation", "title": "=A title of mine"},
}
# Programs that prove who they are by a signature are refused as Stripe expects it.
REFUSED_OTHERWISE = {"payouts.platform_news": 400, "payouts.payees_news": 400}
# Addresses without a row that are not opened by those who may, and why.
UNTRIED = {
    "payouts.compare_now": ASKS_STRIPE,
    "payouts.fetch_events": ASKS_STRIPE,
    "payouts.open_account": ASKS_STRIPE,
}
UNTRIED |= {"payouts.run_plan": ASKS_STRIPE}
UNTRIED |= {"payouts.refresh_account": ASKS_STRIPE, "payouts.return_from_account": ASKS_STRIPE}


class NotRegistered(LookupError):
    """Addresses name rows that the matrix does not know; the message says what to add."""


@dataclass
class Counts:
    """What the matrix came to."""

    routes: int = 0
    actors: int = len(ALL)
    tried: int = 0
    refused: int = 0
    granted: int = 0
    opened: int = 0
    leaks_sought: int = 0
    pages: Counter[str] = field(default_factory=Counter)
    pseudonyms: Counter[str] = field(default_factory=Counter)
    gaps: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.routes} addresses as {self.actors} people: {self.tried} requests, "
            f"{self.refused} refused, {self.granted} granted by the table, {self.opened} opened "
            f"without a row, {self.leaks_sought} answers searched for leaks, "
            f"{len(self.gaps)} gaps"
        )


@dataclass(frozen=True)
class Try:
    """One request: who sends what to which address, and whether they may."""

    actor: str
    rule: Rule
    method: str
    values: dict[str, Any]
    may: bool | None


def prove() -> bool:
    """Run the matrix on a database of its own; print what it came to."""
    url = database.server(database.FOLDER)
    database.migrated_template(url, database.FOLDER)
    with (
        tempfile.TemporaryDirectory() as folder,
        database.copy(url) as mine,
        database.engine_for(mine) as engine,
    ):
        counts = matrix(create_app(make_settings(Path(folder)), Database(engine)))
    for gap in counts.gaps:
        print(f"  {gap}")
    print(f"access: {'failed' if counts.gaps else 'held'} ({counts})")
    return not counts.gaps


def matrix(
    app: Flask,
    *,
    more: Mapping[str, Route] | None = None,
    only: Callable[[Rule], bool] = lambda _rule: True,
) -> Counts:
    """Try every address as everybody; the app's database is left as it was.

    `more` and `only` are for tests of the matrix itself: planted addresses, and no others.
    """
    known = ROUTES | dict(more or {})
    require_registered(app, known)
    counts = Counts(routes=len(list(_rules(app))))
    with _undone(app) as connection:
        world, foreign = _made(app, connection)
        counts.gaps.extend(_in_letters(app, world))
        for one in _tries(app, world, known):
            if only(one.rule):
                _send(app, connection, world, foreign, one, counts)
    return counts


def require_registered(app: Flask, known: Mapping[str, Route] = ROUTES) -> None:
    """Raise `NotRegistered` when an address names a row that nobody has given."""
    lacking = [_what_to_add(rule) for rule in _rules(app) if not _is_known(rule, known)]
    names = {rule.endpoint for rule in _rules(app)}
    gone = sorted((known.keys() | NO_ROW.keys() | BODIES.keys()) - names)
    if lacking:
        raise NotRegistered("\n".join(["In proofs/access.py:", *lacking]))
    if gone:
        raise NotRegistered(f"In proofs/access.py: no address of {', '.join(gone)} is left")


def _what_to_add(rule: Rule) -> str:
    names = ", ".join(f'"{name}": "…"' for name in sorted(rule.arguments))
    return (
        f"  {rule} names {', '.join(sorted(rule.arguments))}. Add to ROUTES:\n"
        f'    "{rule.endpoint}": Route(may, {{{names}}}),\n'
        "  with who may (ME the expert, US the owner's people, OPS operators) and for each "
        "parameter the name of a row that access_world.py makes; or to NO_ROW when the "
        "parameter names no row of anybody."
    )


def _is_known(rule: Rule, known: Mapping[str, Route]) -> bool:
    if not rule.arguments:
        return True
    if rule.endpoint in NO_ROW:
        return rule.arguments <= NO_ROW[rule.endpoint].keys()
    route = known.get(rule.endpoint)
    return route is not None and rule.arguments <= route.rows.keys()


def _rules(app: Flask) -> Iterator[Rule]:
    yield from sorted(app.url_map.iter_rules(), key=lambda rule: (str(rule), rule.endpoint))


def _tries(app: Flask, world: World, known: Mapping[str, Route]) -> Iterator[Try]:
    for rule in _rules(app):
        for method in METHODS:
            if method not in (rule.methods or ()):
                continue
            for actor in sorted(ALL):
                yield from _of_actor(app, world, known, rule, method, actor)


def _of_actor(
    app: Flask, world: World, known: Mapping[str, Route], rule: Rule, method: str, actor: str
) -> Iterator[Try]:
    route = known.get(rule.endpoint)
    if route is None:
        values: dict[str, Any] = dict(NO_ROW.get(rule.endpoint, {}))
        yield Try(actor, rule, method, values, _may_open(app, world, rule, actor))
        return
    values = {name: _row(world, row) for name, row in route.rows.items()}
    may = actor in route.may
    if not (may and route.untried):
        yield Try(actor, rule, method, values, may)
    mine = world.own.get(actor, {})
    mixed = {name: mine[row] for name, row in route.own.items() if row in mine}
    if mixed and not may:
        yield Try(actor, rule, method, values | mixed, False)


def _row(world: World, name: str) -> Any:
    return name[1:] if name.startswith("=") else world.rows[name]


def _may_open(app: Flask, world: World, rule: Rule, actor: str) -> bool | None:
    """Whether the permission table lets somebody open an address without a row; None: public."""
    access = getattr(app.view_functions[rule.endpoint], "__access__", None)
    if access in (None, "public"):
        return None
    if access.startswith("token:"):
        return bool(_bearer(world, actor, access))
    user = world.users[actor]
    if user is None or access == "signed_in":
        return user is not None
    with app.app_context():
        return bool(app.extensions["doyen.permissions"](user, access))


def _send(
    app: Flask,
    connection: Connection,
    world: World,
    foreign: frozenset[tuple[str, ...]],
    one: Try,
    counts: Counts,
) -> None:
    if one.may and one.rule.endpoint in UNTRIED:
        return
    counts.tried += 1
    response, trouble, changed, after = _tried(app, connection, world, one)
    said = f"{one.method} {one.rule} as {one.actor}"
    if trouble:
        counts.gaps.append(f"{said}: failed with {trouble}")
        return
    refused = _is_refused(response, one)
    _count(one, refused, counts)
    if one.may is False and not refused:
        counts.gaps.append(f"{said}: answered {response.status_code} instead of refusing")
    if one.may and refused:
        counts.gaps.append(f"{said}: refused with {response.status_code}, though they may")
    if refused and changed:
        counts.gaps.append(f"{said}: refused, but changed {_tables(changed)}")
    if one.actor in STRANGERS and after is not None and not foreign <= after:
        counts.gaps.append(f"{said}: changed rows of others in {_tables(foreign - after)}")
    counts.gaps.extend(f"{said}: shows {words!r}" for words in _leaks(world, one, response))
    counts.leaks_sought += 1
    if response.status_code == 200:
        counts.pages[one.actor] += 1
        counts.pseudonyms[one.actor] += world.pseudonym in _told(response)


def _tried(
    app: Flask, connection: Connection, world: World, one: Try
) -> tuple[Any, str, set[tuple[str, ...]], set[tuple[str, ...]] | None]:
    """Send one request and undo it; return the answer, what failed, what changed, and all rows.

    To look at every row twice costs more than the request. So the server's own counters say first
    whether anything was written at all; only then is it sent again between two looks.
    """
    with _savepoint(connection):
        client = _client(app, world, one)
        before = _written(connection)
        response, trouble = _answer(app, world, one, client)
        if _written(connection) == before:
            return response, trouble, set(), None
    with _savepoint(connection):
        client = _client(app, world, one)
        rows = _snapshot(connection)
        response, trouble = _answer(app, world, one, client)
        after = _snapshot(connection)
        return response, trouble, rows ^ after, after


@contextmanager
def _savepoint(connection: Connection) -> Iterator[None]:
    savepoint = connection.begin_nested()
    try:
        yield
    finally:
        savepoint.rollback()


def _by_token(app: Flask, one: Try) -> bool:
    access = getattr(app.view_functions[one.rule.endpoint], "__access__", "") or ""
    return str(access).startswith("token:")


def _client(app: Flask, world: World, one: Try) -> CheckedClient:
    """Return a client of whoever tries, signed in where the address asks for that."""
    client = CheckedClient(app, app.response_class)
    user = world.users[one.actor]
    if user is not None and not _by_token(app, one):
        client.sign_in(user)
    return client


def _answer(app: Flask, world: World, one: Try, client: CheckedClient) -> tuple[Any, str]:
    access = str(getattr(app.view_functions[one.rule.endpoint], "__access__", "") or "")
    headers = {}
    if _by_token(app, one) and (bearer := _bearer(world, one.actor, access)):
        headers["Authorization"] = f"Bearer {bearer}"
    url = app.url_map.bind("").build(one.rule.endpoint, one.values, method=one.method)
    body = {name: _row(world, row) for name, row in BODIES.get(one.rule.endpoint, {}).items()}
    data: dict[str, Any] = {"data": body} if one.method != "GET" else {}
    if _by_token(app, one) and data:
        data = {"json": body}
    try:
        with warnings.catch_warnings():
            # Flask-Security's own forms; a test of ours turns every other warning into an error.
            warnings.simplefilter("ignore", DeprecationWarning)
            response = client.open(url, method=one.method, headers=headers, **data)
            response.get_data()
            response.close()
    except Exception as problem:  # noqa: BLE001 - whatever fails is a gap to be told
        return None, f"{type(problem).__name__}: {problem}"
    return response, ""


def _bearer(world: World, actor: str, access: str) -> str:
    """Return somebody's token of the kind that may hold a scope; an organisation's if both."""
    scope = SCOPES.get(access.removeprefix("token:"))
    kinds = scope.kinds if scope else frozenset(TokenKind)
    for kind in (TokenKind.ORGANISATION, TokenKind.PERSONAL):
        if kind in kinds and (actor, kind) in world.bearers:
            return world.bearers[actor, kind]
    return ""


def _is_refused(response: Any, one: Try) -> bool:
    if response.status_code == REFUSED_OTHERWISE.get(one.rule.endpoint):
        return True
    if response.status_code in (301, 302, 303, 307):
        return "/sign-in" in response.headers.get("Location", "")
    return response.status_code in REFUSED


def _count(one: Try, refused: bool, counts: Counts) -> None:
    if refused:
        counts.refused += 1
    elif one.may and one.rule.arguments:
        counts.granted += 1
    else:
        counts.opened += 1


def _leaks(world: World, one: Try, response: Any) -> list[str]:
    told = _told(response) + str(response.headers)
    return [
        secret.words
        for secret in world.secrets
        if one.actor not in secret.may and secret.words in told
    ]


def _told(response: Any) -> str:
    """Return what an answer says, also where it is a paper."""
    if response.mimetype == "application/pdf":
        pages = PdfReader(BytesIO(response.get_data())).pages
        return "\n".join(page.extract_text() for page in pages)
    return str(response.get_data(as_text=True))


def _in_letters(app: Flask, world: World) -> Iterator[str]:
    """Say which letter to somebody holds what they must not read."""
    with app.app_context():
        session = app.extensions["doyen.db"].make_session()
        for actor, user in world.users.items():
            sent = select(Letter).where(Letter.user_id == (user.id if user else 0))
            for letter in session.exec(sent):
                told = letter.subject + letter.body
                for secret in world.secrets:
                    if actor not in secret.may and secret.words in told:
                        yield f"letter {letter.template} to {actor}: shows {secret.words!r}"
        session.close()


def _tables(rows: Any) -> str:
    return ", ".join(sorted({row[0] for row in rows}))


def _made(app: Flask, connection: Connection) -> tuple[World, frozenset[tuple[str, ...]]]:
    """Make both parties; the rows that came with the second one are foreign to the first."""
    world = World()
    with app.app_context():
        session = app.extensions["doyen.db"].make_session()
        strangers(session, world)
        session.commit()
        mine = _snapshot(connection)
        theirs(app, session, world)
        foreign = frozenset(_snapshot(connection) - mine)
        for user in world.users.values():
            if user is not None:
                session.refresh(user)
                session.expunge(user)
        session.close()
    return world, foreign


def _snapshot(connection: Connection) -> set[tuple[str, ...]]:
    """Return every version of every row: a change makes another one."""
    return {tuple(row) for row in connection.execute(text(_every_row(connection)))}


def _written(connection: Connection) -> int:
    """Return how many rows this transaction has written so far, also those taken back again."""
    return int(connection.execute(WRITTEN).scalar_one())


_statements: dict[Engine, str] = {}


def _every_row(connection: Connection) -> str:
    if connection.engine not in _statements:
        tables = connection.execute(
            text(
                # How often something was tried is counted for refusals too.
                "select tablename from pg_tables"
                " where schemaname = 'public' and tablename <> 'rate_count'"
            )
        ).scalars()
        parts = [f"select '{name}', ctid::text, xmin::text from \"{name}\"" for name in tables]  # noqa: S608
        _statements[connection.engine] = " union all ".join(parts)
    return _statements[connection.engine]


@contextmanager
def _undone(app: Flask) -> Iterator[Connection]:
    """Bind the app to one connection whose transaction is rolled back at the end."""
    known = app.extensions["doyen.db"]
    testing, app.testing = app.testing, True
    with known.bind.connect() as connection:
        outer = connection.begin()
        known.make_session.configure(bind=connection, join_transaction_mode="create_savepoint")
        try:
            yield connection
        finally:
            known.make_session.configure(
                bind=known.bind, join_transaction_mode="conditional_savepoint"
            )
            app.testing = testing
            outer.rollback()
