"""Is the process alive, can it serve, how is it doing."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST

from nurture.domain.permissions import Permission
from nurture.web.access import needs, open_to
from nurture.web.deps import Current
from nurture.web.measures import Measures
from nurture.web.openapi import refusals

router = APIRouter(tags=["health"])


_ANYBODY = open_to("whoever keeps it running: it tells no figures")


@router.get("/healthz", dependencies=[_ANYBODY], summary="The process is alive")
async def alive() -> dict[str, str]:
    return {"status": "ok"}


@router.get(
    "/readyz",
    dependencies=[_ANYBODY],
    summary="Everything needed to serve is there",
    responses={503: {"description": "Not ready"}},
)
async def ready(
    deps: Current,
    exclude: Annotated[
        Literal["", "temporal"],
        Query(description="`temporal`: enough for taking touches and showing pages"),
    ] = "",
) -> Response:
    """`problems` lists what is missing, such as a database that is behind. A server behind a proxy is asked with
    `?exclude=temporal`: touches are taken, and links in mails work, also while Temporal is away."""
    problems = await deps.ready(exclude == "temporal")
    return JSONResponse({"ready": not problems, "problems": problems}, 503 if problems else 200)


@router.get(
    "/metrics",
    summary="For Prometheus",
    dependencies=[needs(Permission.SYSTEM)],
    response_class=PlainTextResponse,
    responses=refusals(401, 403),
)
async def metrics(request: Request, deps: Current) -> Response:
    """This process' requests, and the health of the whole product (docs/operations.md)."""
    measures: Measures = request.app.state.measures
    return Response(measures.text(await deps.vitals()), media_type=CONTENT_TYPE_LATEST)
