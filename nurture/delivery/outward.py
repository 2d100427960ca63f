"""Where a call may go. Addresses come from settings and playbooks; none may lead into our own network unasked.

Against server-side request forgery: a marketer's webhook must not read the cloud's metadata service,
nor a name be turned to an inner address between the check and the call (DNS rebinding).
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Protocol
from urllib.request import getproxies

import httpcore
import httpx

from nurture.domain.errors import StartError, Transient

Network = IPv4Network | IPv6Network
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""A name's addresses. Raises OSError when it has none."""


def networks(text: str) -> tuple[Network, ...]:
    """`10.0.0.0/8, fd00::/8` as networks. Raises StartError for anything else."""
    try:
        return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise StartError(
            f"NURTURE_PRIVATE_NETWORKS: {error}; write networks such as 10.0.0.0/8"
        ) from error


def transport(allowed: Sequence[Network]) -> httpx.AsyncBaseTransport | None:
    """For a client that calls out. None where a proxy is set: then the proxy decides where calls may go."""
    return None if getproxies() else _Guarded(Guard(allowed))


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
        except OSError as error:
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
        address = ip_address(text.partition("%")[0])
        if isinstance(address, IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        return (address.is_global and not address.is_multicast) or any(
            address in network for network in self._allowed if network.version == address.version
        )


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
