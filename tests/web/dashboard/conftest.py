import pytest

from tests.support.house import House


@pytest.fixture
def house(sqlite_house: House) -> House:
    """What differs between databases is tested where the queries are."""
    return sqlite_house
