"""Where a call may go. Addresses come from settings and playbooks; none may lead into our own network unasked.

Against server-side request forgery: a marketer's webhook must not read the cloud's metadata service,
nor a name be turned to an inner address between the check and the call (DNS rebinding).
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Protocol
from urllib.request import getproxies, proxy_bypass

import httpcore
import httpx

from nurture.domain.errors import Transient
from nurture.settings import Network

_CARRIES_IPV4 = tuple(
    map(IPv6Network, ("::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96"))
)
"""IPv6 addresses that end in an IPv4 address and may lead there: compatible (RFC 4291), mapped, translated (RFC 2765),
NAT64 (RFC 6052)."""

_ITSELF = IPv6Address("::1")
"""The loopback address is written as if it were compatible, and is none (RFC 4291)."""

_INNER = tuple(
    map(
        ip_network,
        ("64:ff9b:1::/48", "fec0::/10", "3fff::/20", "5f00::/16", "192.0.0.0/24", "192.88.99.0/24"),
    )
)
"""NAT64 of one's own (RFC 8215), site-local (RFC 3879), for documentation (RFC 9637), segments of a route (RFC 9602),
the IETF's own (RFC 6890) and the relays of 6to4 (RFC 7526), which Python, or an older one, takes for public."""

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""A name's addresses. Raises OSError when it has none, and UnicodeError when it is no name (RFC 3490, 4)."""


def transport(allowed: Sequence[Network]) -> httpx.AsyncBaseTransport:
    """For a client that calls out: guarded, or through the proxy that the environment names for such a call."""
    proxies = getproxies()
    ways = {
        scheme: httpx.AsyncHTTPTransport(proxy=proxy)
        for scheme in ("http", "https")
        if (proxy := proxies.get(scheme) or proxies.get("all"))
    }
    return _Routed(_Guarded(Guard(allowed)), ways)


class _Opened(Protocol):
    """How a checked connection is opened: httpcore's own way, or a test's."""

    async def connect_tcp(self, host: str, port: int, **options: Any) -> Any: ...


class Guard(httpcore.AsyncNetworkBackend):
    """Resolves a name once, checks each address, and connects to one it has checked.

    Raises Transient: what an operator allows later is delivered by the next try.
    """

    def __init__(
        self,
        allowed: Sequence[Network],
        resolve: Resolve | None = None,
        inner: _Opened | None = None,
    ) -> None:
        self._allowed = allowed
        self._resolve = resolve or _resolve
        self._inner = inner or httpcore.AnyIOBackend()

    async def connect_tcp(  # type: ignore[override]  # options are handed on as they come
        self, host: str, port: int, **options: Any
    ) -> Any:
        try:
            found = await self._resolve(host, port)
        except (
            OSError,
            UnicodeError,
        ) as error:  # an empty label, or one too long, is no name at all
            raise httpcore.ConnectError(f"{host} has no address") from error
        if not all(self._may(address) for address in found):
            raise Transient(
                "private_address",
                f"{host} is inside a private network; NURTURE_PRIVATE_NETWORKS names those that may be called",
            )
        return await self._first(found, port, options)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def _first(self, found: Sequence[str], port: int, options: Mapping[str, Any]) -> Any:
        """The first address that answers; the last one's failure when none does."""
        *others, last = found
        for address in others:
            try:
                return await self._inner.connect_tcp(address, port, **options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self._inner.connect_tcp(last, port, **options)

    def _may(self, text: str) -> bool:
        address = _meant(ip_address(text.partition("%")[0]))
        return _is_public(address) or any(
            address in network for network in self._allowed if network.version == address.version
        )


def _meant(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that an IPv6 address stands for, where it is one of those that do."""
    if isinstance(address, IPv4Address) or address == _ITSELF:
        return address
    if any(address in network for network in _CARRIES_IPV4):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.sixtofour or address


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if any(address in network for network in _INNER if network.version == address.version):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


class _Routed(httpx.AsyncBaseTransport):
    """Calls that a proxy makes for us go where it lets them (security.md); the others, and those that NO_PROXY excepts,
    are guarded."""

    def __init__(
        self, guarded: httpx.AsyncBaseTransport, ways: Mapping[str, httpx.AsyncBaseTransport]
    ) -> None:
        self._guarded = guarded
        self._ways = ways

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        way = self._ways.get(request.url.scheme)
        direct = way is None or proxy_bypass(request.url.host)
        return await (self._guarded if direct or way is None else way).handle_async_request(request)

    async def aclose(self) -> None:
        for way in (self._guarded, *self._ways.values()):
            await way.aclose()


class _Guarded(httpx.AsyncHTTPTransport):
    """httpx's own transport over a guarded pool; httpx has no parameter for what opens connections."""

    def __init__(self, guard: Guard) -> None:
        super().__init__()
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=httpx.create_ssl_context(),
            max_connections=100,
            max_keepalive_connections=20,
            keepalive_expiry=5.0,
            network_backend=guard,
        )


async def _resolve(host: str, port: int) -> Sequence[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]
