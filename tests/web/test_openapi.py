"""What the OpenAPI document says is tried, with answers it never mentions counted as faults."""

import schemathesis
from hypothesis import settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, status_code_conformance

from tests.support.web import World

schema = schemathesis.openapi.from_asgi("/openapi.json", World().app())
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance]


@schema.parametrize()
@settings(max_examples=15, deadline=None)
def test_every_operation_answers_as_it_is_described(case):
    case.call_and_validate(headers={"authorization": "Bearer token"}, checks=CHECKS)
