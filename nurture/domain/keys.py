"""Every id and idempotency key in one place. Deterministic: the same thing twice gets the same key.

Keys hold surrogate ids only; no address or name ever becomes part of one, since workflow ids and
Message-IDs are written to places from which nothing can be erased.
"""

import re
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha1
from uuid import UUID

_NAMESPACE = UUID("5b0c2b1e-52a4-4b0e-9d0c-6f1f5d2f5a10").bytes

_MADE_AT = re.compile(r"(?<![0-9])1[0-9]{12}(?![0-9])")
"""Milliseconds since 1970, as SDKs write them into the ids they make: `ajs-next-1795404654220-…`."""


def _key(*parts: str) -> str:
    """A UUID of version 5 (RFC 9562). Many touches need one, and `uuid.uuid5` takes four times as long."""
    digest = bytearray(_digest(parts)[:16])
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    text = digest.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _digest(parts: tuple[str, ...]) -> bytes:
    name = _NAMESPACE + "\x1f".join(parts).encode()
    return sha1(name, usedforsecurity=False).digest()


@lru_cache(4096)  # of each message it is asked twice: was it seen before, and what is it called
def touch_id(source: str, message_id: str) -> str:
    """One per message of a source: a batch sent twice is stored once.

    Where the message's id says when it was made, the key begins with that. What came at one time then stands together
    in the index, where a touch among very many changes no page of its own (docs/decisions/0022).
    """
    parts = ("touch", source, message_id)
    made_at = _MADE_AT.search(message_id)
    return f"{made_at[0]}-{_digest(parts).hex()[:22]}" if made_at else _key(*parts)


def enrolment_id(lead_id: str, flow: str, ordinal: int) -> str:
    """The lead's `ordinal`-th run (from 1) through the flow."""
    return _key("enrolment", lead_id, flow, str(ordinal))


def message_id(enrolment_id: str, step: str) -> str:
    """One mail per step of an enrolment, by the name that the step had then; also the provider's idempotency key."""
    return _key("message", enrolment_id, step)


def feedback_id(provider: str, event: str) -> str:
    """One per event of a provider: told twice, it is stored once."""
    return _key("feedback", provider, event)


def handover_id(lead_id: str, ordinal: int) -> str:
    return _key("handover", lead_id, str(ordinal))


def notice_id(handover_id: str, kind: str) -> str:
    """The `webhook-id` of one thing told to sales; the same on every retry."""
    return f"msg_{_key('notice', handover_id, kind).replace('-', '')}"


def report_id(plan: str, at: int, target: str) -> str:
    """One sending of a report to one receiver; `at` in seconds since 1970."""
    return _key("report", plan, str(at), target)


def report_schedule(plan: str) -> str:
    return f"report/{plan}"


def report_run(plan: str, at: int) -> str:
    """The report that was due then; `at` in seconds since 1970."""
    return f"{plan}@{at}"


def read_report_run(run: str) -> tuple[str, int | None]:
    """The plan, and when it was due where that is said."""
    plan, _, at = run.partition("@")
    return plan, int(at) if at else None


def report_workflow(run: str) -> str:
    """As the schedule calls what it starts, so that two never run for one."""
    plan, at = read_report_run(run)
    return f"{report_schedule(plan)}-{datetime.fromtimestamp(at or 0, UTC):%Y-%m-%dT%H:%M:%SZ}"


def enrolment_workflow(enrolment_id: str) -> str:
    return f"enrolment/{enrolment_id}"


def handover_workflow(handover_id: str) -> str:
    return f"handover/{handover_id}"


def audience_workflow(audience: str) -> str:
    return f"audience/{audience}"
