"""A sandbox of its own process, killed at the worst moments and started again."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
import stripe

from tests.payouts.sandbox.bench import Bench


@dataclass
class Process:
    bench: Bench
    pid: int
    popen: subprocess.Popen

    def kill(self):
        self.popen.kill()
        self.popen.wait()


@contextmanager
def started(data, web, *options) -> Iterator[Process]:
    """Yield a sandbox of its own process, ended by SIGKILL if it still lives."""
    command = [sys.executable, "-m", "payouts.sandbox", "--port", "0", "--data", str(data)]
    popen = subprocess.Popen(
        [*command, *options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        line = popen.stdout.readline()
        assert line.startswith("Stripe sandbox on "), line + popen.stdout.read()
        yield Process(Bench(line.split()[3], web), popen.pid, popen)
    finally:
        popen.kill()
        popen.wait()
        popen.stdout.close()


def test_what_was_acknowledged_outlives_sigkill(tmp_path, web):
    with started(tmp_path, web) as first:
        account = first.bench.account()
        first.bench.paid(100_000)
        made = first.bench.v1.transfers.create(
            {"amount": 1000, "currency": "eur", "destination": account}, {"idempotency_key": "k"}
        )
        first.bench.control("/clock/advance", days=0, seconds=500)
        first.kill()

    with started(tmp_path, web) as second:
        bench = second.bench
        again = bench.v1.transfers.create(
            {"amount": 1000, "currency": "eur", "destination": account}, {"idempotency_key": "k"}
        )
        assert again.id == made.id
        assert bench.available() == 100_000 - 1525 - 1000
        assert bench.look("/health")["clock_ahead"] == 500


@pytest.mark.parametrize(("fault", "kept"), [("slow_commit", 0), ("lose_answer", 1)])
def test_a_kill_in_a_request_leaves_it_whole_or_absent_and_its_key_knows_which(
    tmp_path, web, fault, kept
):
    with started(tmp_path, web) as first:
        account = first.bench.account()
        first.bench.paid(100_000)
        first.bench.control("/faults", kind=fault, path="/v1/transfers", seconds=30)
        asking = threading.Thread(target=storm, args=[first.bench.url, web, account, 0, {}, 1])
        asking.start()
        if fault == "lose_answer":
            asking.join()  # done, and only the answer is lost
        else:
            time.sleep(0.5)  # done, but not committed
        first.kill()
        asking.join()

    with started(tmp_path, web) as second:
        bench = second.bench
        before = bench.v1.transfers.list().data
        again: dict[str, str] = {}
        storm(bench.url, web, account, 0, again, rounds=1)
        [after] = bench.v1.transfers.list().data

        assert len(before) == kept
        assert [each.id for each in before] in ([], [again["0:0"]])
        assert after.id == again["0:0"]
        replayed = "Idempotent-Replayed" in last_headers(bench, account)
        assert replayed
        assert bench.available() == 100_000 - 1525 - 10
        assert bench.available(account) == 10
        events = bench.v1.events.list({"type": "transfer.created"}).data
        assert [each.data.object.id for each in events] == [after.id]


def last_headers(bench, account):
    asked = {
        "amount": 10,
        "currency": "eur",
        "destination": account,
        "metadata": {"key": "0:0"},
    }
    bench.v1.transfers.create(asked, {"idempotency_key": "0:0"})
    return bench.http.last_headers


@pytest.mark.parametrize("round_", range(2))
def test_a_kill_in_the_middle_of_a_storm_loses_and_doubles_nothing(tmp_path, web, round_):
    acknowledged: dict[str, str] = {}
    with started(tmp_path, web) as first:
        account = first.bench.account()
        first.bench.paid(1_000_000)
        threads = [
            threading.Thread(target=storm, args=[first.bench.url, web, account, n, acknowledged])
            for n in range(4)
        ]
        for each in threads:
            each.start()
        time.sleep(0.6 + 0.3 * round_)
        os.kill(first.pid, signal.SIGKILL)
        for each in threads:
            each.join()

    with started(tmp_path, web) as second:
        bench = second.bench
        kept = {
            each.metadata.key: each.id
            for each in bench.v1.transfers.list({"limit": 100}).auto_paging_iter()
        }
        assert acknowledged
        assert acknowledged.items() <= kept.items()
        storm(bench.url, web, account, 0, kept, rounds=5)  # keys that may have been lost
        moved = sum(move.net for move in bench.moves(account))
        assert moved == 10 * len(kept)
        assert bench.available() + moved == 1_000_000 - 15025


def storm(url, web, account, thread, acknowledged, rounds=200):
    bench = Bench(url, web)
    for number in range(rounds):
        key = f"{thread}:{number}"
        asked = {
            "amount": 10,
            "currency": "eur",
            "destination": account,
            "metadata": {"key": key},
        }
        try:
            made = bench.v1.transfers.create(asked, {"idempotency_key": key})
        except stripe.APIConnectionError:
            return
        acknowledged[key] = made.id


def test_a_webhook_that_was_owed_is_delivered_after_a_kill_even_to_a_new_address(
    tmp_path, web, receiver
):
    nobody = "http://127.0.0.1:9/platform=whsec_old"
    with started(tmp_path, web, "--platform-webhook", nobody) as first:
        made = first.bench.v1.topups.create({"amount": 5, "currency": "eur"})
        first.kill()

    moved = f"{receiver.url}/platform={receiver.secret}"
    with started(tmp_path, web, "--platform-webhook", moved):
        receiver.wait(lambda names: "topup.created" in names)
    heard = next(one.event for one in receiver.heard if one.event["type"] == "topup.created")
    assert heard["data"]["object"]["id"] == made.id


def test_a_second_sandbox_on_the_same_state_is_refused(tmp_path, web):
    with started(tmp_path, web):
        command = [sys.executable, "-m", "payouts.sandbox", "--port", "0", "--data", str(tmp_path)]
        second = subprocess.run(command, capture_output=True, text=True, timeout=30)

    assert second.returncode == 1
    assert "Another sandbox works in" in second.stderr


def test_a_port_that_is_taken_is_named(tmp_path, web):
    with started(tmp_path / "one", web) as first:
        port = first.bench.url.rsplit(":", 1)[1]
        command = [sys.executable, "-m", "payouts.sandbox", "--port", port]
        second = subprocess.run(
            [*command, "--data", str(tmp_path / "two")],
            capture_output=True,
            text=True,
            timeout=30,
        )

    assert second.returncode == 1
    assert port in second.stderr


def test_a_term_signal_ends_it_at_once_and_in_peace(tmp_path, web):
    with started(tmp_path, web) as process:
        process.popen.send_signal(signal.SIGTERM)

        assert process.popen.wait(timeout=10) == 0


@pytest.mark.parametrize("given", ["http://localhost:9", "nonsense=whsec_1", "http://x="])
def test_a_webhook_without_its_secret_is_refused(tmp_path, given):
    command = [sys.executable, "-m", "payouts.sandbox", "--data", str(tmp_path)]
    ended = subprocess.run(
        [*command, "--connect-webhook", given], capture_output=True, text=True, timeout=30
    )

    assert ended.returncode == 2
    assert "URL=SECRET" in ended.stderr
