"""Segment-compatible ingest: what websites, apps and servers report with the SDKs they already have."""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from nurture.incoming import Receipt
from nurture.intake.taking import WITHOUT_TRAITS
from nurture.web import payload, segment
from nurture.web.access import open_to
from nurture.web.deps import Current
from nurture.web.errors import Refusal
from nurture.web.measures import Measures
from nurture.web.openapi import BATCH, MESSAGE, refusals
from nurture.web.segment import Origin, Refused
from nurture.web.sources import Limiter, Source, Sources, names_a_key

router = APIRouter(
    tags=["ingest"], dependencies=[open_to("whoever has a write key, which the route asks")]
)

CALLS = ("identify", "track", "page", "screen", "group", "alias")
_SHORT = {call[0]: call for call in CALLS}
REFUSALS = refusals(400, 401, 429)

_ROW_CHARACTERS = 30_000
"""How much one row in quarantine holds, in characters of JSON."""


class Gate:
    """Lets a request in: reads its body, knows its source, holds back who sends too fast."""

    def __init__(self, sources: Sources, limiter: Limiter) -> None:
        self.sources = sources
        self.limiter = limiter

    async def admit(self, request: Request, limit: int, deps: Current) -> tuple[Any, Source]:
        data = await payload.read(request, limit)
        try:
            body = payload.parse(data)
        except Refusal:
            if names_a_key(request):  # else its key stands in the body, which nobody can read
                self._admit(request, "", deps)
            raise
        return body, self._admit(request, _key_in(body), deps)

    def _admit(self, request: Request, body_key: str, deps: Current) -> Source:
        source = self.sources.of(request, body_key)
        self.limiter.check(source.key, deps.now())
        return source


async def _gate(request: Request) -> Gate:
    gate: Gate = request.app.state.gate
    return gate


Gated = Annotated[Gate, Depends(_gate)]


@router.post("/v1/batch", openapi_extra=BATCH, responses=REFUSALS, summary="Many messages")
@router.post("/v1/b", include_in_schema=False)
@router.post("/beacon/v1/batch", include_in_schema=False)
async def batch(request: Request, deps: Current, gate: Gated) -> dict[str, Any]:
    """Up to 2500 messages, 500 KB, each at most 32 KB. Messages that cannot be used are listed in the
    answer with the reason and kept in quarantine; the others are taken, and the answer is 200."""
    body, source = await gate.admit(request, segment.BATCH_BYTES, deps)
    receipt = await _take(segment.unpack(body), source, deps)
    return _told(request, source, receipt)


@router.post(
    "/v1/{call}", openapi_extra=MESSAGE, responses=refusals(404) | REFUSALS, summary="One message"
)
async def one(call: str, request: Request, deps: Current, gate: Gated) -> dict[str, Any]:
    """`call` is identify, track, page, screen, group, alias or its first letter, as the browser SDK
    says it. The content type does not matter. A message that cannot be used is answered with 400 and
    the reason, and kept in quarantine."""
    kind = _SHORT.get(call, call)
    if kind not in CALLS:
        raise Refusal(
            404, "not_found", f"/v1/{call} is no call; there are {', '.join(CALLS)}, batch"
        )
    body, source = await gate.admit(request, segment.MESSAGE_BYTES, deps)
    message = {**body, "type": body.get("type") or kind} if isinstance(body, dict) else body
    receipt = await _take([message], source, deps)
    told = _told(request, source, receipt)
    if receipt.refused:
        raise Refusal(400, "unusable_message", receipt.refused[0][1])
    return told


async def _take(messages: Sequence[Any], source: Source, deps: Current) -> Receipt:
    """Good ones first: were it the other way round, a batch that is sent again after a failure would
    put its bad ones into quarantine twice."""
    now = deps.now()
    parsed = segment.parse(messages, Origin(source.name, source.trusted, now))
    receipt = Receipt()
    if parsed.messages:
        receipt = await deps.intake.take(source.name, parsed.messages, now)
    kept = [*parsed.refused, *_traits_alone(messages, receipt)]
    if kept:
        await deps.intake.refuse(source.name, list(_rows(kept)), now)
    refused = tuple((refusal.message_id, refusal.reason) for refusal in parsed.refused)
    return replace(receipt, refused=refused + receipt.refused)


def _traits_alone(messages: Sequence[Any], receipt: Receipt) -> Iterator[Refused]:
    """Of messages that were taken without their traits, these: under an id of their own, or another try would find them
    taken."""
    without = {id_: why for id_, why in receipt.refused if why.startswith(WITHOUT_TRAITS)}
    for message in messages if without else ():
        name = str(message.get("messageId")) if isinstance(message, dict) else ""
        if name in without:
            told = {**message, "type": "identify", "messageId": f"{name}/traits"}
            yield Refused(name, without[name], json.dumps(told))


def _rows(refused: Sequence[Refused]) -> Iterator[tuple[str, str]]:
    """JSON and reason. Messages of one reason share a row, so that a bad batch is a few rows and not thousands."""
    by_reason: dict[str, list[str]] = defaultdict(list)
    for refusal in refused:
        by_reason[refusal.reason].append(refusal.raw)
    for reason, raws in by_reason.items():
        row: list[str] = []
        for raw in raws:
            if row and sum(map(len, row)) + len(raw) > _ROW_CHARACTERS:
                yield _joined(row), reason
                row = []
            row.append(raw)
        yield _joined(row), reason


def _joined(raws: Sequence[str]) -> str:
    return raws[0] if len(raws) == 1 else f"[{','.join(raws)}]"


def _told(request: Request, source: Source, receipt: Receipt) -> dict[str, Any]:
    outcomes = {
        "accepted": receipt.accepted,
        "duplicate": receipt.duplicates,
        "refused": len(receipt.refused),
    }
    measures: Measures = request.app.state.measures
    for outcome, number in outcomes.items():
        measures.messages.labels(source.name, outcome).inc(number)
    return {
        "success": True,
        "accepted": receipt.accepted,
        "duplicates": receipt.duplicates,
        "refused": [{"messageId": name, "reason": reason} for name, reason in receipt.refused],
    }


def _key_in(body: Any) -> str:
    """The write key in the body, or, as the browser SDK has it, in each message of a batch."""
    holders = [body]
    if isinstance(body, dict) and isinstance(body.get("batch"), list):
        holders += body["batch"][:1]
    keys = (holder.get("writeKey") for holder in holders if isinstance(holder, dict))
    return next((key for key in keys if isinstance(key, str) and key), "")
