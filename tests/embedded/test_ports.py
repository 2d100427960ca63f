import socket

import pytest

from embedded import ports
from nurture.domain.errors import StartError


@pytest.fixture
def taken():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def free() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def test_free_ports_pass() -> None:
    ports.check("127.0.0.1", {"NURTURE_HTTP_PORT": free()})


def test_all_taken_ports_are_named_with_their_settings_at_once(taken: int) -> None:
    wanted = {"NURTURE_HTTP_PORT": taken, "NURTURE_SMTP_PORT": free(), "NURTURE_ADS_PORT": taken}
    with pytest.raises(StartError) as caught:
        ports.check("127.0.0.1", wanted)
    told = str(caught.value)
    assert f"NURTURE_HTTP_PORT: port {taken} is taken by another program" in told
    assert f"NURTURE_ADS_PORT: port {taken} is also given to NURTURE_HTTP_PORT" in told
    assert "NURTURE_SMTP_PORT" not in told


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(
        StartError, match=r"NURTURE_HTTP_PORT: port \d+ cannot be used on 192\.0\.2\.1"
    ):
        ports.check("192.0.2.1", {"NURTURE_HTTP_PORT": free()})
