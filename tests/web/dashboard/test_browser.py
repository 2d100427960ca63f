"""The dashboard in a real browser: by day and night, in both languages, on a phone, without JavaScript, by keyboard."""

import re
from collections.abc import AsyncIterator

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from embedded.serving import Site
from tests.support.browser import needs_chromium, opened
from tests.support.filled import fill
from tests.support.house import PASSWORD, House
from tests.support.web import SETTINGS

pytestmark = needs_chromium

PHONE = {"width": 360, "height": 740}
PAGES = (
    "/", "/leads", "/flows", "/flows/welcome", "/mails", "/handovers", "/handovers?which=talking",
    "/handovers?which=over", "/audiences", "/reports?by=owner", "/playbook", "/system", "/accounts",
    "/tokens", "/audit", "/account",
)  # fmt: skip


@pytest.fixture
async def served(house: House) -> AsyncIterator[str]:
    """A product at work; Mette Holm of sales and an administrator may sign in."""
    house.settings = SETTINGS.model_copy(update={"public_url": ""})
    await fill(house)
    await house.person("admin")
    await house.person("sales", "Mette Holm")
    site = Site(house.app(), "127.0.0.1", 0, "none")
    await site.start()
    yield site.url
    await site.stop()


async def sign_in(page: Page, url: str, who: str = "admin") -> None:
    await page.goto(f"{url}/sign-in")
    await page.locator("#email").fill(f"{who}@firm.example")
    await page.locator("#password").fill(PASSWORD)
    await page.locator("button.primary").click()
    await page.wait_for_url(f"{url}/")


async def faults(page: Page) -> list[str]:
    """What axe calls serious or critical."""
    found = (await Axe().run(page)).response["violations"]
    return [
        f"{page.url}: {each['id']}: {node['html'][:120]}"
        for each in found
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]


@pytest.mark.parametrize(
    ("light", "locale", "viewport"),
    [("light", "en-GB", {"width": 1280, "height": 800}), ("dark", "da-DK", PHONE)],
)
async def test_no_page_keeps_anybody_out(
    served: str, light: str, locale: str, viewport: dict[str, int]
) -> None:
    """Nor does one ask anybody else for anything, or is wider than the screen."""
    asked: list[str] = []
    async with opened(color_scheme=light, locale=locale, viewport=viewport) as page:
        page.on("request", lambda request: asked.append(request.url))
        await page.goto(f"{served}/sign-in")
        found = await faults(page)
        await sign_in(page, served)
        await expect(page.locator("html")).to_have_attribute("lang", locale[:2])
        for path in PAGES:
            await page.goto(served + path)
            found += await faults(page)
            wide = await page.evaluate("document.documentElement.scrollWidth")
            assert wide <= viewport["width"], f"{path} is {wide} pixels wide"
        for queue, first in (("/handovers", ".queue h2 a"), ("/leads", "main a[href^='/leads/']")):
            await page.goto(served + queue)
            await page.locator(first).first.click()
            found += await faults(page)
        await page.goto(f"{served}/leads")
        await page.locator("tbody a").first.click()
        found += await faults(page)
        await page.locator('a[href^="/mails/"]').first.click()
        found += await faults(page)
        mail = page.frame_locator("iframe.letter")
        await expect(mail.locator("h1")).to_be_visible()
    assert found == []
    assert [url for url in asked if not url.startswith(served)] == []


async def test_everything_can_be_done_without_javascript(served: str) -> None:
    async with opened(java_script_enabled=False, viewport=PHONE) as page:
        await sign_in(page, served, "sales")
        for path in ("/", "/handovers", "/reports", "/playbook", "/account"):
            await page.goto(served + path)
            await expect(page.locator("h1")).to_be_visible()
        await page.goto(f"{served}/handovers")
        waiting = await page.locator(".queue > li").count()
        await page.get_by_role("button", name="Contacted").first.click()
        await expect(page.get_by_role("status")).to_contain_text("Noted: contacted")
        await expect(page.locator(".queue > li")).to_have_count(waiting - 1)
        await page.goto(f"{served}/leads")
        await page.locator("tbody a").first.click()
        await expect(page.get_by_role("heading", name="What comes next")).to_be_visible()
        await page.goto(f"{served}/account")
        await page.get_by_label("Colours").select_option("dark")
        await page.get_by_role("button", name="Save").click()
        await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        await page.locator("details.who summary").click()
        await page.get_by_role("button", name="Sign out").click()
        await expect(page).to_have_url(f"{served}/sign-in")


async def test_with_javascript_a_filter_works_at_once_and_a_sheet_closes_with_escape(
    served: str,
) -> None:
    async with opened() as page:
        await sign_in(page, served)
        await page.goto(f"{served}/reports")
        await page.get_by_label("Split by").select_option("owner")
        await expect(page).to_have_url(re.compile(r"/reports\?month=.*&by=owner$"))
        sheet = page.locator("details.who")
        await sheet.locator("summary").click()
        await expect(sheet).to_have_attribute("open", "")
        await page.keyboard.press("Escape")
        await expect(sheet).not_to_have_attribute("open", "")


async def test_a_keyboard_is_enough(served: str) -> None:
    async with opened() as page:
        await sign_in(page, served)
        await page.goto(f"{served}/handovers")
        await page.keyboard.press("Tab")
        skip = page.get_by_role("link", name="Skip to the content")
        await expect(skip).to_be_focused()
        await expect(skip).to_be_in_viewport()
        await page.keyboard.press("Enter")
        await expect(page.locator("main")).to_be_focused()
        for _ in range(8):
            await page.keyboard.press("Tab")
            focused = page.locator(":focus-visible")
            assert (
                await focused.evaluate("element => getComputedStyle(element).outlineStyle")
                != "none"
            )
