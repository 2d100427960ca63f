"""A mail to send, templates to render, and an SMTP server that fails where it is told to."""

import asyncio
import re
import ssl
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from nurture.delivery.links import Links
from nurture.delivery.rendering import Renderer
from nurture.domain.lead import Lead
from nurture.domain.persona import Persona
from nurture.playbook import Company, LinkRules, Sender
from nurture.ports import Mail
from nurture.tokens import Tokens
from tests.support.domain import when
from tests.support.letters import lint
from tests.support.playbook import PLAYBOOK

HOST = "127.0.0.1"
BASE = "https://t.x-education.example"
COMPANY = Company(
    "X Education",
    "Nørrebrogade 20, 2200 København N",
    "hello@x-education.example",
    languages=("en", "da"),
)
SENDER = Sender("courses", "Søren Ærø", "courses@x-education.example", "hello@x-education.example")
TOKENS = Tokens(["a secret that only the tests know, of some length"])
LINKS = Links(BASE, TOKENS, "leave@x-education.example")
LEAD = Lead("lead-1", "anna@firma.example", {"first_name": "Anna", "city": "Århus"})
TRAITS = ("first_name", "city", "specialization")

AS_SHIPPED = LinkRules()

FOOTER = '<a href="{{ unsubscribe_url }}">Unsubscribe</a>'
DROP = "drop"
"""Instead of an answer: the connection is gone."""
SILENCE = "silence"
"""Instead of an answer: nothing."""


def mail(**changes: Any) -> Mail:
    values: dict[str, Any] = {
        "id": "6f0d7d3e-7c3b-5d55-9a43-7c1a6b0d8a11",
        "to": "anna@firma.example",
        "sender": "courses@x-education.example",
        "sender_name": "Søren Ærø",
        "subject": "Goddag på den anden side",
        "html": "<p>Smørrebrød</p>",
        "text": "Smørrebrød\n",
        "reply_to": "hello@x-education.example",
    }
    return Mail(**{**values, **changes})


def templates(body: str, subject: str = "Hello", **files: str) -> dict[str, str]:
    """One template `t` with an HTML body; further files by name, with `__` for the dot."""
    found = {f"email/t/{name.replace('__', '.')}": text for name, text in files.items()}
    return {"email/t/subject.txt": subject, "email/t/body.html": body, **found}


def render(files: Mapping[str, str], lead: Lead = LEAD, **changes: Any) -> Mail:
    """The template `t` for Anna, as step `hello` of the flow `welcome`."""
    values: dict[str, Any] = {
        "message_id": "message-1",
        "lead": lead,
        "sender": SENDER,
        "flow": "welcome",
        "step": "hello",
        "persona": None,
        "tracking": False,
    }
    return renderer(files).render("t", **{**values, **changes})


def renderer(
    files: Mapping[str, str],
    traits: Iterable[str] = TRAITS,
    personas: Iterable[str] = (),
    rules: LinkRules = AS_SHIPPED,
) -> Renderer:
    """For these templates, with the company's languages English and Danish."""
    playbook = replace(
        PLAYBOOK,
        templates=files,
        company=COMPANY,
        traits=dict.fromkeys(traits, "text"),
        personas=tuple(Persona(name, name, when(lambda facts: False)) for name in personas),
        links=rules,
    )
    return Renderer(playbook, LINKS)


