"""Whether Temporal can be used, as whoever probes a process is told."""

from dataclasses import dataclass
from typing import Any

import pytest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from nurture.domain.errors import Transient
from tests.support.ports import free_port
from tests.support.temporal import dev_server
from workflows.client import TemporalWaker, ping


async def test_temporal_is_there_when_it_has_our_namespace() -> None:
    async with await dev_server() as environment:
        address = environment.client.service_client.config.target_host
        assert await ping(environment.client) is None
        other = await Client.connect(address, namespace="elsewhere", lazy=True)
        assert await ping(other) == (
            'Temporal has no namespace "elsewhere" (TEMPORAL_NAMESPACE); touches are kept until it has'
        )


async def test_a_temporal_that_is_away_is_told() -> None:
    client = await Client.connect(f"127.0.0.1:{free_port()}", lazy=True)
    assert await ping(client) == "Temporal does not answer; touches are kept until it does"


async def test_a_wake_up_of_a_newer_release_waits_for_it() -> None:
    client = await Client.connect(f"127.0.0.1:{free_port()}", lazy=True)
    with pytest.raises(Transient, match="only a newer release wakes a dance"):
        await TemporalWaker(client, "q").wake("dance", "d1")


@dataclass
class Refusing:
    """A client, and its service, whose key Temporal answers with this."""

    status: RPCStatusCode
    namespace = "ours"

    @property
    def workflow_service(self) -> Any:
        return self

    async def describe_namespace(self, *_: object, **__: object) -> None:
        raise RPCError("refused", self.status, b"")


@pytest.mark.parametrize(
    ("status", "ready"),
    [(RPCStatusCode.PERMISSION_DENIED, True), (RPCStatusCode.UNAUTHENTICATED, False)],
)
async def test_a_key_that_may_not_look_at_namespaces_is_enough(
    status: RPCStatusCode, ready: bool
) -> None:
    refusing: Any = Refusing(status)
    assert (await ping(refusing) is None) is ready
