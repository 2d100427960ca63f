"""What the Data Manager API checks in a request. One bad record refuses all of it."""

import base64
import binascii
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from embedded.ads.members import Row
from embedded.ads.wire import Refusal, Reply
from nurture.delivery.ads.hashing import COUNTRIES

_BOTH = {"destinations", "audienceMembers", "encoding", "encryptionInfo", "validateOnly"}
_INGEST = _BOTH | {"consent", "termsOfService"}
_DESTINATION = {"reference", "operatingAccount", "loginAccount", "linkedAccount"}
_ADDRESS = {"givenName", "familyName", "regionCode", "postalCode"}
_GRANTED = ("CONSENT_GRANTED", 1)
_ACCOUNT_TYPES = ("GOOGLE_ADS", 1, "DISPLAY_VIDEO_PARTNER", 2, "DISPLAY_VIDEO_ADVERTISER", 3)
_HEX = re.compile(r"[0-9a-f]+")


def refusal(
    status_name: str,
    reason: str,
    description: str = "",
    field_path: str = "",
    status: int = 400,
    quota: str = "",
) -> Refusal:
    info: dict[str, Any] = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reason,
        "domain": "datamanager.googleapis.com",
        "metadata": {"quota_limit": quota} if quota else {},
    }
    details = [info]
    if field_path:
        violation = {"field": field_path, "description": description, "reason": reason}
        kind = "type.googleapis.com/google.rpc.BadRequest"
        details.append({"@type": kind, "fieldViolations": [violation]})
    error = {"code": status, "message": description or reason, "status": status_name}
    return Refusal(Reply(status, {"error": {**error, "details": details}}))


@dataclass
class Upload:
    lists: list[str]
    validate_only: bool
    rows: list[Row] = field(default_factory=list)
    without_consent: int = 0
    violations: list[str] = field(default_factory=list)
    failed: int = 0

    def fail(self, at: Collection[int | str] | None) -> None:
        """Nothing comes of the rows at these positions, or with these hashes (none: of any)."""
        if at is not None:
            working = [row for n, row in enumerate(self.rows) if at and not _among(n, row, at)]
            self.rows, self.failed = working, len(self.rows) - len(working)


def _among(place: int, row: Row, at: Collection[int | str]) -> bool:
    return place in at or any(name.partition(":")[2] in at for name in row)


def read(body: Any, add: bool, bad_rows: Collection[int | str]) -> Upload:
    """Raises Refusal as soon as anything is wrong."""
    only(body, _INGEST if add else _BOTH, "")
    if body.get("encoding") not in ("HEX", 1, "BASE64", 2):
        raise _bad("REQUIRED_FIELD_MISSING", "encoding")
    if add:
        _terms(body.get("termsOfService"))
    upload = Upload(_destinations(body.get("destinations")), body.get("validateOnly") is True)
    members = body.get("audienceMembers")
    if not isinstance(members, list) or not members:
        raise _bad("REQUIRED_FIELD_MISSING", "audience_members")
    if len(members) > 10_000:
        raise _bad("TOO_MANY_AUDIENCE_MEMBERS", "audience_members")
    base64_used = body["encoding"] in ("BASE64", 2)
    for place, member in enumerate(members):
        path = f"audience_members.members[{place}]"
        if place in bad_rows:
            raise _bad("INVALID_AUDIENCE_MEMBER", path)
        only(member, {"destinationReferences", "userData", "consent"}, path)
        row = _identifiers(member.get("userData"), path, base64_used)
        if add and not _granted(member.get("consent") or body.get("consent")):
            upload.without_consent += 1
            upload.violations.append(f"member {place} is sent without both consents")
        elif row:
            upload.rows.append(row)
    return upload


def only(value: Any, known: Collection[str], path: str) -> None:
    if not isinstance(value, dict):
        raise _bad("INVALID_ARGUMENT", path or "request", "no object")
    for name in value.keys() - set(known):
        raise _bad("INVALID_ARGUMENT", path or "request", f'Unknown name "{name}"')


def _bad(reason: str, path: str, description: str = "") -> Refusal:
    return refusal("INVALID_ARGUMENT", reason, description, path)


