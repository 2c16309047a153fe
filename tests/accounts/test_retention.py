"""What goes after a time, what stays, and what the operator is told before."""

from datetime import timedelta
from typing import Any

import pytest
from click.testing import CliRunner
from pydantic import ValidationError
from sqlalchemy import text
from sqlmodel import Session, select

from accounts import retention
from accounts.cli import privacy
from accounts.models import Appeal, User
from core import jobs, periods
from core.clock import now
from core.models import Letter, RetentionRun, Upload
from experts.fields import Field
from experts.models import Expert
from interviews import corrections, editions
from interviews.models import AnswerCorrection, Response
from tests.conftest import Live, make_settings
from tests.factories.accounts import make_user
from tests.factories.annotation import make_desk
from tests.factories.decisions import answer, contest, decision_of, make_refused, stands
from tests.factories.experts import make_licence
from tests.factories.interviews import answer_all, make_interview, unknown
from tests.factories.privacy import make_erasure, make_retention_run

AGES = 4000


def test_old_letters_and_unconfirmed_accounts_go_and_others_stay(
    session: Session, app: Any
) -> None:
    old, new = _letter(session, days=800), _letter(session, days=10)
    waiting = _letter(session, days=800, state="waiting")
    never = make_user(session, name="Never", confirmed_at=None)
    never.created_at = now() - timedelta(days=40)
    session.flush()
    ids = [one.id for one in (old, new, waiting)]

    done = retention.apply(_register(app), {}, at=now())

    assert (done["letters"], done["unconfirmed"]) == (1, 1)
    session.expire_all()
    assert [session.get(Letter, one) is None for one in ids] == [True, False, False]
    shell = session.get_one(User, never.id)
    assert shell.name == ""
    assert not shell.active
    assert retention.apply(_register(app), {}, at=now())["unconfirmed"] == 0
    assert session.exec(select(RetentionRun)).first()


def test_what_would_go_is_counted_and_nothing_goes(session: Session, app: Any) -> None:
    kept = _letter(session, days=800)

    with app.app_context():
        shown = CliRunner().invoke(privacy, ["retention", "--dry-run"])

    assert shown.exit_code == 0, shown.output
    assert "letters: 1 would go (after 730 days)" in shown.output
    assert "decisions: 0 would go (kept for good)" in shown.output
    assert session.get(Letter, kept.id)


def test_zero_keeps_for_good(session: Session, app: Any) -> None:
    _letter(session, days=AGES)

    assert "letters" not in retention.apply(_register(app), {"letters": 0}, at=now())


def test_files_of_ended_appeals_go_and_those_of_open_ones_stay(session: Session, app: Any) -> None:
    desk = make_desk(session, experts=2, tasks=4)
    other = make_refused(session, desk, expert=desk.experts[1])
    ended = contest(
        session,
        decision_of(session, make_refused(session, desk)),
        upload_ids=(_upload(session, desk).id or 0,),
    )
    contest(session, decision_of(session, other), upload_ids=(_upload(session, desk).id or 0,))
    answer(session, app, ended, stands(), by=make_user(session, "operator"))
    session.flush()
    later = now() + timedelta(days=400)

    done = retention.apply(_register(app), {}, at=later)

    assert done["appeal_files"] == 1
    assert len(session.exec(select(Upload)).all()) == 1


def test_words_of_old_decisions_and_old_answers_go_only_where_it_is_set(
    session: Session, app: Any
) -> None:
    user = make_user(session, "expert")
    failed = answer_all(session, make_interview(session, user, field=Field.FINANCE), unknown)
    session.flush()
    decision = decision_of(session, failed)
    later = now() + timedelta(days=AGES)
    corrections.add(
        session,
        failed,
        editions.responses(session, failed)[0],
        "I meant 7.",
        language="en",
        at=now(),
    )
    session.flush()

    assert "decisions" not in retention.apply(_register(app), {}, at=later)
    done = retention.apply(_register(app), {"decisions": 183, "transcripts": 183}, at=later)

    assert (done["decisions"], done["transcripts"]) == (1, 1)
    session.expire_all()
    assert decision.reason_words["en"] == "Erased with the account."
    assert {one.answer for one in session.exec(select(Response))} == {None}
    assert session.exec(select(AnswerCorrection)).one().words is None
    again = retention.apply(_register(app), {"decisions": 183, "transcripts": 183}, at=later)
    assert (again["decisions"], again["transcripts"]) == (0, 0)


