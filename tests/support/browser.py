"""A real Chromium, as the system has it."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM = next((found for name in _NAMES if (found := shutil.which(name))), None)

needs_chromium = pytest.mark.skipif(
    CHROMIUM is None,
    reason=f"NO PAGE WAS LOOKED AT IN A BROWSER: none of {', '.join(_NAMES)} is on the path",
)


@asynccontextmanager
async def opened(**context: Any) -> AsyncIterator[Page]:
    """A page in a browser of its own; what goes wrong in its console fails the test."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = await browser.new_page(**context)
        said: list[str] = []
        page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: said.append(f"error: {error}"))
        try:
            yield page
        finally:
            await browser.close()
        wrong = [line for line in said if line.startswith(("error", "warning"))]
        assert not wrong, "\n".join(wrong)
