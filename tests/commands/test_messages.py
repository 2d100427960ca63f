"""What a verb says when it cannot do what it was told: where, what is wrong, and what would be right."""

from collections.abc import Callable
from pathlib import Path

import pytest

from commands.demo.leads import COLUMNS
from tests.support.command import Nurture

FILES: dict[str, str | bytes] = {
    "anna.yaml": "email: anna@firm.dk\nstage: lead\n",
    "mute.yaml": "id: mute\nstage: visitor\n",
    "none.yaml": "[]\n",
    "empty.csv": "\nanna@firm.dk\n",
    "twice.csv": "email,email\na@firm.dk,b@firm.dk\n",
    "quote.csv": '"email"x\n',
    "latin.csv": "navn,adressé\n".encode("latin-1"),
    "names.csv": "name\nAnna\n",
    "short.csv": "email,stage\na@firm.dk\n",
    "rows.csv": "email\na@firm.dk\n",
    "demo.csv": ",".join(COLUMNS) + "\n" + ",".join("x" for _ in COLUMNS) + "\n",
    "past.csv": "who,bought,rank\n" + "".join(f"l{n},yes,1\n" for n in range(30)),
    "mixed.csv": "who,bought\n" + "".join(f"l{n},{'yes' if n % 2 else 'no'}\n" for n in range(60)),
    "wordless.csv": "who,bought\nl1,maybe\n",
    "map.yaml": "lead: who\n",
    "own.yaml": "lead: bought\n",
    "no-map.yaml": "- email\n",
    "torn-map.yaml": "email: [\n",
    "one-map.yaml": "shoe: email\n",
    "two-map.yaml": "email: shoe\n",
    "both-map.yaml": "a: email\nb: email\n",
    "ab.csv": "a,b\n1,2\n",
    "key.bin": bytes(range(200, 232)),
    "torn.toml": "[profile\napi_key = hunter2\n",
}
SECRETS = {
    "NURTURE_SECRET_KEY": "k" * 32,
    "NURTURE_SALES_SECRET": "whsec_" + "Q0ND" * 8,
    "NURTURE_META_TOKEN": "token",
}
BACKTEST = ("--outcome", "bought", "--map", "map.yaml")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder that lasts as long as this file's tests."""
    return tmp_path_factory.mktemp("house") / "data"


