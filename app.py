"""The composition root: settings, ports, blueprints, permissions, the schedule and commands."""

import functools
import gc
import importlib
import logging
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import click
from flask import Flask, redirect
from flask.typing import ResponseReturnValue
from flask_openapi3.models.info import Info
from flask_openapi3.openapi import OpenAPI

from accounts import (
    appeals,
    people_marks,
    permissions,
    recent_routes,
    repairs,
    security,
    session_routes,
    token_check,
    withdrawals,
)
from accounts.webhook_sender import HttpSender
from annotation import proving, review_queue
from annotation.labelling import labelling_backend
from annotation.ml_backend import MlBackends
from core import (
    access,
    api_routes,
    audit_routes,
    audit_words,
    catalogue,
    commands,
    cookies,
    db,
    embedded,
    health,
    jobs,
    language_model,
    look,
    mail,
    model_patience,
    navigation,
    notices,
    personal_data,
    retries,
    routes,
    tasks,
    web,
)
from core import api as core_api
from core.access import signed_in
from core.db import Database
from core.ports import Ports
from core.settings import Settings, load
from interviews import modes
from payouts import bonus_rules, outlook
from payouts.stripe_connect import StripeConnect
from projects import entry, invitations
from projects import home as project_home

ROOT = Path(__file__).resolve().parent
PACKAGES = ["accounts", "experts", "payouts", "projects", "annotation", "interviews", "releases"]

# How often each sweep is ticked, in seconds. A tick only defers the sweep.
SCHEDULE = {
    "core.beat": 30,
    "core.take_up_stalled_jobs": 15,
    "core.deliver_waiting_letters": 60,
    "core.forget_keys_in_letters": 3600,
    "core.forget_once_keys": 3600,
    "core.forget_rate_counts": 3600,
    "accounts.forget_sign_ins": 86_400,
    "accounts.forget_email_changes": 3600,
    "core.delete_finished_jobs": 3600,
    "core.sweep_uploads": 86_400,
    "core.forget_kept_answers": 3600,
    "accounts.take_up_webhooks": 30,
    "accounts.forget_webhook_log": 3600,
    "accounts.escalate_appeals": 3600,
    "accounts.take_up_exports": 60,
    "accounts.erase_due": 600,
    "accounts.apply_retention": 86_400,
    "core.seal_audit": 30,
    "core.verify_audit": 86_400,
    "payouts.take_up_news": 30,
    "payouts.send_due_payouts": 30,
    "payouts.look_up_lost_payouts": 60,
    "payouts.reread_deposits": 120,
    "payouts.settle_charges": 600,
    "payouts.go_on_refunding": 60,
    "payouts.reread_payees": 300,
    "payouts.collect_news": 600,
    "payouts.make_weekly_payouts": 3600,
    "payouts.ask_tax_details": 21_600,
    "payouts.take_up_runs": 60,
    "payouts.tell_of_waiting_approvals": 3600,
    "payouts.top_up_budgets": 60,
    "payouts.reconcile": 86_400,
    "payouts.watch_rail": 120,
    "payouts.issue_invoices": 21_600,
    "payouts.warn_of_budgets": 1800,
    "payouts.reread_disputes": 3600,
    "payouts.take_back_overdue": 300,
    "payouts.check_ledger": 3600,
    "projects.offer_open": 300,
    "annotation.settle_samples": 300,
    "annotation.expire_overdue": 30,
    "annotation.follow_budgets": 30,
    "annotation.validate_handed_in": 60,
    "annotation.validate_pending": 21_600,
    "annotation.push_unpushed": 60,
    "annotation.check_backend": 600,
    "annotation.look_at_mirrors": 30,
    "annotation.take_up_mirror_runs": 60,
    "annotation.compare_mirrors": 3600,
    "annotation.take_up_model_runs": 30,
    "annotation.take_up_orders": 60,
    "annotation.accept_overdue": 600,
    "annotation.observe_rates": 3600,
    "annotation.tell_of_questions": 120,
    "annotation.sweep_media": 86_400,
    "annotation.look_at_media": 300,
    "annotation.tell_of_media": 3600,
    "annotation.fold_tallies": 60,
    "annotation.check_tallies": 86_400,
    "interviews.expire": 600,
    "interviews.delete_texts": 3600,
    "interviews.calibrate": 86_400,
    "interviews.tell_of_gaps": 600,
    "interviews.warn_of_late": 3600,
    "interviews.keep_system_card": 3600,
    "interviews.judge_waiting": 60,
    "interviews.go_on_checking": 120,
    "interviews.settle_read": 60,
    "releases.take_up_builds": 60,
    "releases.sign_waiting": 60,
    "releases.make_formats": 120,
    "releases.take_up_looks": 60,
    "releases.drop_copies": 3600,
    "releases.count_columns": 300,
    "releases.end_grants": 600,
}