@dataclass
class Post:
    """A real SMTP server, which reads every mail it takes with another library.

    `faults` maps a command (or BODY, for the end of the message) to a reply, DROP
    or SILENCE. With `notices` it offers DSN, and keeps what it is `asked` for. It takes its time (`pause`, seconds)
    before it takes a mail, and again before it says so; of mails it has `begun`, `busy` is the most it ever had
    in hand at once."""

    faults: dict[str, str] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None
    received: list[Envelope] = field(default_factory=list)
    faulty: list[AssertionError] = field(default_factory=list)
    talks: list[SMTP] = field(default_factory=list)
    port: int = 0
    notices: bool = False
    asked: list[str] = field(default_factory=list)
    pause: Callable[[], float] = lambda: 0.0
    begun: int = 0
    busy: int = 0
    now: int = 0

    @property
    def connections(self) -> int:
        return len(self.talks)

    def hang_up(self) -> None:
        for talk in self.talks:
            if talk.transport:
                talk.transport.abort()

    async def __aenter__(self) -> "Post":
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._talk, HOST, 0, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await asyncio.sleep(0)
        self.hang_up()
        for error in self.faulty:
            raise error

    def _read(self, content: bytes | str | None) -> None:
        assert isinstance(content, bytes)
        try:
            lint(content)
        except AssertionError as error:
            self.faulty.append(error)

    def _talk(self) -> SMTP:
        self.talks.append(_Faulty(self, loop=asyncio.get_running_loop(), **self.options))
        return self.talks[-1]

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, name: str, answers: list[str]
    ) -> list[str]:
        session.host_name = name
        return [*answers[:-1], *["250-DSN"] * self.notices, answers[-1]]

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if fault := self.faults.get("BODY"):
            return await _fail(server, fault)
        self.begun += 1
        self.now += 1
        self.busy = max(self.busy, self.now)
        await asyncio.sleep(self.pause())
        if server.transport.is_closing():  # whoever sent it is gone, and so is the mail
            return "451 4.4.2 gone"
        self.received.append(envelope)
        self._read(envelope.content)
        await asyncio.sleep(self.pause())
        self.now -= 1
        return "250 OK"


class _Faulty(SMTP):
    """aiosmtpd, with faults in place of its own answers."""

    def __init__(self, post: Post, **options: Any) -> None:
        super().__init__(post, **options)
        self._post = post

    def _lookup(self, command: str) -> Any:
        fault = self._post.faults.get(command)
        if not fault:
            return None

        async def fail(arg: str | None) -> None:
            reply = await _fail(self, fault)
            if reply:
                await self.push(reply)

        return fail

    async def smtp_EHLO(self, arg: str) -> None:
        await (self._lookup("EHLO") or super().smtp_EHLO)(arg)

    async def smtp_MAIL(self, arg: str) -> None:
        await (self._lookup("MAIL") or super().smtp_MAIL)(self._plain(arg))

    async def smtp_RCPT(self, arg: str) -> None:
        await (self._lookup("RCPT") or super().smtp_RCPT)(self._plain(arg))

    def _plain(self, arg: str) -> str:
        """aiosmtpd knows no DSN, so what it asks for is kept aside."""
        asked = re.compile(r" (RET|ENVID|NOTIFY)=\S+")
        if self._post.notices:
            self._post.asked += [match[0].strip() for match in asked.finditer(arg)]
            return asked.sub("", arg)
        return arg

    async def smtp_DATA(self, arg: str) -> None:
        await (self._lookup("DATA") or super().smtp_DATA)(arg)

    async def smtp_AUTH(self, arg: str) -> None:
        await (self._lookup("AUTH") or super().smtp_AUTH)(arg)

    async def smtp_RSET(self, arg: str) -> None:
        await (self._lookup("RSET") or super().smtp_RSET)(arg)

    async def smtp_QUIT(self, arg: str) -> None:
        await (self._lookup("QUIT") or super().smtp_QUIT)(arg)

    async def smtp_STARTTLS(self, arg: str) -> None:
        await (self._lookup("STARTTLS") or super().smtp_STARTTLS)(arg)


async def _fail(server: SMTP, fault: str) -> str:
    if fault == DROP:
        server.transport.abort()
    elif fault == SILENCE:
        await asyncio.Event().wait()
    else:
        return fault
    return ""


def authenticate(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    known = LoginPassword(b"nurture", b"correct horse")
    return AuthResult(success=data == known, handled=False)


def certificate(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's and a client's context for a certificate of this machine, made for one test."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "nurture test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(HOST))]), False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    kind = serialization.PrivateFormat.PKCS8
    secret = key.private_bytes(serialization.Encoding.PEM, kind, serialization.NoEncryption())
    file.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(file)
    return server, ssl.create_default_context(cafile=str(file))
