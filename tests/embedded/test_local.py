import stat
from pathlib import Path

import pytest

from embedded import local
from nurture.domain.errors import StartError
from nurture.settings import Settings, load

OURS = "a-key-of-our-own-of-32-characters"


def test_all_parts_are_pointed_at_each_other(tmp_path: Path) -> None:
    settings = local.prepare(Settings(data_dir=tmp_path, sales_port=9001, ads_port=9002))
    assert settings.sales_url == "http://127.0.0.1:9001/hook"
    assert settings.meta_url == "http://127.0.0.1:9002"


def test_secrets_outlive_a_restart_and_are_the_owners_alone(tmp_path: Path) -> None:
    first = local.prepare(Settings(data_dir=tmp_path))
    second = local.prepare(Settings(data_dir=tmp_path))
    assert first == second
    assert first.sales_secret.get_secret_value().startswith("whsec_")
    [kept] = tmp_path.glob("*.json")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_a_given_secret_is_kept(tmp_path: Path) -> None:
    settings = local.prepare(Settings(data_dir=tmp_path, secret_key=OURS))
    assert settings.secret_key.get_secret_value() == OURS


@pytest.mark.parametrize(
    ("websites", "known_as"),
    [
        ("demo:wk_1", "nurture-up-1"),
        ("demo:wk_1,nurture-up-1:wk_2", "nurture-up-2"),
        ("wk_1", "demo"),
    ],
)
def test_a_website_may_have_any_name_beside_the_key_that_the_folder_keeps(
    tmp_path: Path, websites: str, known_as: str
) -> None:
    settings = local.prepare(load(data_dir=tmp_path, write_keys=websites))
    again = load(write_keys=websites, server_keys=settings.server_keys)  # as worker and server do
    assert again.server_keys.get_secret_value().partition(":")[0] == known_as


def test_the_secrets_of_a_folder_are_for_the_database_that_it_was_started_on(
    tmp_path: Path,
) -> None:
    """Whoever erases somebody from another database has to say that one's key."""
    made = local.prepare(Settings(data_dir=tmp_path)).secret_key
    url = "postgresql+asyncpg://n:{}@db.example/{}"
    other = Settings(data_dir=tmp_path, database_url=url.format("x", "shop"))
    assert local.known(other).secret_key.get_secret_value() == ""
    assert local.prepare(other).secret_key == made
    assert local.known(other.model_copy(update={"database_url": url.format("y", "shop")})) != other
    third = other.model_copy(update={"database_url": url.format("x", "blog")})
    assert local.known(third) == third
    assert local.known(Settings(data_dir=tmp_path)).secret_key == made


def test_a_data_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(
        StartError,
        match=(
            r"the data folder .*file/data cannot be used: Not a directory;"
            " NURTURE_DATA_DIR names another"
        ),
    ):
        local.prepare(Settings(data_dir=tmp_path / "file" / "data"))


def test_a_disk_without_room_is_told_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(
        StartError,
        match=(
            r"the data folder .* has 3 MB left, and a start needs 32;"
            " make room, or name another by NURTURE_DATA_DIR"
        ),
    ):
        local.need_room(tmp_path, 3 * 2**20)
    local.need_room(tmp_path, local.ROOM)


def test_damaged_secrets_are_not_replaced_silently(tmp_path: Path) -> None:
    (tmp_path / "secrets.json").write_text("{")
    with pytest.raises(StartError, match=r"secrets\.json is damaged; without it links"):
        local.prepare(Settings(data_dir=tmp_path))


def test_children_get_these_settings_and_this_temporal_and_no_other(tmp_path: Path) -> None:
    settings = local.prepare(Settings(data_dir=tmp_path, temporal_port=9003))
    stray = {"PATH": "/bin", "NURTURE_SECRET_KEY_FILE": "/x", "TEMPORAL_API_KEY": "cloud"}
    env = local.environment(settings, stray)
    assert env["PATH"] == "/bin"
    assert env["TEMPORAL_ADDRESS"] == "127.0.0.1:9003"
    assert env["NURTURE_SECRET_KEY"] == settings.secret_key.get_secret_value()
    assert not {"NURTURE_SECRET_KEY_FILE", "TEMPORAL_API_KEY"} & env.keys()
