"""Some tests with Temporal run on both databases; what each statement does there, the stores' own tests hold."""

import pytest

ON_BOTH = pytest.mark.parametrize("stage_url", ["sqlite", "postgresql"], indirect=True)
"""For a test with a `stage`."""
