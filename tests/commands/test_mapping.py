import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from commands.csv_rows import Row
from commands.importing.mapping import Mapped, targets
from nurture.domain.errors import InputError
from nurture.incoming import Incoming

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
KINDS = {"employees": "number", "created": "date"}


def map_file(folder: Path, text: str) -> Path:
    path = folder / "map.yaml"
    path.write_text(text)
    return path


def message(**values: str) -> Incoming:
    return told(values)


def told(values: Mapping[str, str], line: int = 2, edition: str = "one") -> Incoming:
    """What that line of a list says, on columns that need no map."""
    mapped = Mapped(targets(list(values), None), KINDS, "list.csv", edition)
    return mapped.message(Row(line, values), NOW)


def test_without_a_map_a_columns_name_is_the_traits_name() -> None:
    found = message(Email="Bo@Firm.dk", FirstName="Bo", Employees="40", Created="2026-01-02")
    assert found.email == "bo@firm.dk"
    assert found.traits == {"first_name": "Bo", "employees": 40.0, "created": "2026-01-02"}


def test_an_empty_cell_says_nothing() -> None:
    assert message(email="bo@firm.dk", city="", email_marketing="").traits == {}
    assert message(email="bo@firm.dk", city="", email_marketing="").consents == ()


def test_a_consent_column_is_recorded_with_its_list_as_source() -> None:
    granted, refused = message(
        email="bo@firm.dk", email_marketing="yes", ad_audiences="No"
    ).consents
    assert (granted.purpose, granted.granted) == ("email_marketing", True)
    assert (refused.purpose, refused.granted) == ("ad_audiences", False)
    assert granted.source == "import/list.csv"


def test_a_consent_that_was_given_before_is_recorded_as_of_then_with_what_was_shown() -> None:
    [said] = message(
        email="bo@firm.dk",
        email_marketing="yes",
        consent_at="2025-11-30",
        consent_wording="Send me the newsletter",
        consent_proof="https://old.example/proof/7",
    ).consents
    assert said.at == datetime(2025, 11, 30, tzinfo=UTC)
    assert (said.wording, said.proof) == ("Send me the newsletter", "https://old.example/proof/7")


def test_a_no_is_as_of_the_import_whenever_the_consent_was_given_before() -> None:
    [said] = message(email="bo@firm.dk", email_marketing="no", consent_at="2024-03-01").consents
    assert (said.granted, said.at) == (False, NOW + timedelta(microseconds=2))


def test_the_same_row_is_the_same_message_and_a_changed_one_another() -> None:
    first = message(email="bo@firm.dk", city="Vejle")
    assert first.message_id == message(email="bo@firm.dk", city="Vejle").message_id
    assert first.message_id != message(email="bo@firm.dk", city="Ribe").message_id


def test_a_row_of_another_line_or_another_list_is_another_message() -> None:
    row = {"email": "bo@firm.dk", "city": "Vejle"}
    assert told(row).message_id != told(row, line=3).message_id
    assert told(row).message_id != told(row, edition="two").message_id


def test_of_two_rows_the_later_one_is_the_later_word() -> None:
    row = {"email": "bo@firm.dk", "email_marketing": "no"}
    earlier, later = told(row, line=2), told(row, line=3)
    assert earlier.at < later.at
    assert earlier.consents[0].at < later.consents[0].at


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"email": "bo.firm.dk"}, "email: is not an e-mail address"),
        ({"email": ""}, "email: must not be empty"),
        ({"email": "bo@firm.dk", "employees": "many"}, "employees: must be a number"),
        ({"email": "bo@firm.dk", "tracking": "perhaps"}, "tracking: must be a yes/no"),
        (
            {"email": "bo@firm.dk", "tracking": "yes", "consent_at": "in May"},
            "consent_at: must be a date, such as 2025-11-30 or 2025-11-30T09:15Z",
        ),
        *(
            (
                {"email": "bo@firm.dk", "tracking": "yes", "consent_at": day},
                "consent_at: lies in the future, or before the year 2000",
            )
            for day in ("2026-03-03", "1999-12-31")
        ),
    ],
)
def test_a_cell_that_cannot_be_used_is_named_by_its_column(
    values: dict[str, str], sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        message(**values)


def test_with_a_map_only_the_named_columns_are_taken(tmp_path: Path) -> None:
    path = map_file(tmp_path, "E-mail: email\nFornavn: first_name\n")
    found = targets(["E-mail", "Fornavn", "CPR"], path)
    values = {"E-mail": "bo@firm.dk", "Fornavn": "Bo", "CPR": "1"}
    assert Mapped(found, {}).message(Row(2, values), NOW).traits == {"first_name": "Bo"}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("E-mail: email\nBy: city\n", "no such columns: By; there are: E-mail, Fornavn"),
        ("E-mail: email\nFornavn: email\n", "several columns go to email"),
        ("Fornavn: first_name\n", "no column goes to email or user_id"),
        ("- E-mail\n", 'must hold lines such as "E-mail address: email"'),
        ("a: [", "is not YAML"),
        (
            "E-mail: email\nFornavn: consent_at\n",
            "consent_at says of a consent, but no column goes to email_marketing, ad_audiences,",
        ),
    ],
)
def test_a_map_that_does_not_fit_is_refused_with_the_remedy(
    tmp_path: Path, text: str, sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        targets(["E-mail", "Fornavn"], map_file(tmp_path, text))


def test_a_user_id_is_as_long_as_one_that_a_server_may_tell_and_no_longer() -> None:
    """PostgreSQL keeps no longer ones in its index."""
    assert message(user_id="u" * 255).user_id == "u" * 255
    with pytest.raises(InputError, match=r"user_id: longer than 255 characters\Z"):
        message(user_id="u" * 256)


@pytest.mark.parametrize(
    ("target", "near"), [("email_marketting", "email_marketing"), ("employes", "employees")]
)
def test_a_misspelt_target_of_a_map_becomes_no_trait(
    tmp_path: Path, target: str, near: str
) -> None:
    columns = {"Mail": "email", "Column": target}
    path = tmp_path / "map.yaml"
    remedy = (
        f'unknown target "{target}"; did you mean "{near}"?'
        " If it is a trait, declare it in config/traits.yaml"
    )
    with pytest.raises(InputError, match=re.escape(remedy)):
        Mapped(columns, {}, map_file=path).knowing(KINDS)
    assert Mapped(columns, {}).knowing(KINDS).undeclared() == [target]  # a list's own words


def test_what_the_playbook_does_not_declare_is_told() -> None:
    columns = {"Mail": "email", "Shoe size": "shoes", "Staff": "employees", "Ads": "ad_audiences"}
    assert Mapped(columns, {}, map_file=Path("map.yaml")).knowing(KINDS).undeclared() == ["shoes"]