def _terms(terms: Any) -> None:
    status = terms.get("customerMatchTermsOfServiceStatus") if isinstance(terms, dict) else None
    if status not in ("ACCEPTED", 1):
        raise _bad("TERMS_AND_CONDITIONS_NOT_SIGNED", "terms_of_service")


def _destinations(destinations: Any) -> list[str]:
    if not isinstance(destinations, list) or not destinations:
        raise _bad("REQUIRED_FIELD_MISSING", "destinations")
    if len(destinations) > 10:
        raise _bad("TOO_MANY_DESTINATIONS", "destinations")
    lists = []
    for place, destination in enumerate(destinations):
        path = f"destinations[{place}]"
        only(destination, _DESTINATION | {"productDestinationId"}, path)
        for name in ("operatingAccount", "loginAccount"):
            if name in destination or name == "operatingAccount":
                _account(destination.get(name), f"{path}.{name}")
        user_list = destination.get("productDestinationId")
        if not isinstance(user_list, str) or not user_list.isdigit():
            raise _bad("INVALID_USER_LIST_ID", f"{path}.product_destination_id")
        lists.append(user_list)
    references = [destination.get("reference") for destination in destinations]
    if len(lists) > 1 and len(set(references)) != len(references):
        raise _bad("DUPLICATE_DESTINATION_REFERENCE", "destinations")
    return lists


def _account(account: Any, path: str) -> None:
    only(account, {"accountType", "accountId", "product"}, path)
    if account.get("accountType") not in _ACCOUNT_TYPES:
        raise _bad("INVALID_ENUM_VALUE", path)
    if not str(account.get("accountId", "")).isdigit():
        raise _bad("INVALID_DESTINATION", path)


def _granted(consent: Any) -> bool:
    if not isinstance(consent, dict):
        return False
    return all(consent.get(name) in _GRANTED for name in ("adUserData", "adPersonalization"))


def _identifiers(data: Any, path: str, base64_used: bool) -> Row:
    only(data, {"userIdentifiers"}, f"{path}.user_data")
    identifiers = data.get("userIdentifiers")
    path = f"{path}.user_data.user_identifiers"
    if not isinstance(identifiers, list) or not identifiers:
        raise _bad("REQUIRED_FIELD_MISSING", path)
    if len(identifiers) > 10:
        raise _bad("TOO_MANY_USER_IDENTIFIERS", path)
    return tuple(name for given in identifiers if (name := _identifier(given, path, base64_used)))


def _identifier(given: Any, path: str, base64_used: bool) -> str:
    only(given, {"emailAddress", "phoneNumber", "address"}, path)
    if len(given) != 1:
        raise _bad("INVALID_ARGUMENT", path, "exactly one kind of identifier")
    ((kind, value),) = given.items()
    if kind == "address":
        _address(value, path, base64_used)
        return ""
    return f"{kind}:{_digest(value, path, base64_used)}"


def _address(address: Any, path: str, base64_used: bool) -> None:
    only(address, _ADDRESS, path)
    if missing := _ADDRESS - address.keys():
        raise _bad("REQUIRED_FIELD_MISSING", path, ", ".join(sorted(missing)))
    region = address["regionCode"]
    if not isinstance(region, str) or not region.isupper() or region.lower() not in COUNTRIES:
        raise _bad("INVALID_REGION_CODE", path)
    for name in ("givenName", "familyName"):
        _digest(address[name], path, base64_used)


def _digest(value: Any, path: str, base64_used: bool) -> str:
    """In lower-case hex, however it was sent."""
    if not isinstance(value, str):
        raise _bad("INVALID_SHA256_FORMAT", path)
    if not base64_used:
        if not _HEX.fullmatch(value):
            raise _bad("INVALID_HEX_ENCODING", path)
        if len(value) != 64:
            raise _bad("INVALID_SHA256_FORMAT", path)
        return value
    try:
        raw = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _bad("INVALID_BASE64_ENCODING", path) from error
    if len(raw) != 32:
        raise _bad("INVALID_SHA256_FORMAT", path)
    return raw.hex()
