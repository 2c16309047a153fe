"""The story of an appeal, which `make prove P=trust` tells as well."""

import pytest
from playwright.sync_api import Browser
from sqlmodel import select

from annotation.models import Assignment, State
from payouts import ledger
from payouts.models import Payout, PayoutState
from tests.journeys import appeal
from tests.journeys.instance import Instance

pytestmark = [
    pytest.mark.live_label_studio,
    pytest.mark.browser,
    pytest.mark.xdist_group("label_studio"),
    pytest.mark.timeout(900),
]


def test_refused_work_is_contested_looked_at_by_another_and_paid(
    instance: Instance, chromium: Browser
) -> None:
    appeal.tell(instance, chromium)

    with instance.live.transaction() as session:
        [lease] = session.exec(select(Assignment)).all()
        [payout] = session.exec(select(Payout)).all()
        assert lease.state is State.ACCEPTED
        assert payout.amount == lease.pay
        assert payout.state in (PayoutState.SENT, PayoutState.PAID)
        assert ledger.problems(session) == []
