"""Request bodies that are read by hand, described for OpenAPI."""

from typing import Any

_ID = {
    "type": ["string", "integer", "null"],
    "description": "null and empty mean that there is none",
}
_MESSAGE = {
    "type": "object",
    "description": "userId or anonymousId is needed; event for track, groupId for group, "
    "previousId and userId for alias.",
    "properties": {
        "type": {"enum": ["identify", "track", "page", "screen", "group", "alias"]},
        "messageId": {"type": ["string", "null"], "maxLength": 100},
        "userId": _ID,
        "anonymousId": _ID,
        "previousId": _ID,
        "groupId": _ID,
        "event": {"type": "string", "examples": ["Downloaded"]},
        "name": {"type": "string"},
        "properties": {"type": ["object", "null"]},
        "traits": {"type": ["object", "null"], "examples": [{"email": "ada@firm.example"}]},
        "context": {"type": ["object", "null"]},
        "timestamp": {"type": ["string", "null"], "examples": ["2026-11-23T10:00:00Z"]},
        "sentAt": {"type": ["string", "null"]},
        "writeKey": {"type": "string", "description": "unless the Authorization header holds it"},
    },
}
_BATCH = {
    "type": "object",
    "required": ["batch"],
    "properties": {
        "batch": {"type": "array", "items": _MESSAGE, "maxItems": 2500},
        "writeKey": {"type": "string"},
        "sentAt": {"type": ["string", "null"]},
        "context": {"type": ["object", "null"], "description": "under each message's own"},
    },
}
_REFUSAL = {
    "description": "Refused: `code` for programs, `message` for people.",
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["code", "message"],
                "properties": {"code": {"type": "string"}, "message": {"type": "string"}},
            }
        }
    },
}


def _body(schema: dict[str, Any], *kinds: str) -> dict[str, Any]:
    content = {kind: {"schema": schema} for kind in kinds}
    return {"requestBody": {"required": True, "content": content}}


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For a route's `responses`."""
    return dict.fromkeys(statuses, _REFUSAL)


MESSAGE = _body(_MESSAGE, "application/json")
BATCH = _body(_BATCH, "application/json")
ANSWERS = _body(
    {"type": "object", "additionalProperties": {"type": ["string", "boolean", "number", "null"]}},
    "application/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
)
"""A form's fields."""

_ANSWER = {
    "type": "object",
    "required": ["state"],
    "properties": {
        "state": {
            "enum": ["accepted", "contacted", "booked", "snoozed", "rejected", "won", "lost"]
        },
        "how": {"type": "string", "examples": ["call"]},
        "reason": {"type": "string"},
        "amount": {"type": "integer", "minimum": 0},
        "currency": {"type": "string"},
        "until": {"type": "string", "examples": ["2026-12-01", "2026-12-01T09:00"]},
        "by": {"type": "string"},
    },
}
ANSWER = _body(_ANSWER, "application/json")
"""Sales' answer to a handover, from a program."""

REPLY = _body(_ANSWER, "application/x-www-form-urlencoded")
"""The same from the page."""

CRM_EVENT = _body(
    {
        "type": "object",
        "required": ["type", "data"],
        "properties": {
            "type": {"type": "string", "examples": ["handover.accepted"]},
            "timestamp": {"type": "string"},
            "data": {
                "type": "object",
                "description": "the answer's fields, and `handover` (its id) or `lead` (its address)",
            },
        },
    },
    "application/json",
)
"""Sales' answer from a CRM, signed as Standard Webhooks has it."""

CHOICE = _body(
    {"type": "object", "properties": {"days": {"enum": ["0", "30", "90"]}}},
    "application/x-www-form-urlencoded",
    "multipart/form-data",
)
"""What a reader chooses of our mails."""

SETTLE = _body(
    {"type": "object", "required": ["sent"], "properties": {"sent": {"type": "boolean"}}},
    "application/json",
)
"""What a person found out about a mail."""

PAUSE = _body(
    {"type": "object", "properties": {"reason": {"type": "string", "maxLength": 200}}},
    "application/json",
)
"""Why a sender has to stand still."""

FEEDBACK = _body(
    {"type": ["object", "array"], "description": "as the provider documents it"},
    "application/json",
    "text/plain",
)
"""A mail provider's events."""

OPEN = _body(
    {
        "type": "object",
        "required": ["lead"],
        "properties": {
            "lead": {"type": "string", "description": "id or e-mail address"},
            "reason": {"type": "string"},
            "by": {"type": "string"},
        },
    },
    "application/json",
)
"""A lead given to sales by hand."""

STAGE = _body(
    {
        "type": "object",
        "required": ["lead", "stage"],
        "properties": {
            "lead": {"type": "string", "description": "id or e-mail address"},
            "stage": {"type": "string"},
            "by": {"enum": ["sales", "import"], "description": "sales without it"},
            "reason": {"type": "string", "description": "needed for the way back"},
        },
    },
    "application/json",
)
"""Where a lead stands, from a CRM."""

FIND = _body(
    {"type": "object", "required": ["email"], "properties": {"email": {"type": "string"}}},
    "application/json",
)
