"""Mails a second through a local mail server, against a bare loop of the same SMTP library with mails made beforehand.

The server is another process, which takes mails and forgets them: what it costs is in neither's CPU time. Ours makes
each mail as MIME, claims a connection and judges the answer; the bare loop only talks, and its mail was made
beforehand. Both keep as many connections. Rendering and the ledger are in neither (see `mails` and `journeys`).
"""

import asyncio
import resource
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP as Server
from aiosmtplib import SMTP

from nurture.delivery.email import mime
from nurture.delivery.email.smtp import SmtpMailer
from nurture.ports import Mail

HOST = "127.0.0.1"
CONNECTIONS = 4
MAILS = 1000
ROUNDS = 3


async def measure(folder: Path, mails: int = MAILS) -> dict[str, Any]:
    """Bare and ours in turns; memory before and after all of ours."""
    mail = _letter()
    async with _sink() as port:
        mailer = SmtpMailer(HOST, port, connections=CONNECTIONS)
        await _ours(mailer, mail, 50)
        before, bare, ours = _megabytes(), _Clock(), _Clock()
        for _ in range(ROUNDS):
            with bare:
                await _bare(port, mail, mails)
            with ours:
                await _ours(mailer, mail, mails)
        await mailer.close()
    sent = ROUNDS * mails
    return {
        "mails_per_second": round(sent / ours.wall, 1),
        "bare_per_second": round(sent / bare.wall, 1),
        "ratio": round(bare.wall / ours.wall, 3),
        "cpu_ms_per_mail": round(1000 * ours.cpu / sent, 3),
        "bare_cpu_ms_per_mail": round(1000 * bare.cpu / sent, 3),
        "cpu_ratio": round(bare.cpu / ours.cpu, 3),
        "megabytes": round(_megabytes(), 1),
        "megabytes_grown": round(_megabytes() - before, 1),
        "bytes_per_mail": len(mime.as_bytes(mail, datetime.now(UTC))),
    }


@dataclass
class _Clock:
    """Seconds on the wall, and of this process on a core, over all uses."""

    wall: float = 0.0
    cpu: float = 0.0

    def __enter__(self) -> None:
        self.wall -= time.perf_counter()
        self.cpu -= time.process_time()

    def __exit__(self, *_: object) -> None:
        self.wall += time.perf_counter()
        self.cpu += time.process_time()


def _letter() -> Mail:
    """A mail of usual length, with Danish letters in it."""
    line = "Rødgrød med fløde, og en længere sætning om et kursus i projektledelse."
    leave = f"https://t.x-education.example/u/{'x' * 120}"
    return Mail(
        id="mail",
        to="anna@firma.example",
        sender="courses@x-education.example",
        sender_name="Søren Ærø",
        subject="Goddag på den anden side",
        html=f"<html><body>{f'<p>{line}</p>' * 40}<a href='{leave}'>Afmeld</a></body></html>",
        text=f"{line}\n" * 40,
        headers={
            "List-Unsubscribe": f"<{leave}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            "List-ID": "<welcome.x-education.example>",
            "Feedback-ID": "welcome:hello:nurture:courses",
        },
    )


async def _bare(port: int, mail: Mail, number: int) -> None:
    payload = mime.as_bytes(mail, datetime.now(UTC))

    async def talk() -> None:
        async with SMTP(hostname=HOST, port=port) as client:
            for _ in range(number // CONNECTIONS):
                await client.sendmail(mail.sender, [mail.to], payload)

    await asyncio.gather(*(talk() for _ in range(CONNECTIONS)))


async def _ours(mailer: SmtpMailer, mail: Mail, number: int) -> None:
    await asyncio.gather(*(mailer.send(replace(mail, id=f"mail-{n}")) for n in range(number)))


def _megabytes() -> float:
    """The most this process ever held."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


@asynccontextmanager
async def _sink() -> AsyncIterator[int]:
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", __name__, stdout=PIPE)
    assert process.stdout
    yield int(await process.stdout.readline())
    process.terminate()
    await process.wait()


class _Forgets:
    async def handle_DATA(self, *_: object) -> str:
        return "250 OK"


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Server(_Forgets(), loop=loop), HOST, 0)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201 - read by the bench
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve())
