"""What the OpenAPI document says is tried, with answers it never mentions counted as faults."""

import schemathesis
from hypothesis import settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, status_code_conformance

from nurture.domain.permissions import SCOPES
from tests.support.web import World

APP = World().app()
schema = schemathesis.openapi.from_asgi("/openapi.json", APP)
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance]


@schema.parametrize()
@settings(max_examples=15, deadline=None)
def test_every_operation_answers_as_it_is_described(case):
    case.call_and_validate(headers={"authorization": "Bearer token"}, checks=CHECKS)


@schema.include(path_regex="^/api/").parametrize()
@settings(max_examples=5, deadline=None)
def test_an_operation_tells_strangers_only_that_they_are(case):
    for headers in ({}, {"authorization": "Bearer nurture_unknown"}):
        answer = case.call_and_validate(headers=headers, checks=CHECKS)
        assert answer.status_code in (401, 405)


def test_every_operation_of_the_api_names_the_scope_it_needs():
    paths = APP.openapi()["paths"]
    named = {
        (path, method): operation["security"][0]["token"]
        for path, operations in paths.items()
        for method, operation in operations.items()
        if path.startswith(("/api", "/metrics"))
    }
    assert named["/api/leads/{name}", "delete"] == ["leads:erase"]
    assert {len(scopes) for scopes in named.values()} == {1}
    assert {scope for [scope] in named.values()} <= SCOPES