@pytest.fixture
def told(nurture: Nurture, house: Path, tmp_path: Path) -> Callable[..., str]:
    """What is told of a command that cannot be carried out, in a house where one lead is known."""
    if not house.exists():
        (tmp_path / "known.csv").write_text("email,email_marketing\nanna@firm.dk,yes\n")
        for words in (("db", "upgrade"), ("apply",), ("import", "known.csv")):
            assert nurture(*words, NURTURE_DATA_DIR=str(house), **SECRETS).returncode == 0
    for name, text in FILES.items():
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())

    def run(*words: str, **env: str) -> str:
        ended = nurture(*words, **{"NURTURE_DATA_DIR": str(house), **SECRETS, **env})
        assert ended.returncode == 2
        return ended.stderr.removeprefix("nurture: ").rstrip("\n")

    return run


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("audiences --pause a --resume b", "pause, resume or renew, one at a time"),
        ("audiences --pause nobody", "nobody: no audience of that name was ever synced"),
        ("audiences --csv nobody", "nobody: no audience goes by that name"),
        ("quarantine drop 9", "there is no row 9 in quarantine"),
        ("handovers show h9", "there is no handover h9"),
        ("handovers resend", "name notices, or say --dead"),
        ("handovers resend n9", "there is no notice n9"),
        ("handovers give nobody@firm.dk", "lead: nobody goes by that name"),
        ("mails unknown --sent m1 --not-sent m1", "m1: cannot be both sent and not sent"),
        (
            "mails unknown --sent m1",
            "m1: the mail is not known; only unknown ones are to be settled",
        ),
        ("mails list --lead nobody@firm.dk", "nobody@firm.dk: no lead goes by this name"),
        (
            "mails list --state lost",
            "lost: there is no such state; there are planned, claimed, accepted, delivered, "
            "bounced, complained, failed, refused, unknown",
        ),
        ("report --json --csv", "one of --json, --csv and --html is enough"),
        ("report --month 2026-13", "month: '2026-13' is not a month; write it as 2026-11"),
        ("report --by weather", "by: 'weather' is not one of persona"),
        ("senders pause kim", "kim: there is no such sender; there are courses"),
        ("senders resume courses", "courses: is not paused"),
        ("stage nobody@firm.dk lead", "lead: nobody goes by that name"),
        ("stage anna@firm.dk led", "stage: there is no stage 'led'; there are visitor, lead, "),
        ("stage anna@firm.dk visitor", "reason: is needed: why does the lead go back?"),
        ("lead nobody@firm.dk", "nobody@firm.dk: no lead goes by this name"),
        ("export nobody@firm.dk", "nobody@firm.dk: no lead goes by this name"),
        ("enrol nobody@firm.dk welcome", "nobody@firm.dk: no lead goes by this name"),
        (
            "enrol anna@firm.dk wellcome",
            'wellcome: there is no such flow; did you mean "welcome"?',
        ),
        ("enrol anna@firm.dk welcome", "anna@firm.dk: the lead is in this flow already"),
        ("rollback", "there is no earlier playbook to go back to"),
        ("users remove kim@firm.dk", "account: there is no such account"),
        ("users add kim --role sales", "email: is not an e-mail address"),
        ("test dance", "config/scenarios/dance.yaml: there is no such scenario"),
        ("picture wellcome", 'unknown flow "wellcome"; did you mean "welcome"?'),
        ("picture welcome --svg no/where.svg", "no/where.svg: cannot be written: No such file"),
        ("preview wellcome", 'unknown mail "wellcome"; did you mean "welcome"?'),
        ("preview welcome --lead mute.yaml", "mute: this lead has no address"),
        (
            "preview welcome --lead nobody@firm.dk",
            "nobody@firm.dk: there is no such file, and no lead goes by this name",
        ),
        ("preview welcome --language ed", '--language: no mail is in "ed"; one of da, en'),
        (
            "simulate all --leads anna.yaml --start monday",
            '"monday" is not a day; such as 2026-03-02',
        ),
        ("simulate all --leads none.yaml", "none.yaml: there is no lead in it"),
        ("simulate all --leads short.csv", "short.csv:2: 1 columns instead of 2"),
        ("simulate all --leads gone.yaml", "gone.yaml: cannot be read: "),
        (
            "simulate all --leads anna.yaml --behaviour gone.yaml",
            "gone.yaml: cannot be read: ",
        ),
        (
            "simulate all --leads anna.yaml --svg all.svg",
            "a picture shows one flow; name it instead of `all`",
        ),
        (
            "simulate welcome --days 1 --leads anna.yaml --lead bo@firm.dk",
            "bo@firm.dk: no lead of the file goes by this name",
        ),
        (
            "demo --leads demo.csv",
            "demo.csv:2: Converted: must be 0 or 1, not 'x'; left out\n"
            "nurture: demo.csv: holds no usable lead",
        ),
        ("import gone.csv", "gone.csv: cannot be read: No such file or directory"),
        (
            "import empty.csv",
            "empty.csv: the first line must name the columns, but it is empty",
        ),
        ("import twice.csv", "twice.csv: columns appear twice: email"),
        ("import quote.csv", "quote.csv: the line that names the columns is unreadable: "),
        ("import latin.csv", "latin.csv: the line that names the columns is not UTF-8"),
        (
            "import names.csv",
            "no column goes to email or user_id; there are: name; name one with --map",
        ),
        (
            "import rows.csv --map no-map.yaml",
            'no-map.yaml: must hold lines such as "E-mail address: email"',
        ),
        ("import rows.csv --map torn-map.yaml", "torn-map.yaml: is not YAML: "),
        ("import rows.csv --map gone.yaml", "gone.yaml: cannot be read: No such file"),
        (
            "import rows.csv --map one-map.yaml",
            "one-map.yaml: no such columns: shoe; there are: email",
        ),
        (
            "import rows.csv --map two-map.yaml",
            "two-map.yaml: no column goes to email or user_id; there are: email; name one",
        ),
        ("import ab.csv --map both-map.yaml", "both-map.yaml: several columns go to email"),
        ("import rows.csv --rejects no/r.csv", "no/r.csv: cannot be written: No such file"),
    ],
)
def test_a_command_that_cannot_be_carried_out_says_why(
    told: Callable[..., str], command: str, message: str
) -> None:
    assert told(*command.split())[: len(message)] == message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            "--leads past.csv --per-month 20",
            "--per-month: needs --months: how many months the list covers",
        ),
        ("--leads past.csv --picture b.png", "b.png: the picture is an SVG: end its name in .svg"),
        (
            "--leads past.csv",
            "bought: of 30 leads everybody bought: there is nothing to tell apart",
        ),
        (
            "--leads past.csv --suggest new.yaml",
            "bought: of 12 leads everybody bought: there is nothing to tell apart",
        ),
        ("--leads wordless.csv", "wordless.csv: no row can be used"),
        ("--leads names.csv", "names.csv: columns are missing: bought; it has: name"),
        ("--leads past.csv --map own.yaml", 'own.yaml:1:7: "bought" is the outcome itself'),
        ("--leads mixed.csv --picture no/b.svg", "no/b.svg: cannot be written: No such file"),
    ],
)
def test_a_back_test_that_cannot_be_says_why(
    told: Callable[..., str], options: str, message: str
) -> None:
    assert told("backtest", *BACKTEST, *options.split())[: len(message)] == message


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("SECRET_KEY", "", "NURTURE_SECRET_KEY is not set; give it at least 32 random characters"),
        ("SALES_SECRET", "", "NURTURE_SALES_SECRET is not set; give it a whsec_ secret"),
        ("SALES_SECRET", "whsec_å", "NURTURE_SALES_SECRET: a webhook secret is not base64"),
        (
            "SALES_SECRET",
            "whsec_Q0ND",
            "NURTURE_SALES_SECRET: a webhook secret is whsec_ and the base64 of 24 to 64 bytes",
        ),
        ("SALES_URL", "http://x:y", "NURTURE_SALES_URL is not an address"),
        ("SALES_URL", "ftp://crm", "NURTURE_SALES_URL must begin with https:// and a host"),
        ("SALES_DESK", "fax", "NURTURE_SALES_DESK: 'fax' is not one of "),
        ("SALES_DESK", "hubspot", "NURTURE_SALES_TOKEN is not set; hubspot needs one"),
        ("SALES_OWNERS", "Anna", "NURTURE_SALES_OWNERS: 'Anna' must be a name, = and an id"),
        (
            "PRIVATE_NETWORKS",
            "home",
            "NURTURE_PRIVATE_NETWORKS: 'home' does not appear to be an IPv4 or IPv6 network; "
            "write networks such as 10.0.0.0/8",
        ),
        (
            "SENDGRID_WEBHOOK_KEY",
            "x",
            "NURTURE_SENDGRID_WEBHOOK_KEY is no public key in base64",
        ),
        (
            "DATABASE_URL",
            "oracle://db",
            "NURTURE_DATABASE_URL: No module named 'oracledb'; use sqlite+aiosqlite:///file or "
            "postgresql+asyncpg://…",
        ),
        (
            "DATABASE_URL",
            "sqlite+aiosqlite:////proc/none.db",
            "the database cannot be used: unable to open database file",
        ),
        (
            "DATABASE_URL",
            "sqlite+aiosqlite:///new.db",
            "the database schema is at nothing, this version needs ",
        ),
        (
            "DATA_DIR",
            "torn",
            "torn/secrets.json is damaged; without it links already sent stop working, delete it "
            "to go on",
        ),
        (
            "SECRET_KEY_FILE",
            "anna.yaml",
            "both NURTURE_SECRET_KEY and NURTURE_SECRET_KEY_FILE are set; keep one",
        ),
        (
            "API_TOKEN_FILE",
            "gone.txt",
            "NURTURE_API_TOKEN_FILE: cannot read gone.txt: No such file or directory",
        ),
        (
            "API_TOKEN_FILE",
            "key.bin",
            "NURTURE_API_TOKEN_FILE: key.bin is no text; write letters and digits, such as "
            "openssl rand -hex 32 gives",
        ),
        (
            "LOG_LEVEL",
            "verbose",
            "NURTURE_LOG_LEVEL: String should match pattern '^(?i:debug|info|warning|error)$' "
            "(got 'verbose')",
        ),
        (
            "PUBLIC_URL",
            "nurture.example.com",
            "NURTURE_PUBLIC_URL: must be an address such as https://nurture.example.com "
            "(got 'nurture.example.com')",
        ),
        ("PUBLIC_URL", "http://[x", "NURTURE_PUBLIC_URL: must be an address such as https://"),
        ("META_URL", "graph", "NURTURE_META_URL: must be an address such as https://"),
        ("CRM_SECRET", "garbage", "NURTURE_CRM_SECRET: a webhook secret is not base64"),
        ("RESEND_WEBHOOK_SECRET", "x", "NURTURE_RESEND_WEBHOOK_SECRET: a webhook secret is not"),
    ],
)
def test_a_setting_that_cannot_be_is_named_with_what_it_should_be(
    told: Callable[..., str], tmp_path: Path, setting: str, value: str, message: str
) -> None:
    (tmp_path / "torn").mkdir()
    (tmp_path / "torn" / "secrets.json").write_text("{")
    said = told("export", "anna@firm.dk", **{f"NURTURE_{setting}": value})
    assert said[: len(message)] == message


