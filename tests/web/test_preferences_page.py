"""The page of a reader's choices in a real browser: a phone without scripts, both languages, day and night."""

import shutil

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, async_playwright, expect

from nurture.tokens import UNSUBSCRIBE
from tests.support.web import World

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")


async def test_a_reader_chooses_with_a_thumb_and_without_scripts(
    served: tuple[World, str],
) -> None:
    world, base = served
    url = f"{base}/u/{world.tokens.sign(UNSUBSCRIBE, ['l1', 'm1'])}"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = await browser.new_page(
            viewport={"width": 360, "height": 740}, java_script_enabled=False, has_touch=True
        )
        await page.goto(f"{url}?language=da")
        await page.get_by_label("Dimittender fortæller").check()
        await page.get_by_role("button", name="Gem mit valg").tap()
        await expect(page.get_by_role("status")).to_have_text("Dit valg er gemt.")
        await page.get_by_role("button", name="90 dage").tap()
        await page.get_by_role("link", name="English").tap()
        await page.get_by_role("button", name="Unsubscribe").tap()
        await expect(page.get_by_role("status")).to_contain_text("You are unsubscribed.")
        width = await page.evaluate("document.documentElement.scrollWidth")
        assert width <= 360
        for scheme in ("light", "dark"):
            await _is_accessible(await browser.new_page(color_scheme=scheme), url)
        await browser.close()
    assert world.preferences.said == [("kinds", ["courses", "stories"]), ("pause", 90)]
    assert world.intake.withdrawn == [("l1", "email_marketing")]


async def _is_accessible(page: Page, url: str) -> None:
    await page.goto(url)
    found = await Axe().run(page)
    assert found.response["violations"] == []
