"""A mailbox behind IMAP4rev1 (RFC 3501), with the few commands a reader of bounces needs."""

import asyncio
import re
from base64 import b64decode
from dataclasses import dataclass, field


@dataclass
class ImapServer:
    """Knows one user. `refuse`: it lets nobody in. `heard`: how it was logged in to, and the folder chosen."""

    mails: list[bytes]
    seen: set[int] = field(default_factory=set)
    refuse: bool = False
    port: int = 0
    logins: int = 0
    heard: list[str] = field(default_factory=list)
    _server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"* OK ready\r\n")
        while line := (await reader.readline()).decode().strip():
            tag, _, command = line.partition(" ")
            if command == "AUTHENTICATE PLAIN":
                writer.write(b"+ \r\n")
                self.heard.append(b64decode(await reader.readline()).decode())
            for answer in self._answers(command):
                writer.write(answer)
            failed = self.refuse and command.startswith("LOGIN")
            writer.write(f"{tag} {'NO' if failed else 'OK'} done\r\n".encode())
            await writer.drain()
            if command == "LOGOUT":
                break
        writer.close()

    def _answers(self, command: str) -> list[bytes]:
        if command == "CAPABILITY":
            return [b"* CAPABILITY IMAP4rev1\r\n"]
        if command.startswith("LOGIN"):
            self.logins += 1
            self.heard.append(command)
        if command.startswith("SELECT"):
            self.heard.append(command)
            return [f"* {len(self.mails)} EXISTS\r\n".encode()]
        if command == "UID SEARCH UNSEEN":
            unread = [str(n) for n in range(1, len(self.mails) + 1) if n not in self.seen]
            return [f"* SEARCH {' '.join(unread)}\r\n".encode()]
        if found := re.match(r"UID FETCH (\d+) \(BODY\.PEEK\[\]<0\.\d+>\)", command):
            raw = self.mails[int(found[1]) - 1]
            head = f"* {found[1]} FETCH (UID {found[1]} BODY[]<0> {{{len(raw)}}}\r\n"
            return [head.encode(), raw, b")\r\n"]
        if found := re.match(r"UID STORE ([\d,]+) \+FLAGS \(\\Seen\)", command):
            self.seen |= {int(number) for number in found[1].split(",")}
        return []