@pytest.mark.parametrize(
    ("keys", "refused"),
    [
        ("short", True),
        (f"{'k' * 32} short", True),
        (f"short {'k' * 32}", False),
    ],
)
def test_the_key_that_signs_is_long_enough_and_never_quoted(
    told: Callable[..., str], keys: str, refused: bool
) -> None:
    said = told("export", "nobody@firm.dk", NURTURE_SECRET_KEY=keys)
    assert (
        said.startswith(
            "NURTURE_SECRET_KEY: the last key signs and must have at least 32 random characters, "
            "such as openssl rand -hex 32 gives"
        )
        == refused
    )
    assert "short" not in said


def test_the_secret_of_a_receiver_of_audiences_is_looked_at(told: Callable[..., str]) -> None:
    env = {"NURTURE_AUDIENCE_URL": "https://lists.example", "NURTURE_AUDIENCE_SECRET": "garbage"}
    said = told("export", "anna@firm.dk", **env)
    assert said == "NURTURE_AUDIENCE_SECRET: a webhook secret is not base64"


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        (
            "PROFILE",
            "nope",
            "Temporal's settings: Profile 'nope' not found; "
            "check TEMPORAL_PROFILE and TEMPORAL_CONFIG_FILE",
        ),
        ("CONFIG_FILE", "torn.toml", "Temporal's settings: Configuration loading error: TOML"),
        (
            "TLS_CLIENT_CERT_PATH",
            "gone.pem",
            "Temporal's settings: cannot read gone.pem: No such file or directory; "
            "check TEMPORAL_TLS…",
        ),
    ],
)
def test_what_cannot_be_of_temporals_own_settings_is_told(
    told: Callable[..., str], variable: str, value: str, message: str
) -> None:
    said = told("export", "anna@firm.dk", **{f"TEMPORAL_{variable}": value})
    assert said[: len(message)] == message
    assert "hunter2" not in said


