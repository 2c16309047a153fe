"""Owners pay in; assignments are claimed, returned, accepted, refused, appealed; pay beside."""

from datetime import timedelta
from fractions import Fraction

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from accounts import decisions
from accounts.decisions import About, Evidence, Reason, Taken
from accounts.models import DecisionKind
from core.clock import now
from payouts import budgets, earnings, extra_pay
from payouts.extra_pay import Extra
from payouts.extra_pay_models import ExtraKind
from payouts.models import Reservation, ReservationState
from tests.factories.accounts import make_user
from tests.factories.payouts import earn_part, eur, submitted
from tests.payouts.conftest import new_key
from tests.payouts.machine.books import REFUSALS, Books, some_expert, some_project


class Funding(Books):
    """Owners pay in."""

    @rule(
        project=some_project,
        amount=st.integers(500, 5000),
        fee=st.integers(0, 90),
        is_settled=st.booleans(),
    )
    def fund(self, project: int, amount: int, fee: int, is_settled: bool) -> None:
        """Pay a deposit, less the rail's fee; it may settle later."""
        with self.live.transaction() as session:
            self.deposit(session, self.projects[project], amount, fee, is_settled=is_settled)
        self.note("fund")


class Work(Books):
    """Assignments: claimed, returned, expired, accepted whole or in part, rejected, appealed."""

    @rule(project=some_project, pay=st.integers(1, 2000), bps=st.integers(0, 3000))
    def claim(self, project: int, pay: int, bps: int) -> None:
        """Reserve the pay and fee of an assignment."""
        self.number += 1
        with self.live.transaction() as session:
            project_id = self.projects[project]
            before = budgets.available(session, project_id)
            is_frozen = budgets.is_frozen(session, project_id)
            fee = eur(pay).share_bps(bps)
            number = self.assignment(self.number)
            try:
                budgets.reserve(session, project_id, number, eur(pay), fee, now())
            except (budgets.OutOfBudget, budgets.Frozen) as refusal:
                assert is_frozen or before < eur(pay) + fee
                self.note("claim", type(refusal).__name__)
            else:
                assert budgets.available(session, project_id) == before - eur(pay) - fee
                self.note("claim")

    @precondition(lambda self: self.number)
    @rule(data=st.data())
    def claim_twice(self, data: st.DataObject) -> None:
        """Ask for a reserve again, as a retry does: nothing changes, other terms are refused."""

        def again(session: Session, row: Reservation) -> None:
            if row.round > 1 or row.state is ReservationState.RELEASED:
                return
            terms = (row.project_id, row.assignment_id, row.pay)
            budgets.reserve(session, *terms, row.fee, now())
            try:
                budgets.reserve(session, *terms, row.fee + eur(1), now())
            except budgets.OtherTerms:
                return
            raise AssertionError("other terms were taken")

        self.of_one("claim twice", data, again)

    @precondition(lambda self: self.number)
    @rule(data=st.data())
    def hand_in(self, data: st.DataObject) -> None:
        """Note that the work is in review."""
        self.of_one(
            "hand in",
            data,
            lambda session, row: submitted(session, row.assignment_id, review_by=now(), at=now()),
        )

    @precondition(lambda self: self.number)
    @rule(data=st.data(), how=st.sampled_from(["return", "expire", "reject"]))
    def end_without_pay(self, data: st.DataObject, how: str) -> None:
        """Give the reserve back: a task returned, run out, or refused on review with a decision."""

        def end(session: Session, row: Reservation) -> None:
            if row.submitted_at is not None and row.state is ReservationState.HELD:
                refuse(session, row.assignment_id, self.experts[0])
            budgets.release(session, row.project_id, row.assignment_id, now())

        self.of_one(how, data, end)

    @precondition(lambda self: self.number)
    @rule(data=st.data())
    def take_without_reasons(self, data: st.DataObject) -> None:
        """Take the pay of work that was handed in without a decision: the database refuses."""

        def take(session: Session, row: Reservation) -> None:
            if row.submitted_at is None or row.state is not ReservationState.HELD or row.round > 1:
                return
            with (
                pytest.raises(IntegrityError, match="only with a decision"),
                session.begin_nested(),
            ):
                budgets.release(session, row.project_id, row.assignment_id, now())

        self.of_one("take without reasons", data, take)

    @precondition(lambda self: self.number)
    @rule(data=st.data(), expert=some_expert)
    def accept(self, data: st.DataObject, expert: int) -> None:
        """Credit all of it."""
        self.of_one(
            "accept",
            data,
            lambda session, row: earnings.earn(
                session, row.project_id, row.assignment_id, self.experts[expert], now()
            ),
        )

    @precondition(lambda self: self.number)
    @rule(data=st.data(), expert=some_expert, share=st.fractions(0, 1, max_denominator=40))
    def accept_in_part(self, data: st.DataObject, expert: int, share: Fraction) -> None:
        """Credit a share, with its decision."""
        self.of_one(
            "part-accept",
            data,
            lambda session, row: earn_part(
                session, row.project_id, row.assignment_id, self.experts[expert], share
            ),
        )

    @precondition(lambda self: self.number)
    @rule(data=st.data())
    def complete(self, data: st.DataObject) -> None:
        """Pay the rest of a part payment, as an appeal that is upheld does."""
        self.of_one(
            "complete",
            data,
            lambda session, row: earnings.complete(
                session, row.project_id, row.assignment_id, now()
            ),
        )

    @precondition(lambda self: self.number)
    @rule(data=st.data(), expert=some_expert)
    def appeal(self, data: st.DataObject, expert: int) -> None:
        """Repair a refusal: reserve once more and credit, in one transaction."""

        def repair(session: Session, row: Reservation) -> None:
            budgets.reserve_again(session, row.project_id, row.assignment_id, now())
            earnings.earn(session, row.project_id, row.assignment_id, self.experts[expert], now())

        self.of_one("appeal repaired", data, repair)

    @precondition(lambda self: self.number)
    @rule(data=st.data())
    def reserve_again(self, data: st.DataObject) -> None:
        """Set aside once more what was given back, without crediting yet."""
        self.of_one(
            "reserve again",
            data,
            lambda session, row: budgets.reserve_again(
                session, row.project_id, row.assignment_id, now()
            ),
        )


