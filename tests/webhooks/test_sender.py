"""Where webhooks may go: public addresses, as they are at the moment of sending."""

import ipaddress
import ssl
import threading
from typing import Any

import pytest

from accounts import webhook_sender
from accounts.webhook_sender import HttpSender, is_public
from core.ports import WebhookRefused, WebhookUnanswered
from tests.webhooks.conftest import LOOPBACK
from tests.webhooks.receiver import Receiver

PUBLIC = "93.184.215.14"
PRIVATE = [
    "127.0.0.1",
    "127.8.9.1",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "100.100.100.200",
    "169.254.169.254",
    "168.63.129.16",
    "192.0.0.192",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fd00:ec2::254",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "2001:db8::1",
    "2001::1",
    "fec0::1",
]


def leads_to(*addresses: str) -> HttpSender:
    return HttpSender(resolve=lambda _host, _port: addresses)


def refusal(sender: HttpSender, url: str) -> str:
    with pytest.raises(WebhookRefused) as refused:
        sender.check(url)
    return str(refused.value)


@pytest.mark.parametrize("address", PRIVATE)
def test_a_name_that_leads_inside_is_refused_whatever_else_it_leads_to(address: str) -> None:
    for sender in (leads_to(address), leads_to(PUBLIC, address), leads_to(address, PUBLIC)):
        assert refusal(sender, "https://hooks.example.org/in") == "private"
        with pytest.raises(WebhookRefused):
            sender.send("https://hooks.example.org/in", b"{}", {})


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "localhost",
        "[::1]",
        "[::ffff:7f00:1]",
        "0",
    ],
)
def test_numbers_written_in_odd_ways_are_seen_through(host: str) -> None:
    # As the system itself reads them.
    assert refusal(HttpSender(), f"https://{host}/in") in ("private", "unknown_host")


@pytest.mark.parametrize("address", [PUBLIC, "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "1.1.1.1"])
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))
    leads_to(address).check("https://hooks.example.org/in")
    leads_to(address).check("https://hooks.example.org:8443/in?a=b")


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://hooks.example.org/", "not_https"),
        ("https://hooks.example.org:22/", "port"),
        ("https://hooks.example.org:8080/", "port"),
        ("https://hooks.example.org:0/", "unreadable"),
        ("https://hooks.example.org:99999/", "unreadable"),
        ("https://me:secret@hooks.example.org/", "credentials"),
        ("https://hooks.example.org@127.0.0.1/", "credentials"),
        ("https://hooks.example.org/#part", "fragment"),
        ("https://hooks.example.org/#", "fragment"),
        ("ftp://hooks.example.org/", "unreadable"),
        ("file:///etc/passwd", "unreadable"),
        ("https:///in", "unreadable"),
        ("https://hooks.example.org\\@127.0.0.1/", "unreadable"),
        ("https://hooks.example.org/a b", "unreadable"),
        ("https://hooks.example.org/\r\nHost: x", "unreadable"),
        ("https://hööks.example.org/", "unreadable"),
        ("https://[::1/", "unreadable"),
        ("https://" + "a" * 2000 + ".example.org/", "unreadable"),
        ("", "unreadable"),
    ],
)
def test_other_addresses_are_refused_with_their_reason(url: str, why: str) -> None:
    assert refusal(leads_to(PUBLIC), url) == why


def test_a_name_that_nobody_knows_is_refused_when_chosen_and_waited_for_when_sent() -> None:
    nobody = leads_to()

    assert refusal(nobody, "https://hooks.example.org/") == "unknown_host"
    with pytest.raises(WebhookUnanswered, match="unknown_host"):
        nobody.send("https://hooks.example.org/", b"{}", {})


def test_a_name_that_changes_between_check_and_connection_leads_nowhere_new(
    receiver: Receiver,
) -> None:
    looked_up: list[str] = []

    def rebinding(host: str, _port: int) -> list[str]:
        looked_up.append(host)
        return [PUBLIC] if len(looked_up) == 1 else ["127.0.0.1"]

    sender = HttpSender(resolve=rebinding, timeout=0.3)
    sender.check("https://hooks.example.org/")

    # Now it leads to us: refused, because it is looked at anew for each message.
    with pytest.raises(WebhookRefused, match="private"):
        sender.send("https://hooks.example.org/", b"{}", {})
    assert receiver.got == []


def test_a_message_looks_its_address_up_once_and_goes_there(receiver: Receiver) -> None:
    looked_up: list[str] = []

    def resolve(host: str, _port: int) -> list[str]:
        looked_up.append(host)
        return ["127.0.0.1"]

    url = receiver.url.replace("127.0.0.1", "a-name-that-only-we-know.example")
    answer = HttpSender(LOOPBACK, resolve=resolve).send(url, b"{}", {"x": "y"})

    assert answer.status == 204
    assert looked_up == ["a-name-that-only-we-know.example"]
    assert receiver.got[0][0]["host"].startswith("a-name-that-only-we-know.example")


def test_networks_that_the_operator_opened_are_reached_by_http_and_any_port() -> None:
    within = HttpSender(LOOPBACK, resolve=lambda _host, _port: ["127.0.0.1"])

    within.check("http://hooks.internal:8080/in")
    mixed = HttpSender(LOOPBACK, resolve=lambda _host, _port: ["127.0.0.1", PUBLIC])
    assert refusal(mixed, "http://hooks.internal:8080/in") == "private"
    assert refusal(HttpSender(LOOPBACK, resolve=lambda *_: ["10.0.0.1"]), "http://x/") == "private"


def test_a_certificate_of_another_name_is_not_trusted(receiver: Receiver) -> None:
    # The receiver speaks no TLS at all, which is as good a reason.
    sender = HttpSender(LOOPBACK, tls=ssl.create_default_context(), timeout=2)

    with pytest.raises(WebhookUnanswered, match="tls"):
        sender.send(receiver.url.replace("http:", "https:"), b"{}", {})


def test_every_reason_has_words() -> None:
    from accounts import webhook_deliveries, webhooks

    said: dict[str, Any] = webhooks.WHY
    assert {"private", "port", "not_https", "credentials", "fragment", "unreadable"} <= set(said)
    assert {"timeout", "tls", "connection", "not_http"} <= set(webhook_deliveries.TROUBLES)


def test_a_name_server_that_never_answers_holds_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = threading.Event()

    def never(*_asked: Any, **_more: Any) -> Any:
        gone.wait(60)
        raise OSError

    monkeypatch.setattr(webhook_sender.socket, "getaddrinfo", never)
    monkeypatch.setattr(webhook_sender, "LOOKUP", 0.05)

    with pytest.raises(WebhookUnanswered, match="unknown_host"):
        HttpSender().send("https://slow.example/", b"{}", {})

    gone.set()
