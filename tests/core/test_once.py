"""A form counts once, however often and however fast it is sent."""

from threading import Barrier, Thread

from sqlmodel import Session

from core import once
from core.clock import now
from tests.conftest import Live


def test_the_second_sending_is_led_where_the_first_went(session: Session) -> None:
    key = once.new_key()

    first = once.first_use(session, key, user_id=1, at=now())
    once.remember(session, key, "/projects/5", user_id=1)
    second = once.first_use(session, key, user_id=1, at=now())

    assert (first, second) == (True, False)
    assert once.led_to(session, key, user_id=1) == "/projects/5"


def test_a_key_is_a_persons_own(session: Session) -> None:
    key = once.new_key()
    once.first_use(session, key, user_id=1, at=now())
    once.remember(session, key, "/secret", user_id=1)

    assert once.led_to(session, key, user_id=2) is None
    assert once.first_use(session, key, user_id=2, at=now())


def test_of_many_at_once_one_is_the_first(live: Live) -> None:
    key, start, firsts = once.new_key(), Barrier(8), []

    def send() -> None:
        start.wait()
        with live.transaction() as session:
            firsts.append(once.first_use(session, key, user_id=1, at=now()))

    threads = [Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(firsts) == [False] * 7 + [True]