class PayBeside(Books):
    """Bonuses at once; reviews set aside, earned or released."""

    @rule(project=some_project, expert=some_expert, pay=st.integers(1, 500))
    def bonus(self, project: int, expert: int, pay: int) -> None:
        """Give a bonus; the second click gives nothing."""
        extra = self._extra(ExtraKind.BONUS, project, expert, pay)
        reference = f"bonus:machine:{new_key()}"
        try:
            with self.live.transaction() as session:
                assert extra_pay.give(session, extra, reference, at=now()) is not None
        except REFUSALS as refusal:
            self.note("bonus", type(refusal).__name__)
            return
        with self.live.transaction() as session:
            try:
                assert extra_pay.give(session, extra, reference, at=now()) is None
            except budgets.Frozen as wrong:
                raise AssertionError("it was given, and then not known") from wrong
        self.note("bonus")

    @rule(project=some_project, expert=some_expert, pay=st.integers(1, 300))
    def begin_review(self, project: int, expert: int, pay: int) -> None:
        """Set the pay of a review aside."""
        reference = f"review:machine:{new_key()}"
        extra = self._extra(ExtraKind.REVIEW, project, expert, pay)
        try:
            with self.live.transaction() as session:
                extra_pay.reserve(session, extra, reference, at=now())
        except (*REFUSALS, extra_pay.OwnReview) as refusal:
            self.note("review begun", type(refusal).__name__)
        else:
            self.reviews.append(reference)
            self.note("review begun")

    @precondition(lambda self: self.reviews)
    @rule(data=st.data(), is_done=st.booleans())
    def end_review(self, data: st.DataObject, is_done: bool) -> None:
        """Earn it or give it back; the other way is refused afterwards."""
        reference = data.draw(st.sampled_from(self.reviews))
        act = extra_pay.earn if is_done else extra_pay.release
        try:
            with self.live.transaction() as session:
                act(session, reference, at=now())
        except REFUSALS as refusal:
            self.note("review ended", type(refusal).__name__)
        else:
            self.note("review earned" if is_done else "review given back")

    def _extra(self, kind: ExtraKind, project: int, expert: int, pay: int) -> Extra:
        words = "Careful notes that saved a day." if kind is ExtraKind.BONUS else ""
        by = self.operators[0] if kind is ExtraKind.BONUS else None
        reviewed = None if kind is ExtraKind.BONUS else self.assignment(1)
        return Extra(
            kind,
            self.projects[project],
            self.experts[expert],
            eur(pay),
            eur(pay).share_bps(1500),
            assignment_id=reviewed,
            words=words,
            given_by=by,
        )


def refuse(session: Session, assignment_id: int, expert_id: int) -> None:
    """Refuse work with the decision that the database asks for."""
    said = {"en": "The parties are not marked."}
    decisions.record(
        session,
        DecisionKind.WORK_REJECTED,
        About(expert_id, f"assignment:{assignment_id}", said, f"/work/{assignment_id}"),
        taken=Taken(by=make_user(session, "owner").id),
        reason=Reason("incomplete", said, [Evidence(said)], said),
        at=now(),
        contest_until=now() + timedelta(days=14),
    )
    session.flush()