def test_a_data_folder_that_is_a_file_is_named(told: Callable[..., str]) -> None:
    said = told("lead", "anna@firm.dk", NURTURE_DATA_DIR="anna.yaml")
    assert said == "the data folder anna.yaml: File exists"


def test_pipedrive_knows_its_users_by_number(told: Callable[..., str]) -> None:
    env = {"NURTURE_SALES_DESK": "pipedrive", "NURTURE_SALES_TOKEN": "token"}
    said = told("export", "anna@firm.dk", **env, NURTURE_SALES_OWNERS="Anna=x")
    assert said == "NURTURE_SALES_OWNERS: Pipedrive's user ids are whole numbers"


def test_a_key_file_of_google_is_looked_at(told: Callable[..., str]) -> None:
    for key, message in (
        ("{", "NURTURE_GOOGLE_KEY is not JSON; use the service account's key file"),
        (
            "{}",
            "NURTURE_GOOGLE_KEY lacks client_email, private_key, token_uri; "
            "use a service account's key file",
        ),
    ):
        env = {"NURTURE_GOOGLE_KEY": key, "NURTURE_GOOGLE_ACCOUNT": "123"}
        assert told("export", "anna@firm.dk", **env) == message


def test_temporal_away_is_told_with_where_it_was_looked_for(told: Callable[..., str]) -> None:
    said = told("upkeep", "--now", TEMPORAL_ADDRESS="127.0.0.1:1")
    assert said == (
        "Temporal does not answer at 127.0.0.1:1; check TEMPORAL_ADDRESS or start it with "
        "`nurture up`"
    )


def test_an_empty_database_has_no_playbook_in_force(nurture: Nurture) -> None:
    assert nurture("db", "upgrade").returncode == 0
    assert nurture("export", "anna@firm.dk", **SECRETS).stderr == (
        "nurture: no playbook is in force yet; run `nurture apply`\n"
    )
