"""How Label Studio is set up: what it last said, and what of that an operator must put right."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from flask_babel import gettext as _
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session

from annotation import editor_assets
from annotation.mirror_models import BackendCheck
from core.ports import BackendFacts

# What our calls and the editor were tried with; others may do, and are told apart from it.
TRIED = "1.23.2"
OLD = timedelta(minutes=30)


@dataclass(frozen=True)
class Verdict:
    """One thing about Label Studio: how it is, and what to do where it is not well."""

    part: str
    tone: str
    words: str
    to_do: str = ""


def record(
    session: Session, facts: BackendFacts | None, trouble: str | None, *, at: datetime
) -> None:
    """Keep what was learnt just now; what it said before stays while it is away."""
    values: dict[str, Any] = {"id": 1, "checked_at": at, "trouble": trouble and trouble[:500]}
    if facts is not None:
        values["facts"] = asdict(facts)
    session.execute(
        insert(BackendCheck)
        .values(values)
        .on_conflict_do_update(index_elements=["id"], set_=values)
    )


def last(session: Session) -> BackendCheck | None:
    """Return what was last learnt."""
    return session.get(BackendCheck, 1, populate_existing=True)


def facts_of(check: BackendCheck | None) -> BackendFacts | None:
    """Return what Label Studio last said, if it ever did."""
    return BackendFacts(**check.facts) if check and check.facts else None


def takes_reviews(session: Session) -> bool:
    """Say whether Label Studio last said that it keeps reviews of answers."""
    facts = facts_of(last(session))
    return bool(facts and facts.takes_reviews)


def verdicts(check: BackendCheck | None, cache: Path, *, at: datetime) -> list[Verdict]:
    """Judge Label Studio and its editor, in words that say what to do."""
    found = [_answers(check, at)]
    facts = facts_of(check)
    if facts is not None:
        found += [judge(facts) for judge in JUDGES]
    return [*found, editor(cache)]


def _answers(check: BackendCheck | None, at: datetime) -> Verdict:
    part = _("Answers")
    if check is None:
        return Verdict(
            part,
            "wait",
            _("Not asked yet."),
            _("It is asked as soon as the clock and a worker run."),
        )
    if check.trouble:
        return Verdict(
            part,
            "stop",
            _("No answer at the last try: %(trouble)s", trouble=check.trouble),
            _(
                "Start it, and look at LABEL_STUDIO_URL and LABEL_STUDIO_TOKEN. Experts can go on:"
                " what they hand in is kept here and brought there later."
            ),
        )
    if at - check.checked_at > OLD:
        return Verdict(
            part, "wait", _("Not asked for over half an hour."), _("See whether the clock runs.")
        )
    return Verdict(part, "ok", _("Lets our token in."))


def _version(facts: BackendFacts) -> Verdict:
    part = _("Its version")
    words = f"{facts.version} {facts.edition}".strip()
    if facts.version != TRIED:
        to_do = _(
            "Doyen was tried with %(version)s. Open one task of a test project before experts do.",
            version=TRIED,
        )
        return Verdict(part, "wait", words, to_do)
    return Verdict(part, "ok", words)


def _signup(facts: BackendFacts) -> Verdict:
    part = _("Sign-up")
    if facts.has_closed_signup is None:
        return Verdict(
            part,
            "wait",
            _("Cannot be seen from here."),
            _("Make sure that DISABLE_SIGNUP_WITHOUT_LINK=true is set there."),
        )
    if facts.has_closed_signup:
        return Verdict(part, "ok", _("Closed to strangers."))
    return Verdict(
        part,
        "stop",
        _("Open: whoever reaches Label Studio can make an account and read and change everything."),
        _("Start it with DISABLE_SIGNUP_WITHOUT_LINK=true, then look for accounts made meanwhile."),
    )


def _address(facts: BackendFacts) -> Verdict:
    part = _("Address")
    if facts.is_private:
        return Verdict(part, "ok", _("Private."))
    return Verdict(
        part,
        "stop",
        _("LABEL_STUDIO_URL leads to a public address, or to none."),
        _(
            "Let Label Studio listen on a private interface only. The Community edition keeps"
            " nothing from whoever has an account there."
        ),
    )


def _telemetry(facts: BackendFacts) -> Verdict:
    part = _("Telemetry")
    if facts.has_telemetry is None:
        return Verdict(
            part,
            "wait",
            _("Cannot be seen from here."),
            _("Make sure that COLLECT_ANALYTICS=false is set there."),
        )
    if facts.has_telemetry:
        return Verdict(
            part,
            "stop",
            _("On: it tells its maker how it is used."),
            _(
                "Start it with COLLECT_ANALYTICS=false, LATEST_VERSION_CHECK=false and empty"
                " SENTRY_DSN and FRONTEND_SENTRY_DSN."
            ),
        )
    return Verdict(part, "ok", _("Off. Whether error reports leave cannot be seen from here."))


def _token(facts: BackendFacts) -> Verdict:
    part = _("Token")
    if facts.token_kind != "personal":  # noqa: S105 - the kind of a token, not one
        return Verdict(
            part,
            "wait",
            _("Of the older kind, which never changes and which a stolen session can read."),
            _("Make a personal access token of the service user and set LABEL_STUDIO_TOKEN to it."),
        )
    if facts.takes_legacy_tokens:
        return Verdict(
            part,
            "wait",
            _("A personal access token; tokens of the older kind are let in too."),
            _("Switch legacy tokens off in Label Studio’s organisation settings."),
        )
    return Verdict(part, "ok", _("A personal access token; the older kind is not let in."))


def _hints(facts: BackendFacts) -> Verdict:
    part = _("Hints")
    if facts.calls_us is None:
        return Verdict(part, "ok", _("Not asked for: the clock looks at it every minute."))
    if facts.calls_us:
        return Verdict(part, "ok", _("It may call LABEL_STUDIO_HOOK_URL."))
    return Verdict(
        part,
        "wait",
        _("It will not call LABEL_STUDIO_HOOK_URL, so the clock alone looks, every minute."),
        _(
            "Its guard refuses private addresses and names that it does not know. Correct the"
            " address, or start it with USE_DEFAULT_BANNED_SUBNETS=false and with all private"
            " networks but that of Doyen in USER_ADDITIONAL_BANNED_SUBNETS."
        ),
    )


def _reviews(facts: BackendFacts) -> Verdict:
    part = _("Verdicts")
    if facts.takes_reviews is None:
        return Verdict(part, "ok", _("Written onto the tasks: this edition keeps no reviews."))
    if facts.takes_reviews:
        return Verdict(
            part, "ok", _("Written onto the tasks, and kept as reviews with the reviewers’ words.")
        )
    return Verdict(
        part,
        "wait",
        _("Written onto the tasks only: it does not let our service user see or write reviews."),
        _(
            "Let the service user review in all projects, or leave it: nothing is held up. Then"
            " repair the projects, so that reviews are brought."
        ),
    )


JUDGES: tuple[Callable[[BackendFacts], Verdict], ...] = (
    _version,
    _signup,
    _address,
    _telemetry,
    _token,
    _hints,
    _reviews,
)


def editor(cache: Path) -> Verdict:
    """Judge the editor's files: which version experts get, and why it is not the newest."""
    part = _("Editor")
    state = editor_assets.state(cache)
    if state.assets is None and state.trouble is None:
        return Verdict(part, "wait", _("Not fetched yet: the first look at the bench fetches it."))
    if state.assets is None:
        return Verdict(
            part,
            "stop",
            _("Nobody can label: there is no good version of it. %(why)s", why=state.trouble),
            _("Start Label Studio %(version)s, with which it was tried.", version=TRIED),
        )
    if state.trouble:
        return Verdict(
            part,
            "wait",
            _(
                "Version %(version)s is in use, the last good one. The server’s own cannot be used:"
                " %(why)s",
                version=state.assets.release,
                why=state.trouble,
            ),
            _(
                "Experts go on with the last good one. Go back to Label Studio %(version)s, or"
                " bring Doyen up to date.",
                version=state.assets.release,
            ),
        )
    return Verdict(part, "ok", _("Version %(version)s.", version=state.assets.release))