@pytest.mark.parametrize(
    "act",
    [
        "UPDATE expert SET standing = 'restricted', decision_id = :decision",
        "UPDATE licence SET refused_at = now(), decision_id = :decision",
        "INSERT INTO payout_hold (expert_id, decision_id, held_at)"
        " VALUES (:person, :decision, now())",
    ],
)
def test_a_decision_in_force_keeps_its_words(session: Session, app: Any, act: str) -> None:
    user = make_user(session, "expert")
    failed = answer_all(session, make_interview(session, user, field=Field.FINANCE), unknown)
    make_licence(session, session.get_one(Expert, user.id))
    session.flush()
    decision = decision_of(session, failed)
    # The triggers ask for a decision of the act's own kind; what is looked at here is the rule.
    session.execute(text("SET LOCAL session_replication_role = replica"))
    session.execute(text(act), {"decision": decision.id, "person": user.id})
    session.execute(text("SET LOCAL session_replication_role = origin"))

    later = now() + timedelta(days=AGES)
    done = retention.apply(_register(app), {"decisions": 183}, at=later)

    assert done["decisions"] == 0
    session.expire_all()
    assert decision.reason_words["en"] != "Erased with the account."


def test_an_open_appeal_keeps_everything(session: Session, app: Any) -> None:
    desk = make_desk(session)
    contest(session, decision_of(session, make_refused(session, desk)))
    session.flush()

    done = retention.apply(_register(app), {"decisions": 183}, at=now() + timedelta(days=AGES))

    assert done["decisions"] == 0
    assert session.exec(select(Appeal)).one().words != "Erased with the account."


def test_too_short_a_period_is_refused_at_start(tmp_path: Any) -> None:
    with pytest.raises(ValidationError, match="at least 183 days, since article 26"):
        make_settings(tmp_path, retention_days={"decisions": 90})
    with pytest.raises(ValidationError, match="no rule is called leters"):
        make_settings(tmp_path, retention_days={"leters": 90})
    assert make_settings(tmp_path, retention_days={"decisions": 0, "letters": 1})


def test_every_rule_has_a_period(worker_app: Any) -> None:
    assert {rule.name for rule in _register(worker_app).rules} == set(periods.PERIODS)


def test_the_operator_sees_rules_the_last_run_and_who_leaves(
    session: Session, sign_in: Any
) -> None:
    operator, leaving = make_user(session, "operator"), make_user(session, "expert")
    make_erasure(session, leaving)
    make_retention_run(session)
    _letter(session, days=800)
    session.commit()

    page = sign_in(operator).get("/operator/privacy").text

    assert f"Person {leaving.id}" in page
    assert "730 days" in page
    assert sign_in(leaving).get("/operator/privacy").status_code == 403
    assert "Erased after" in sign_in(operator).get("/operator/people").text


def test_the_health_page_tells_of_a_late_erasure(session: Session, sign_in: Any) -> None:
    make_erasure(
        session,
        make_user(session),
        asked_at=now() - timedelta(days=9),
        due_at=now() - timedelta(days=2),
    )
    session.commit()

    assert "One erasure is late" in sign_in(make_user(session, "operator")).get("/operator").text


def test_the_daily_job_says_what_it_did(live: Live) -> None:
    with live.transaction() as session:
        _letter(session, days=800)

    assert "letters 1" in jobs.run(live.app, "accounts.apply_retention")


def _letter(session: Session, *, days: int, state: str = "sent") -> Letter:
    letter = Letter(
        address="somebody@example.org",
        language="en",
        template="x",
        subject="s",
        body="b",
        state=state,
        written_at=now() - timedelta(days=days),
    )
    session.add(letter)
    session.flush()
    return letter


def _upload(session: Session, desk: Any) -> Upload:
    number = len(session.exec(select(Upload)).all())
    row = Upload(
        key=f"key{number}",
        name="a.txt",
        kind="text/plain",
        size=1,
        sha256="x",
        by_user_id=desk.experts[0].user_id,
        purpose="appeal",
        at=now(),
    )
    session.add(row)
    session.flush()
    return row


def _register(app: Any) -> Any:
    return app.extensions["doyen.personal_data"]
