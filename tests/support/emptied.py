"""A database of PostgreSQL for one test after another: to empty it takes a fifth of the time to make it anew."""

import asyncio

import asyncpg
from sqlalchemy.engine import make_url

from nurture.store import migrate

_EMPTY = f"""DO $$ DECLARE name text; BEGIN
  IF (SELECT version_num FROM alembic_version) <> '{migrate.newest()}' THEN RAISE 'another schema'; END IF;
  PERFORM set_config('lock_timeout', '2s', true), set_config('session_replication_role', 'replica', true);
  EXECUTE format('ALTER DATABASE %I RESET ALL', current_database());
  FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version' LOOP
    EXECUTE format('DELETE FROM %I', name);
  END LOOP;
  FOR name IN SELECT sequencename FROM pg_sequences WHERE schemaname = 'public' LOOP
    PERFORM setval(name::regclass, 1, false);
  END LOOP;
END $$"""


class Emptied:
    """A copy of a template, on its server. Made anew where a test changed more than rows, or left one locked."""

    def __init__(self, server: str, template: str) -> None:
        self._server, self._template = make_url(server), template
        self._name = f"{template}_copy"
        self._loop = asyncio.Runner()
        self._line: asyncpg.Connection | None = None

    def url(self) -> str:
        """That of the database, which is empty now."""
        self._loop.run(self._empty())
        return self._to(self._name, "postgresql+asyncpg")

    def discard(self) -> None:
        """The next one is made anew: what the planner learned of the tables is forgotten, too."""
        self._loop.run(self._hang_up())

    def close(self) -> None:
        self.discard()
        self._loop.close()

    async def _empty(self) -> None:
        if self._line:
            try:
                await self._line.execute(_EMPTY)
                return
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                await self._hang_up()
        admin = await asyncpg.connect(self._to(self._server.database or "postgres"))
        await admin.execute(f"DROP DATABASE IF EXISTS {self._name} WITH (FORCE)")
        # the other strategy writes all of it into the log, and takes twice as long
        await admin.execute(
            f"CREATE DATABASE {self._name} TEMPLATE {self._template} STRATEGY FILE_COPY"
        )
        await admin.close()
        self._line = await asyncpg.connect(self._to(self._name))

    async def _hang_up(self) -> None:
        if self._line:
            self._line.terminate()
            self._line = None

    def _to(self, database: str, driver: str = "postgresql") -> str:
        url = self._server.set(drivername=driver, database=database)
        return url.render_as_string(hide_password=False)
