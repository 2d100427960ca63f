"""Structured logs: one JSON object a line, without personal data."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

_PROCESS = r"\d+@[\w-]+(?![\w.-])"
"""Temporal's name for one: its number and its machine. It helps who looks for it, and is nobody's address."""

_PART = r"""[^\s<>"'/:?&,;()\[\]\\]"""

_ADDRESS = re.compile(
    rf"""
    (?: "[^"\n]{{1,64}}"                # a name in quotes may hold blanks
      | (?<=://) [^\s<>"'/?#]+         # who signs in, and with what, before the host of a URL
      | (?<!{_PART}) (?<!{_PART}') (?!{_PROCESS}) {_PART} (?:'?{_PART})*
    )
    (?: @ | \uff20 | %(?:25)*40 )     # also as wide as a Chinese letter, or as URLs have it
    (?: \[[^\s\[\]]{{1,64}}\] | [^\s@\uff20<>"'/:?&,;()\[\]\\]*\w )
    """,
    re.VERBOSE,
)
"""Whatever could be one, its host in any script or a number in brackets. The rest of a URL or a reply stays. A search
begins where a word does, so that a long one takes no longer than its length."""


def configure(level: str = "INFO") -> None:
    """Send nurture's and the libraries' logs to stderr as JSON lines."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        mask_addresses,
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for noisy in ("httpx", "httpcore", "alembic", "uvicorn.access", "asyncio", "mail.log"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )


def mask_addresses(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """The last line of defence: an address that reached a log text leaves it masked."""
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = masked(value)
    return event


def masked(text: str) -> str:
    """The text without the addresses in it."""
    return _ADDRESS.sub("<address>", text)
