"""Brings webhooks to the servers of others, by HTTP, and to no place inside our own walls.

An address is looked up once for each message. All that it leads to is checked, and the connection
goes to what was checked: a name that leads elsewhere a moment later leads nowhere. Redirects are
answers like any other. A message has `timeout` seconds; its lookup is within them, LOOKUP at most.
"""

import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import SplitResult, urlsplit

import httpcore

from core.ports import WebhookAnswer, WebhookRefused, WebhookUnanswered

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolve = Callable[[str, int], Sequence[str]]

TIMEOUT = 15.0
LOOKUP = 5.0
EXCERPT = 500
LONGEST = 2000
PORTS = (443, 8443)
# Public by their numbers, and yet a way inside: metadata of Azure and Oracle, IPv4 wrapped into
# IPv6, and what older Pythons do not know to be set apart.
BACK_DOORS: tuple[Network, ...] = tuple(
    ipaddress.ip_network(one)
    for one in (
        *("168.63.129.16/32", "192.0.0.0/24", "192.88.99.0/24"),
        *("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "::/96"),
        *("2001::/23", "3fff::/20", "5f00::/16", "fec0::/10"),
    )
)


def resolve(host: str, port: int) -> list[str]:
    """Return every address of a host, as the system knows them; none when it knows none in time."""
    found: list[str] = []
    # The system's lookup takes no time-out, and its own may be a minute: somebody's name server
    # that never answers must not hold a worker. The thread ends when the system gives up.
    asking = threading.Thread(target=_look_up, args=(host, port, found), daemon=True)
    asking.start()
    asking.join(LOOKUP)
    return [] if asking.is_alive() else found


def is_public(address: Address) -> bool:
    """Return whether an address is somebody's on the open internet."""
    plain = _plain(address)
    within = any(plain in network for network in BACK_DOORS)
    return plain.is_global and not plain.is_multicast and not plain.is_reserved and not within


class HttpSender:
    """Sends by HTTP/1.1; see `core.ports.WebhookSender`."""

    def __init__(
        self,
        private: Iterable[Network] = (),
        *,
        resolve: Resolve = resolve,
        timeout: float = TIMEOUT,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.private = tuple(private)
        self.resolve = resolve
        self.timeout = timeout
        self.tls = tls or ssl.create_default_context()

    def check(self, url: str) -> None:
        """Refuse an address that nothing may be sent to."""
        if not self._checked(_split(url)):
            raise WebhookRefused("unknown_host")

    def send(self, url: str, body: bytes, headers: Mapping[str, str]) -> WebhookAnswer:
        """Send a message to an address, once."""
        status, read = self.ask("POST", url, body, headers, most=EXCERPT)
        return WebhookAnswer(status, _excerpt(read))

    def ask(
        self, method: str, url: str, body: bytes, headers: Mapping[str, str], *, most: int
    ) -> tuple[int, bytes]:
        """Ask an address once; return the status and the beginning of the answer."""
        deadline = time.monotonic() + self.timeout
        addresses = self._checked(_split(url))
        if not addresses:
            raise WebhookUnanswered("unknown_host")
        backend = _Pinned(addresses, deadline)
        try:
            with (
                httpcore.ConnectionPool(ssl_context=self.tls, network_backend=backend) as pool,
                pool.stream(method, url, headers=list(headers.items()), content=body) as response,
            ):
                return response.status, _beginning(response.iter_stream(), most)
        except httpcore.TimeoutException as problem:
            raise WebhookUnanswered("timeout") from problem
        except (httpcore.NetworkError, ssl.SSLError) as problem:
            raise WebhookUnanswered("tls" if _is_tls(problem) else "connection") from problem
        except httpcore.ProtocolError as problem:
            raise WebhookUnanswered("not_http") from problem

    def _checked(self, parts: SplitResult) -> list[str]:
        """Return where a host leads, all of it checked."""
        port = parts.port or (443 if parts.scheme == "https" else 80)
        found = [str(one) for one in self.resolve(parts.hostname or "", port)]
        addresses = [ipaddress.ip_address(one.partition("%")[0]) for one in found]
        if all(self._is_ours(one) for one in addresses) and addresses:
            return found
        if not all(is_public(one) for one in addresses):
            raise WebhookRefused("private")
        if parts.scheme != "https":
            raise WebhookRefused("not_https")
        if port not in PORTS:
            raise WebhookRefused("port")
        return found

    def _is_ours(self, address: Address) -> bool:
        """Whether it lies in a network that the operator has opened for webhooks."""
        return any(_plain(address) in network for network in self.private)


class _Pinned(httpcore.NetworkBackend):
    """Connects to addresses that were checked, whatever name is asked for."""

    def __init__(self, addresses: Sequence[str], deadline: float) -> None:
        self.addresses = addresses
        self.deadline = deadline
        self.real = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address that takes us."""
        trouble: Exception = httpcore.ConnectError("no address")
        for address in self.addresses:
            try:
                left = _left(self.deadline)
                stream = self.real.connect_tcp(address, port, left, socket_options=socket_options)
                return _Timed(stream, self.deadline)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as problem:
                trouble = problem
        raise trouble


class _Timed(httpcore.NetworkStream):
    """A connection that ends with the message's time, however slowly the other side drips."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: float) -> None:
        self.stream = stream
        self.deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read what has come, while there is time."""
        return self.stream.read(max_bytes, _left(self.deadline))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write, while there is time."""
        self.stream.write(buffer, _left(self.deadline))

    def close(self) -> None:
        """Close the connection."""
        self.stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """Go on encrypted, with the certificate checked for the host's name."""
        left = _left(self.deadline)
        return _Timed(self.stream.start_tls(ssl_context, server_hostname, left), self.deadline)

    def get_extra_info(self, info: str) -> Any:
        """Tell of the connection."""
        return self.stream.get_extra_info(info)


def _look_up(host: str, port: int, found: list[str]) -> None:
    try:
        entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return
    found += [str(entry[4][0]) for entry in entries]


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout("the time of this message is over")
    return left


def _split(url: str) -> SplitResult:
    """Read an address, or refuse one that programs read in different ways."""
    if len(url) > LONGEST or not url.isascii() or not url.isprintable() or " " in url:
        raise WebhookRefused("unreadable")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise WebhookRefused("unreadable") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or "\\" in url or port == 0:
        raise WebhookRefused("unreadable")
    if "@" in parts.netloc:
        raise WebhookRefused("credentials")
    if "#" in url:
        raise WebhookRefused("fragment")
    return parts


def _plain(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 one stands for, where it does."""
    return getattr(address, "ipv4_mapped", None) or address


def _beginning(stream: Iterable[bytes], most: int) -> bytes:
    """Read the beginning of an answer and no more."""
    read = bytearray()
    for chunk in stream:
        read += chunk
        if len(read) >= most:
            break
    return bytes(read[:most])


def _excerpt(read: bytes) -> str:
    return read.decode("utf-8", "replace").replace("\0", "")[:EXCERPT]


def _is_tls(problem: BaseException) -> bool:
    causes = (problem, problem.__cause__, problem.__context__)
    return any(isinstance(one, ssl.SSLError) for one in causes)
