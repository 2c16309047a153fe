"""The rules of money, as tables of cases."""

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import pytest
from babel.numbers import get_currency_precision
from hypothesis import given
from hypothesis import strategies as st

from core.money import EXPONENTS, Money
from payouts import policy


def eur(minor: int) -> Money:
    return Money(minor, "eur")


@pytest.mark.parametrize(
    ("price", "bps", "fee"),
    [
        (420, 1500, 63),
        (100, 1, 0),
        (5000, 1, 1),  # half a cent goes up
        (4999, 1, 0),
        (1, 5000, 1),
        (333, 3333, 111),
        (420, 0, 0),
        (420, 10_000, 420),
    ],
)
def test_the_fee_is_rounded_half_up_once(price, bps, fee):
    assert policy.fee(eur(price), bps) == eur(fee)
    assert policy.cost(eur(price), bps) == eur(price + fee)


@pytest.mark.parametrize(
    ("whole", "share", "taken"),
    [
        (420, Fraction(2, 3), 280),
        (100, Fraction(1, 3), 33),
        (5, Fraction(1, 2), 3),
        (420, Fraction(0), 0),
        (420, Fraction(1), 420),
    ],
)
def test_a_part_is_rounded_once_and_the_rest_is_what_is_left(whole, share, taken):
    assert policy.part(eur(whole), share) == (eur(taken), eur(whole - taken))


@given(st.integers(0, 10**9), st.fractions(0, 1))
def test_parts_always_sum_to_the_whole(whole, share):
    taken, rest = policy.part(eur(whole), share)
    assert taken + rest == eur(whole)
    assert taken.minor >= 0
    assert rest.minor >= 0


def test_a_share_beyond_the_whole_is_our_mistake():
    with pytest.raises(ValueError, match="share"):
        policy.part(eur(10), Fraction(3, 2))


@pytest.mark.parametrize(
    ("available", "count"), [(0, 0), (482, 0), (483, 1), (965, 1), (966, 2), (-5, 0)]
)
def test_a_budget_affords_whole_assignments(available, count):
    assert policy.affordable(eur(available), eur(420), 1500) == count


def test_every_currency_is_one_that_money_knows_with_the_digits_that_people_know():
    assert policy.CURRENCIES.keys() == EXPONENTS.keys()
    for code, rules in policy.CURRENCIES.items():
        spoken = 2 if code == "isk" else get_currency_precision(code.upper())
        assert rules.exponent == EXPONENTS[code] == spoken


# As Stripe publishes them: least charge, and what payouts and charges are multiples of.
STRIPE = {
    "eur": (50, 1, 1),
    "usd": (50, 1, 1),
    "gbp": (30, 1, 1),
    "chf": (50, 1, 1),
    "cad": (50, 1, 1),
    "jpy": (50, 1, 1),
    "aud": (50, 1, 1),
    "nzd": (50, 1, 1),
    "sek": (300, 1, 1),
    "nok": (300, 1, 1),
    "dkk": (250, 1, 1),
    "pln": (200, 1, 1),
    "czk": (1500, 1, 1),
    "huf": (17_500, 100, 1),
    "ron": (200, 1, 1),
    "isk": (10_000, 100, 100),
    "hkd": (400, 1, 1),
    "sgd": (50, 1, 1),
}


