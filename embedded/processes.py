"""A group of child processes that start together, are watched, and leave nothing behind."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from embedded import guard
from nurture.domain.errors import StartError

GRACE = 6.0
"""Seconds a child has to finish what it does after being asked to stop."""

_TAIL = 15


@dataclass(frozen=True)
class Death:
    """A child that ended by itself; `last_words` are the last lines of its log."""

    name: str
    code: int
    last_words: str

    def __str__(self) -> str:
        how = f"was killed by signal {-self.code}" if self.code < 0 else f"ended ({self.code})"
        return f"{self.name} {how}; its last words:\n{self.last_words or '(none)'}"


class Processes:
    """Children in one process group of their own, so that a Ctrl-C reaches the parent alone and it
    can stop them in order. The guard leads the group: it ends them should the parent be killed.
    """

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._children: dict[str, asyncio.subprocess.Process] = {}
        self._guard: asyncio.subprocess.Process | None = None
        self._first_death: asyncio.Future[Death] = asyncio.get_running_loop().create_future()
        self._watches: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "Processes":
        self._guard = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", guard.__file__),
            stdin=asyncio.subprocess.PIPE,
            process_group=0,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for name in reversed(list(self._children)):
            await self.stop(name)
        for watch in self._watches:
            watch.cancel()
        assert self._guard is not None
        self._guard.kill()
        await self._guard.wait()

    async def start(self, name: str, command: Sequence[str], env: Mapping[str, str]) -> None:
        """Start a child whose output goes to `<logs>/<name>.log`."""
        assert self._guard is not None, "enter the group before starting a child"
        with self._log(name).open("ab") as log:
            child = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=dict(env),
                process_group=self._guard.pid,
            )
        self._children[name] = child
        watch = asyncio.create_task(self._watch(name, child))
        self._watches.add(watch)
        watch.add_done_callback(self._watches.discard)

    def pid(self, name: str) -> int:
        """The child's process id, for those who watch it from outside."""
        return self._children[name].pid

    def runs(self, name: str) -> bool:
        return self._children[name].returncode is None

    async def ready(
        self, name: str, answers: Callable[[], Awaitable[bool]], patience: float = 120.0
    ) -> None:
        """Wait until the child answers. Raises StartError when it ends or takes too long instead."""
        try:
            async with asyncio.timeout(patience):
                while not await answers():
                    if (code := self._children[name].returncode) is not None:
                        raise StartError(str(Death(name, code, self.last_words(name))))
                    await asyncio.sleep(0.05)
        except TimeoutError as error:
            raise StartError(
                f"{name} does not answer after {patience:.0f} s; its log: {self._log(name)}"
            ) from error

    async def stop(self, *names: str, grace: float = GRACE) -> None:
        """Ask the children to stop, all at once; kill what still runs after `grace` seconds. What is
        stopped like this is no death."""
        children = [self._children.pop(name) for name in names if name in self._children]
        for child in children:
            if child.returncode is None:
                child.send_signal(signal.SIGTERM)
        await asyncio.gather(*(_end(child, grace) for child in children))

    async def death(self) -> Death:
        """Wait until a child ends by itself. The first one that did is told, however often asked."""
        return await asyncio.shield(self._first_death)

    async def _watch(self, name: str, child: asyncio.subprocess.Process) -> None:
        code = await child.wait()
        if self._children.get(name) is child and not self._first_death.done():
            self._first_death.set_result(Death(name, code, self.last_words(name)))

    def _log(self, name: str) -> Path:
        return self._logs / f"{name}.log"

    def last_words(self, name: str) -> str:
        """The last lines of its log."""
        with self._log(name).open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - 8192))
            lines = log.read().decode("utf-8", errors="replace").splitlines()
        return "\n".join(lines[-_TAIL:])


async def _end(child: asyncio.subprocess.Process, grace: float) -> None:
    try:
        await asyncio.wait_for(child.wait(), grace)
    except TimeoutError:
        child.kill()
        await child.wait()
