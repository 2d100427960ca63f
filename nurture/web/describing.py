"""What the OpenAPI document says of tokens: which scope each operation needs."""

from collections.abc import Iterable
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

from nurture.domain.permissions import SCOPES
from nurture.web.access import Needs

_TOKEN = {
    "type": "http",
    "scheme": "bearer",
    "description": "Made by an administrator in the dashboard, with the scopes it needs.",
}


def describe_tokens(app: FastAPI, routers: Iterable[APIRouter]) -> None:
    """Each guarded operation names its scope (OpenAPI 3.1, Security Requirement Object)."""
    made = app.openapi
    scopes = {
        (route.path, method.lower()): said
        for router in routers
        for route in router.routes
        if isinstance(route, APIRoute)
        for said in _scopes(route)
        for method in route.methods or ()
    }

    def openapi() -> dict[str, Any]:
        schema = made()
        schema.setdefault("components", {})["securitySchemes"] = {"token": _TOKEN}
        for path, operations in schema["paths"].items():
            for method, operation in operations.items():
                if (path, method) in scopes:
                    operation["security"] = [{"token": [scopes[path, method]]}]
        return schema

    app.openapi = openapi  # type: ignore[method-assign]


def _scopes(route: APIRoute) -> list[str]:
    calls = [dependency.call for dependency in route.dependant.dependencies]
    found = [call.permission for call in calls if isinstance(call, Needs)]
    return [str(permission) for permission in found if permission in SCOPES]
