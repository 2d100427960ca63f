"""What a setting cannot be is told when a door reads them: which one, what is wrong, and what would be right."""

import pytest

from nurture.domain.errors import StartError
from nurture.settings import load


def refused(**settings: str) -> str:
    with pytest.raises(StartError) as error:
        load(**settings)
    return str(error.value)


@pytest.mark.parametrize("keys", ["shop:", ":", "web:wk_1, shop: ", " shop : "])
def test_an_entry_without_a_key_lets_nobody_in(keys: str) -> None:
    assert refused(server_keys=keys) == (
        f"NURTURE_SERVER_KEYS: entry {keys.count(',') + 1} has no key; write it as shop:wk_1, or leave the entry out"
        " (is the variable that it comes from empty?)"
    )
    assert refused(write_keys=keys).startswith("NURTURE_WRITE_KEYS: entry ")


@pytest.mark.parametrize(
    ("public", "secret", "told"),
    [
        (
            "web:k1, blog:k1",
            "",
            "NURTURE_WRITE_KEYS: entry 2 is a key that stands here already; give each of them once"
            " (got 'web:k1, blog:k1')",
        ),
        (
            "web:k1",
            "desk:k2, crm:k1",
            "NURTURE_SERVER_KEYS: entry 2 is a key of NURTURE_WRITE_KEYS, too, which anybody can read;"
            " make a new one for the server",
        ),
        (
            "shop:k1",
            "shop:k2",
            "NURTURE_SERVER_KEYS: entry 1 has the name of a key in NURTURE_WRITE_KEYS;"
            " give it one of its own here, such as shop-server:sk_1",
        ),
        (
            "api:k1",
            "",
            "NURTURE_WRITE_KEYS: messages with the API token go by the name api; give the key another (got 'api:k1')",
        ),
    ],
)
def test_no_key_and_no_name_is_public_and_trusted(public: str, secret: str, told: str) -> None:
    assert refused(write_keys=public, server_keys=secret) == told


@pytest.mark.parametrize(
    "name",
    ["mail", "feedback", "sales", "preferences", "unsubscribe", "import", "form/a", "feedback/ses"],
)
def test_no_key_goes_by_a_name_under_which_we_ourselves_tell_of_leads(name: str) -> None:
    told = (
        "entry 2 has a name that nurture itself goes by (mail, feedback, sales, preferences, unsubscribe, import,"
        " form/…, feedback/…, import/…, browser/…); give it another, such as shop, and keep the key"
    )
    keys = f"shop:k1, {name}:k2"
    assert refused(server_keys=keys) == f"NURTURE_SERVER_KEYS: {told}"
    assert refused(write_keys=keys) == f"NURTURE_WRITE_KEYS: {told} (got {keys!r})"
    assert load(server_keys=f"shop:k1, {name}-server:k2".replace("/", "-"))


def test_keys_of_one_list_may_share_a_name_while_one_takes_the_others_place() -> None:
    assert load(write_keys="shop:k1, shop:k2,", server_keys="api:k3")


@pytest.mark.parametrize(
    "address",
    ["https://exa mple.com", "https://a..b", "https://m.example/\n", "https://m.example:x"],
)
def test_an_address_that_leads_nowhere_is_none(address: str) -> None:
    for setting in ("public_url", "oidc_issuer"):
        assert refused(**{setting: address}) == (
            f"NURTURE_{setting.upper()}: must be an address such as https://nurture.example.com (got {address!r})"
        )


@pytest.mark.parametrize(
    "address", ["https://m.example/?q=1", "https://m.example/#top", "https://ida@m.example"]
)
def test_links_are_put_behind_an_address_that_nothing_follows(address: str) -> None:
    assert refused(public_url=address) == (
        f"NURTURE_PUBLIC_URL: must be scheme, host and path alone, without a user, ? or # (got {address!r})"
    )
    assert load(public_url="https://m.example/@nurture").base_url == "https://m.example/@nurture"
