"""How tests get one empty database after another (see `opened` in tests/conftest.py)."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from nurture.store.database import Database

Fresh = Callable[[], AbstractAsyncContextManager[Database]]
"""An empty SQLite database at each call, for one example of a property after another. That of before is gone then."""
