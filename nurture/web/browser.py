"""What browsers fetch before they report: SDKs their settings, websites our own snippet."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Response
from fastapi.responses import FileResponse

from nurture.web.access import open_to
from nurture.web.deps import Current
from nurture.web.errors import Refusal
from nurture.web.ingest import Gated
from nurture.web.openapi import refusals

router = APIRouter(tags=["browser"], dependencies=[open_to("any website")])

_SNIPPET = Path(__file__).parent / "static" / "n.js"


@router.get(
    "/v1/projects/{write_key}/settings",
    responses=refusals(404),
    summary="Settings for Segment's browser SDK",
)
async def segment_settings(write_key: str, deps: Current, gate: Gated) -> dict[str, Any]:
    """Without it the SDK sends nothing. Everything goes to this server and nowhere else."""
    _known(gate, write_key)
    here = urlsplit(deps.settings.base_url)
    segment = {
        "apiKey": write_key,
        "apiHost": f"{here.netloc}{here.path}/v1",
        "protocol": here.scheme,
        "unbundledIntegrations": [],
        "addBundledMetadata": True,
    }
    return {
        "integrations": {"Segment.io": segment},
        "plan": {"track": {"__default": {"enabled": True, "integrations": {}}}},
        "edgeFunction": {},
        "enabledMiddleware": {},
        "middlewareSettings": {},
        "metrics": {"sampleRate": 0},
        "legacyVideoPluginsEnabled": False,
        "remotePlugins": [],
    }


@router.get("/sourceConfig", include_in_schema=False)
@router.get(
    "/sourceConfig/", responses=refusals(404), summary="Settings for RudderStack's browser SDK"
)
async def rudder_settings(writeKey: str, gate: Gated) -> dict[str, Any]:
    """No destinations: the SDK is to load nothing and report here."""
    source = _known(gate, writeKey)
    silent = {"enabled": False}
    return {
        "source": {
            "id": source,
            "name": source,
            "writeKey": writeKey,
            "enabled": True,
            "workspaceId": "nurture",
            "config": {"statsCollection": {"errors": silent, "metrics": silent}},
            "connections": [],
            "destinations": [],
            "dataplanes": {},
            "updatedAt": "2026-01-01T00:00:00.000Z",
        },
        "updatedAt": "2026-01-01T00:00:00.000Z",
    }


@router.get("/n.js", response_class=FileResponse, summary="Our own tracking snippet")
async def snippet() -> Response:
    """`<script async src="https://…/n.js" data-key="WRITE_KEY"></script>`; see docs/http.md."""
    cached = {"cache-control": "public, max-age=3600"}
    return FileResponse(_SNIPPET, media_type="text/javascript", headers=cached)


def _known(gate: Gated, key: str) -> str:
    """The source's name. Raises Refusal for a key nobody has."""
    source = gate.sources.by_key(key)
    if source is None:
        raise Refusal(404, "unknown_write_key", "this write key is not known")
    return source.name