def create_app(settings: Settings, database: Database | None = None) -> Flask:
    """Build the app of an instance."""
    app = OpenAPI(
        __name__,
        info=Info(title="Doyen", version="1"),
        security_schemes={"token": {"type": "http", "scheme": "bearer"}},
        doc_ui=False,
        root_path=str(ROOT),
    )
    # Which functions are coroutines (none are) does not change from request to request.
    app.ensure_sync = functools.lru_cache(4096)(app.ensure_sync)  # type: ignore[method-assign]
    app.config["LANGUAGES"] = settings.languages
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(ROOT / "translations")
    app.config["MAX_CONTENT_LENGTH"] = 64 * 1024 * 1024
    app.config["WTF_CSRF_TIME_LIMIT"] = None
    app.config["TEMPLATES_AUTO_RELOAD"] = False
    app.extensions["doyen.settings"] = settings
    list(_modules("models"))  # every table is known, whichever pages exist
    database = database or Database(
        db.make_engine(embedded.database_url(settings), settings.database_pool_size)
    )
    catalogue.ensure_compiled(ROOT / "translations")
    db.init_app(app, database)
    csrf = cookies.AgainstForgery(app)
    web.init_app(app, settings)
    retries.init_app(app)
    security.init_app(app, database, settings)
    cookies.init_app(app)
    access.init_app(
        app,
        permissions=permissions.allowed,
        token_check=token_check.now_or_refuse,
        to_sign_in=security.to_sign_in,
        confirm=recent_routes.confirm,
    )
    look.init_app(app)
    app.extensions["doyen.ports"] = _ports(settings)
    app.register_blueprint(routes.bp)
    app.register_blueprint(audit_routes.bp)
    app.register_blueprint(api_routes.bp)
    core_api.init_app(app)
    for module in _modules("routes"):
        _register_routes(app, csrf, module)
        session_routes.read_along(app, getattr(module, "ALONG", {}))
    for module in _modules("api"):
        for api in (module.api, *getattr(module, "MORE_APIS", ())):
            app.register_api(api)
            csrf.exempt(api)
    jobs.init_app(app, [tasks.tasks, *(module.tasks for module in _modules("jobs"))])
    health.init_app(app, [check for module in _modules("health") for check in module.CHECKS])
    repairs.init_app(app, _modules("trust"))
    notices.init_app(app, [one for module in _modules("notices") for one in module.NOTICES])
    withdrawals.init_app(app, _modules("consent_effects"))
    audit_words.init_app(app, _modules("audit_words"))
    personal_data.init_app(app, _modules("personal_data"))
    project_home.init_app(app, _modules("project_home"))
    entry.init_app(app, _modules("project_gate"))
    outlook.init_app(app, _modules("budget_work"))
    bonus_rules.init_app(app, _modules("bonus_measure"))
    if app.extensions["doyen.ports"].language_model is not None:
        modes.register_interviewer(app)
    proving.init_app(app, [ask for module in _modules("proving_step") for ask in module.ASKS])
    people_marks.init_app(
        app, [ask for module in _modules("standing_marks") for ask in module.MARKS]
    )
    app.add_url_rule("/home", "home", signed_in(_home))
    navigation.count(app, "/invitations", _invitations_to_answer)
    navigation.count(app, "/review", _answers_to_review)
    navigation.count(app, "/appeals", _appeals_to_answer)
    return app


def serve() -> Flask:
    """Build the app for a web server: `gunicorn 'app:serve()'`."""
    app = create_app(load())
    # What stays for ever is not looked at again: a whole collection would hold all requests up.
    gc.collect()
    gc.freeze()
    return app


def log_commands() -> None:
    """Let commands and workers write what they do, and no addresses that they ask."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    # It writes whole addresses, and a link to a release has its secret in it.
    logging.getLogger("httpx").setLevel(logging.WARNING)


def main() -> None:
    """Run the `doyen` command."""
    log_commands()
    commands_of_packages = [m.group for m in _modules("cli") if isinstance(m.group, click.Group)]
    commands.doyen(create_app, SCHEDULE, commands_of_packages, ROOT)()


def _home() -> ResponseReturnValue:
    return redirect(navigation.home() or "/account")


def _invitations_to_answer(user: Any) -> int:
    return invitations.to_answer(db.db_session(), user.id)


def _answers_to_review(user: Any) -> int:
    return review_queue.count_waiting(db.db_session(), user)


def _appeals_to_answer(user: Any) -> int:
    return appeals.waiting_for(db.db_session(), user)


def _register_routes(app: Flask, csrf: cookies.AgainstForgery, module: ModuleType) -> None:
    app.register_blueprint(module.bp)
    for blueprint in getattr(module, "MORE_BLUEPRINTS", ()):
        app.register_blueprint(blueprint)
    # Requests of programs that prove who they are by a signature instead of a session.
    for view in getattr(module, "SIGNED_BY_SENDER", ()):
        csrf.exempt(view)


def _ports(settings: Settings) -> Ports:
    return Ports(
        mailer=mail.mailer(settings.mail_url.get_secret_value(), settings.data_dir),
        payout_rail=StripeConnect(settings),
        labelling=labelling_backend(settings),
        webhooks=HttpSender(settings.webhook_private_networks),
        language_model=model_patience.of(
            language_model.first(settings), language_model.first(settings, retries=0)
        ),
        second_model=language_model.second(settings),
        transcriber=language_model.transcriber(settings),
        predictor=MlBackends(settings.ml_private_networks),
    )


def _has(name: str) -> bool:
    return find_spec(name) is not None


def _modules(name: str) -> Iterator[ModuleType]:
    for package in PACKAGES:
        if _has(f"{package}.{name}"):
            yield importlib.import_module(f"{package}.{name}")


if __name__ == "__main__":
    main()