@pytest.mark.parametrize("code", policy.CURRENCIES)
def test_amounts_keep_to_what_stripe_asks_of_a_currency(code):
    least, step, deposit_step = STRIPE[code]
    rules = policy.currency(code)

    assert rules.least_deposit >= least
    assert (rules.step, rules.deposit_step) == (step, deposit_step)
    for amount in (policy.least_deposit(code), policy.most_deposit(code)):
        assert amount.minor % deposit_step == 0
    assert policy.least_payout(code).minor % step == 0
    assert policy.payable(Money(rules.least_payout + step + step // 2, code)).minor % step == 0
    assert policy.payable(Money(rules.least_payout - 1, code)) == Money(0, code)


@pytest.mark.parametrize("code", ["xbt", "EUR", "", "bgn", "hrk", "ugx", "kwd", "twd"])
def test_an_unknown_currency_is_refused(code):
    with pytest.raises(policy.UnknownCurrency):
        policy.currency(code)
    with pytest.raises(ValueError, match="unknown currency"):
        Money(1, code)


currencies = st.sampled_from(sorted(policy.CURRENCIES))


@given(currencies, st.integers(1, 10**9), st.integers(0, 10_000), st.fractions(0, 1))
def test_pay_fee_and_rest_are_the_whole_for_any_part(code, price, bps, share):
    pay = Money(price, code)
    fee = policy.fee(pay, bps)

    pay_taken, pay_left = policy.part(pay, share)
    fee_taken, fee_left = policy.part(fee, share)

    assert pay_taken + fee_taken + pay_left + fee_left == policy.cost(pay, bps)
    for amount, exact in (
        (fee, Fraction(price * bps, 10_000)),
        (pay_taken, pay.minor * share),
        (fee_taken, fee.minor * share),
    ):
        assert abs(amount.minor - exact) <= Fraction(1, 2)  # rounded once


@given(currencies, st.integers(0, 10**9))
def test_what_is_sent_and_what_is_kept_are_what_is_owed(code, minor):
    owed = Money(minor, code)

    sent = policy.payable(owed)

    assert Money(0, code) <= sent <= owed
    assert not sent or sent >= policy.least_payout(code)
    kept = owed - sent
    assert kept < max(policy.least_payout(code), Money(policy.currency(code).step, code))


@pytest.mark.parametrize(("owed", "sent"), [(499, 0), (500, 500), (18_640, 18_640), (0, 0)])
def test_less_than_the_least_payout_is_kept(owed, sent):
    assert policy.payable(eur(owed)) == eur(sent)


@pytest.mark.parametrize(
    ("at", "due", "next_payday"),
    [
        ("2026-11-23T00:00", False, "2026-11-27T06:00"),  # Monday
        ("2026-11-27T05:59", False, "2026-11-27T06:00"),  # Friday, too early
        ("2026-11-27T06:00", True, "2026-12-04T06:00"),
        ("2026-11-29T23:59", True, "2026-12-04T06:00"),  # Sunday: still this week's
        ("2026-12-31T12:00", False, "2027-01-01T06:00"),
    ],
)
def test_payday_is_friday_at_six(at, due, next_payday):
    moment = datetime.fromisoformat(at).replace(tzinfo=UTC)
    assert policy.is_payday(moment) is due
    assert policy.next_payday(moment) == datetime.fromisoformat(next_payday).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "payday", "due", "week", "next_payday"),
    [
        ("2026-11-23T05:59", 0, False, "2026-11-16", "2026-11-23T06:00"),
        ("2026-11-23T06:00", 0, True, "2026-11-23", "2026-11-30T06:00"),
        ("2026-11-25T23:59", 0, True, "2026-11-23", "2026-11-30T06:00"),
        ("2026-11-26T00:00", 0, False, "2026-11-23", "2026-11-30T06:00"),
        ("2026-11-26T07:00", 3, True, "2026-11-23", "2026-12-03T06:00"),
        ("2026-11-28T23:59", 3, True, "2026-11-23", "2026-12-03T06:00"),
        ("2026-11-25T12:00", 3, False, "2026-11-16", "2026-11-26T06:00"),
    ],
)
def test_payday_may_be_another_weekday(at, payday, due, week, next_payday):
    moment = datetime.fromisoformat(at).replace(tzinfo=UTC)
    assert policy.is_payday(moment, payday) is due
    assert policy.pay_week(moment, payday) == date.fromisoformat(week)
    coming = datetime.fromisoformat(next_payday).replace(tzinfo=UTC)
    assert policy.next_payday(moment, payday) == coming


def test_a_week_begins_on_monday_in_utc():
    late = datetime(2026, 11, 23, 0, 30, tzinfo=UTC).astimezone(tz=None)
    assert policy.week_of(late) == date(2026, 11, 23)
    assert policy.week_of(late - timedelta(hours=1)) == date(2026, 11, 16)


def test_waits_grow_to_a_limit():
    waits = [policy.wait_after(tries) for tries in range(60)]
    assert waits == sorted(waits)
    assert waits[0] == timedelta(minutes=1)
    assert waits[-1] == policy.LONGEST_WAIT


def test_a_key_is_trusted_for_less_than_the_day_that_stripe_keeps_it():
    asked = datetime(2026, 11, 23, tzinfo=UTC)
    assert policy.key_lives(asked, asked + timedelta(hours=22, minutes=59))
    assert not policy.key_lives(asked, asked + timedelta(hours=23))
