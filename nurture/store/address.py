"""Where the database is: NURTURE_DATABASE_URL, as the driver takes it. No message repeats it: it holds the password."""

import os
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from nurture.domain.errors import StartError

_TLS = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
"""As https://www.postgresql.org/docs/current/libpq-ssl.html means them, and asyncpg under the word `ssl`."""

_WORDS = frozenset(
    {
        "command_timeout",
        "database",
        "direct_tls",
        "gsslib",
        "host",
        "krbsrvname",
        "passfile",
        "password",
        "port",
        "prepared_statement_cache_size",
        "service",
        "servicefile",
        "ssl",
        "target_session_attrs",
        "user",
    }
)
"""What asyncpg takes as text."""


def read(url: str) -> URL:
    """Raises StartError for what no database can be reached by."""
    try:
        parsed = make_url(url)
        host, port = parsed.host or "", 1 if parsed.port is None else parsed.port
        host.encode("idna")
    except ArgumentError as error:
        raise unusable(error) from error
    except ValueError:  # a port or a host that is none: mostly signs of the password
        raise _unreadable() from None
    if "@" in host or not 1 <= port <= 65535:
        raise _unreadable()
    return _with_tls(parsed) if parsed.get_backend_name() == "postgresql" else parsed


def place(url: str) -> str:
    """Which database that is: the same from every folder, and without its password. Raises StartError."""
    parsed = read(url)
    if parsed.drivername.startswith("sqlite") and parsed.database:
        parsed = parsed.set(database=str(Path(parsed.database).resolve()))
    return parsed.difference_update_query(["password"]).render_as_string(hide_password=True)


def unusable(error: Exception) -> StartError:
    return StartError(
        f"NURTURE_DATABASE_URL: {error}; use sqlite+aiosqlite:///file or postgresql+asyncpg://…"
    )


def _unreadable() -> StartError:
    return StartError(
        "NURTURE_DATABASE_URL cannot be read: it is postgresql+asyncpg://user:password@host:port/name;"
        " in the password write %40 for @, %3A for : and %2F for /"
    )


def _with_tls(url: URL) -> URL:
    """libpq's word for it is `sslmode`, which everybody else's address has."""
    query = {("ssl" if word == "sslmode" else word): told for word, told in url.query.items()}
    if unknown := sorted(query.keys() - _WORDS):
        raise StartError(
            f"NURTURE_DATABASE_URL: {unknown[0]} cannot stand behind its ?; sslmode can,"
            " and PGSSLROOTCERT names the file of certificates"
        )
    if mode := query.get("ssl"):
        _require(str(mode))
    return url.set(query=query)


def _require(mode: str) -> None:
    """A certificate that is to be checked, and by what."""
    if mode not in _TLS:
        raise StartError(f"NURTURE_DATABASE_URL: sslmode must be one of {', '.join(_TLS)}")
    named = os.environ.get("PGSSLROOTCERT")
    file = Path(named) if named else Path.home() / ".postgresql" / "root.crt"
    checks = mode.startswith("verify") or (mode == "require" and named)
    if checks and not file.is_file():
        raise StartError(
            f"NURTURE_DATABASE_URL: sslmode={mode} needs certificates, and {file} is no file;"
            " PGSSLROOTCERT names one, such as /etc/ssl/certs/ca-certificates.crt"
        )
