"""What Temporal's list of running workflows says, asked for gently: clusters limit such questions."""

import asyncio
from base64 import b64decode, b64encode
from collections.abc import Sequence

from temporalio.client import Client
from temporalio.service import RPCError

from nurture.domain.errors import Transient
from workflows.client import BY_KIND

_AT_ONCE = 50
"""Ids in one question."""

_PAGE = 500

_SPACING = 0.2
"""Seconds between two questions: five a second, of the thirty that a namespace has at Temporal Cloud."""


class TemporalRuns:
    """Implements ports.Runs by Temporal's visibility, which may lag behind by seconds."""

    def __init__(self, client: Client, size: int = _PAGE) -> None:
        self._client = client
        self._size = size

    async def running(self, kind: str, keys: Sequence[str]) -> set[str]:
        ids = {BY_KIND[kind][1](key): key for key in keys}
        found: set[str] = set()
        names = list(ids)
        for start in range(0, len(names), _AT_ONCE):
            some = ", ".join(f"'{name}'" for name in names[start : start + _AT_ONCE])
            listed, _ = await self._ask(f"WorkflowId IN ({some})", b"", _AT_ONCE)
            found |= {ids[name] for name in listed}
        return found

    async def page(self, kind: str, after: str) -> tuple[list[str], str]:
        workflow, id_of, _ = BY_KIND[kind]
        name = workflow.__qualname__.partition(".")[0]
        token = b64decode(after)
        listed, following = await self._ask(f"WorkflowType = '{name}'", token, self._size)
        prefix = id_of("")
        return [id_.removeprefix(prefix) for id_ in listed], b64encode(following).decode()

    async def _ask(self, which: str, token: bytes, size: int) -> tuple[list[str], bytes]:
        await asyncio.sleep(_SPACING)
        query = f"{which} AND ExecutionStatus = 'Running'"
        pages = self._client.list_workflows(query, page_size=size, next_page_token=token or None)
        try:
            await pages.fetch_next_page()
        except RPCError as error:
            raise Transient("temporal", error.status.name) from error
        ids = [execution.id for execution in pages.current_page or []]
        return ids, pages.next_page_token or b""
