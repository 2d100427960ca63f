import socket
from collections.abc import Iterator

import pytest

from embedded import ports
from nurture.domain.errors import StartError
from tests.support.ports import free_port

HERE = "127.0.0.1"


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server((HERE, 0)) as server:
        yield server.getsockname()[1]


def test_free_ports_pass() -> None:
    ports.check({"NURTURE_HTTP_PORT": (HERE, free_port())})


def test_all_taken_ports_are_named_with_their_settings_at_once(taken: int) -> None:
    wanted = {
        "NURTURE_HTTP_PORT": (HERE, taken),
        "NURTURE_SMTP_PORT": (HERE, free_port()),
        "NURTURE_ADS_PORT": (HERE, taken),
    }
    with pytest.raises(StartError) as caught:
        ports.check(wanted)
    told = str(caught.value)
    assert told == (
        "cannot start; set other ports:\n"
        f"  NURTURE_HTTP_PORT: port {taken} is taken by another program\n"
        f"  NURTURE_ADS_PORT: port {taken} is also given to NURTURE_HTTP_PORT"
    )


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(
        StartError, match=r"NURTURE_HTTP_PORT: port \d+ cannot be used on 192\.0\.2\.1"
    ):
        ports.check({"NURTURE_HTTP_PORT": ("192.0.2.1", free_port())})
