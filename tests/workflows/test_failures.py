"""Temporal's history names nobody, also where it tells of a failure."""

from temporalio.api.failure.v1 import Failure

from nurture.domain.errors import Transient
from nurture.settings import Settings
from services import connect


def _refused() -> BaseException:
    try:
        try:
            raise ConnectionError("452 <anna@kunde.dk>: mailbox full")
        except ConnectionError as error:
            raise Transient("smtp", "anna@kunde.dk: 452 try again later") from error
    except Transient as error:
        return error


async def test_a_refusal_that_names_an_address_reaches_temporal_without_it() -> None:
    client = await connect(Settings(), lazy=True)
    converter, failure = client.data_converter, Failure()
    converter.failure_converter.to_failure(_refused(), converter.payload_converter, failure)
    assert failure.message == "smtp: <address>: 452 try again later"
    assert failure.cause.message == "452 <<address>>: mailbox full"
    assert "anna" not in str(failure)
