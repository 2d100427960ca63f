"""The permission matrix: every route says who may use it, and each role gets exactly what the table says."""

import pytest
from fastapi.routing import APIRoute

from nurture.domain.permissions import ALLOWED, Permission, Role
from nurture.web.access import SAFE, Needs, Open
from nurture.web.app import ROUTERS
from tests.support.house import House, csrf
from tests.support.web import World

ROUTES = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]


def declared(route: APIRoute) -> list[Needs | Open]:
    calls = [dependency.call for dependency in route.dependant.dependencies]
    return [call for call in calls if isinstance(call, Needs | Open)]


GUARDED = [
    (method, route.path, said.permission)
    for route in ROUTES
    for said in declared(route)
    if isinstance(said, Needs)
    for method in sorted(route.methods)
]


def test_the_app_has_no_other_routes_but_its_own_description_and_the_static_files() -> None:
    paths = {getattr(route, "path", "") for route in World().app().routes}
    assert paths == {"/openapi.json", "/static", ""}
    assert len(World().app().routes) == len(ROUTERS) + 2
    assert len(ROUTES) == sum(len(router.routes) for router in ROUTERS)


def test_every_route_says_who_may_use_it() -> None:
    """Needs a permission, or is open to somebody it names; not both, and not neither."""
    assert {route.path: len(declared(route)) for route in ROUTES} == {
        route.path: 1 for route in ROUTES
    }


def test_what_is_open_is_what_the_world_outside_has_to_reach() -> None:
    open_paths = {
        route.path.split("/")[1]
        for route in ROUTES
        if any(isinstance(said, Open) for said in declared(route))
    }
    assert open_paths == {
        "v1", "beacon", "sourceConfig", "n.js", "forms", "o", "c", "u", "y", "h", "webhooks",
        "healthz", "readyz", "sign-in",
    }  # fmt: skip


def test_the_table_keeps_revenue_from_marketing_and_the_keys_from_both() -> None:
    assert Permission.REVENUE not in ALLOWED[Role.MARKETING]
    for role in (Role.MARKETING, Role.SALES):
        assert not ALLOWED[role] & {Permission.ACCOUNTS, Permission.TOKENS, Permission.AUDIT}
        assert Permission.ERASE_LEADS not in ALLOWED[role]
    assert ALLOWED[Role.ADMIN] == frozenset(Permission)


@pytest.mark.parametrize("role", list(Role))
async def test_each_role_gets_exactly_what_the_table_says(house: House, role: Role) -> None:
    """Every guarded route is asked by a person of the role; only its refusal is looked at."""
    async with house.signed_in(role, owner="Bo") as browser:
        token = csrf((await browser.get("/account")).text)
        for method, path, permission in GUARDED:
            if path == "/sign-out":
                continue
            filled = path.replace("{", "").replace("}", "")
            headers = {"x-csrf-token": token, "accept": "application/json"}
            answer = await browser.client.request(method, filled, headers=headers)
            refused = answer.status_code == 403 and answer.json()["code"] == "not_permitted"
            allowed = permission in ALLOWED[role]
            assert refused != allowed, (method, path, permission, answer.status_code, answer.text)


async def test_every_guarded_route_asks_who_it_is(house: House) -> None:
    async with house.client() as client:
        for method, path, _ in GUARDED:
            filled = path.replace("{", "").replace("}", "")
            answer = await client.request(method, filled)
            is_api = filled.startswith(("/api", "/metrics"))
            assert answer.status_code == (401 if is_api else 303), (method, path)


async def test_no_change_is_made_without_the_forms_token(house: House) -> None:
    async with house.signed_in() as browser:
        for method, path, _ in GUARDED:
            if method not in SAFE:
                filled = path.replace("{", "").replace("}", "")
                answer = await browser.client.request(method, filled)
                assert (answer.status_code, answer.json()["code"]) == (403, "bad_csrf"), path


async def test_every_change_that_was_asked_for_stands_in_the_audit_log(house: House) -> None:
    changing = [(m, p) for m, p, needed in GUARDED if m not in SAFE and needed.changes]
    async with house.signed_in() as browser:
        for method, path in changing:
            if path == "/sign-out":
                continue
            token = csrf((await browser.get("/account")).text)
            filled = path.replace("{", "").replace("}", "")
            await browser.client.request(method, filled, headers={"x-csrf-token": token})
    kept = {row.action for row in await house.world.access.audit.page()}
    names = {
        route.name
        for route in ROUTES
        if (sorted(route.methods)[0], route.path) in changing and route.path != "/sign-out"
    }
    assert names <= kept


@pytest.fixture
def house(sqlite_house: House) -> House:
    return sqlite_house
