"""What the database refuses of an assignment and its pay, whoever writes there."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from annotation.models import RULES
from core.clock import now
from tests.factories.annotation import claimed, make_desk

# Changes of an active lease, each of which breaks one rule before any other.
DECIDED = "decided_at = now(), decided_rule = 'AT-1'"
IN = "submitted_at = now(), review_by = now()"
ACCEPTED = f"{IN}, state = 'accepted', verdict = 'accepted'"
BY_HAND = "decided_at = now(), decided_by = expert_id"
REJECTED = f"{IN}, state = 'rejected', verdict = 'rejected', {BY_HAND}"
BROKEN = [
    ("state_known", "state = 'lost'"),
    ("verdict_known", f"{IN}, state = 'accepted', {DECIDED}, verdict = 'fine'"),
    ("pay_not_negative", "pay_minor = -1"),
    ("pay_not_negative", "fee_minor = -1"),
    ("extended_counts", "extended = -1"),
    ("opened_whole", "taken_ahead = true"),
    ("opened_whole", "opened_at = now()"),
    ("opened_whole", "state = 'waiting'"),
    ("submitted_whole", "state = 'submitted'"),
    ("submitted_whole", "state = 'submitted', submitted_at = now()"),
    ("submitted_whole", IN),
    ("left_whole", "state = 'expired'"),
    ("left_whole", "left_at = now()"),
    ("skipped_has_reason", "state = 'skipped', left_at = now()"),
    ("skipped_has_reason", "skip_reason = 'Not in my field'"),
    ("decided_whole", f"{IN}, state = 'accepted'"),
    ("decided_whole", f"verdict = 'accepted', {DECIDED}"),
    ("decided_whole", f"{IN}, state = 'submitted', verdict = 'accepted', {DECIDED}"),
    ("decided_whole", f"{ACCEPTED}, decided_rule = 'AT-1'"),
    ("decided_whole", f"{ACCEPTED}, decided_at = now()"),
    ("decided_whole", f"{ACCEPTED}, {DECIDED}, decided_by = expert_id"),
    ("adverse_has_reason", REJECTED),
    ("adverse_has_reason", f"{REJECTED}, reason_code = 'wrong'"),
    (
        "adverse_has_reason",
        f"{REJECTED}, reason_code = 'wrong', reason_clause = ' ',"
        " reason_words = 'The clause grants nothing at all.'",
    ),
    (
        "adverse_has_reason",
        f"{REJECTED}, reason_code = 'wrong', reason_clause = '2.1',"
        " reason_words = '   Too short.                 '",
    ),
]
FIXED = {
    "task_id": "task_id + 1",
    "project_id": "project_id + 1",
    "expert_id": "expert_id + 1",
    "pay_minor": "pay_minor + 1",
    "fee_minor": "fee_minor + 1",
    "currency": "'usd'",
    "terms": "'{}'",
}


@pytest.fixture
def lease(session):
    made = make_desk(session, tasks=2, experts=1, funds=5000)
    one = claimed(session, made.project, made.experts[0].user_id, at=now())
    session.flush()
    return one


def refused(session, statement, lease):
    """Write by hand what the database must refuse; return what it says."""
    point = session.begin_nested()
    with pytest.raises(IntegrityError) as error:
        session.execute(text(statement), {"id": lease.id})
    point.rollback()
    return error.value.orig.diag


@pytest.mark.parametrize(("rule", "change"), BROKEN, ids=str)
def test_the_rule_that_is_broken_is_named(session, lease, rule, change):
    # What a decision needs besides is asked by triggers, which come before the rules.
    session.execute(text("alter table assignment disable trigger user"))

    said = refused(session, f"update assignment set {change} where id = :id", lease)

    assert (said.constraint_name, said.table_name) == (f"ck_assignment_{rule}", "assignment")
    assert f'"ck_assignment_{rule}"' in said.message_primary
    assert not said.message_detail  # which would be the row, with what stands in it


def test_every_rule_of_an_assignment_is_tried():
    assert {rule for rule, _change in BROKEN} == set(RULES)


@pytest.mark.parametrize("column", FIXED)
def test_nothing_changes_what_a_lease_began_with(session, lease, column):
    change = f"update assignment set {column} = {FIXED[column]} where id = :id"

    assert "stay as they were" in refused(session, change, lease).message_primary


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        ("state_known", "state = 'lost'"),
        ("amounts_sound", "pay_minor = 0"),
        ("amounts_sound", "fee_minor = -1"),
        ("earned_within_pay", "earned_minor = pay_minor + 1"),
        ("earned_within_pay", "earned_minor = -1"),
    ],
    ids=str,
)
def test_the_pay_set_aside_for_it_has_rules_of_its_own(session, lease, rule, change):
    said = refused(session, f"update reservation set {change} where assignment_id = :id", lease)

    assert said.constraint_name == f"ck_reservation_{rule}"
