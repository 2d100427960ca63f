from pathlib import Path

import pytest

from nurture.domain.errors import InputError
from nurture.playbook.source import content_hash, read_files


def write(folder: Path, **texts: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / name.replace("_", ".")).write_text(text, encoding="utf-8")


def test_a_playbook_is_its_config_and_templates(tmp_path: Path) -> None:
    write(tmp_path / "config" / "flows", welcome_yaml="flow: welcome")
    write(tmp_path / "config", sla_yaml="a: 1", notes_pdf="x")
    write(tmp_path / "templates" / "email" / "hi", subject_txt="Hi")
    (tmp_path / "config" / ".sla.yaml").write_text("half written")
    assert read_files(tmp_path) == {
        "config/flows/welcome.yaml": "flow: welcome",
        "config/sla.yaml": "a: 1",
        "templates/email/hi/subject.txt": "Hi",
    }


def test_a_folder_without_config_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the folder config/ is missing") as caught:
        read_files(tmp_path)
    assert caught.value.place == str(tmp_path)


def test_a_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    write(tmp_path / "config")
    (tmp_path / "config" / "sla.yaml").write_bytes(b"name: K\xf8benhavn")
    with pytest.raises(InputError, match="is not UTF-8 text \\(byte 8\\)") as caught:
        read_files(tmp_path)
    assert caught.value.place.endswith("config/sla.yaml")


def test_the_hash_depends_on_names_and_texts_and_not_on_their_order() -> None:
    assert content_hash({"a": "1", "b": "2"}) == content_hash({"b": "2", "a": "1"})
    hashes = {
        content_hash(files)
        for files in ({"a": "1"}, {"a": "2"}, {"b": "1"}, {"a1": ""}, {"": "a1"}, {})
    }
    assert len(hashes) == 6
