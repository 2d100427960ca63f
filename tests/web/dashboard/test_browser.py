"""The dashboard in a real browser: by day and night, in both languages, on a phone, without JavaScript, by keyboard."""

import re
from collections.abc import AsyncIterator, Sequence

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, ViewportSize, expect
from sqlalchemy import update
from sqlmodel import col

from embedded.serving import Site
from nurture.store.tables import MessageRow
from tests.support.browser import needs_chromium, opened
from tests.support.house import PASSWORD, House
from tests.support.web import SETTINGS

pytestmark = needs_chromium

DESK: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 360, "height": 740}
PAGES = (
    "/", "/leads", "/leads?stage=nothing", "/flows", "/flows/welcome", "/mails", "/mails?state=failed",
    "/handovers", "/handovers?which=talking", "/handovers?which=over", "/audiences", "/reports?by=owner",
    "/reports?persona=student&source=site&owner=Mette+Holm", "/playbook", "/system", "/accounts",
    "/tokens", "/audit", "/audit?who=nobody", "/account",
)  # fmt: skip
ONWARD = (
    ("/handovers", ".queue h2 a"), ("/leads", "tbody a"), ("/mails?state=unknown", "tbody a"),
    ("/mails?state=accepted", "tbody a"), ("/playbook", ".versions a"),
)  # fmt: skip
"""Pages that are found on others: on which, and behind what."""


@pytest.fixture
async def served(busy: House) -> AsyncIterator[str]:
    """A product at work; Mette Holm of sales and an administrator may sign in."""
    busy.settings = SETTINGS.model_copy(update={"public_url": ""})
    gitte = await busy.world.lead("gitte@firm.example")
    async with busy.world.db.write() as session:
        lost = update(MessageRow).where(col(MessageRow.lead_id) == gitte.id)
        await session.execute(lost.values(state="unknown"))
    await busy.person("admin")
    await busy.person("sales", "Mette Holm")
    site = Site(busy.app(), "127.0.0.1", 0, "none")
    await site.start()
    yield site.url
    await site.stop()


async def sign_in(page: Page, url: str, who: str = "admin") -> None:
    await page.goto(f"{url}/sign-in")
    await page.locator("#email").fill(f"{who}@firm.example")
    await page.locator("#password").fill(PASSWORD)
    await page.locator("button.primary").click()
    await page.wait_for_url(f"{url}/")


async def faults(page: Page, rules: Sequence[str] = ()) -> list[str]:
    """What axe calls serious or critical, by all its rules or by these."""
    if not await page.evaluate("typeof axe === 'object'"):
        await page.evaluate(Axe().axe_script)
    only = {"runOnly": {"type": "rule", "values": list(rules)}} if rules else {}
    options = {"resultTypes": ["violations"], "iframes": False, **only}
    found = await page.evaluate(_GRAVE, options)
    return [f"{page.url}: {fault}" for fault in found]


_GRAVE = """options => axe.run(options).then(({violations}) => violations
    .filter(({impact}) => ["serious", "critical"].includes(impact))
    .flatMap(({id, nodes}) => nodes.map(({html}) => `${id}: ${html.slice(0, 120)}`)))"""
_OF_LOOKS = ("color-contrast", "link-in-text-block", "scrollable-region-focusable", "target-size")
"""Rules whose answer may be another one by night or on a phone; the others ask about what is the same in all looks."""


@pytest.mark.long
async def test_no_page_keeps_anybody_out(served: str) -> None:
    """Nor does one ask anybody else for anything, or is wider than the screen, by day at a desk and by night on a
    phone."""
    asked: list[str] = []
    async with opened(locale="en-GB", reduced_motion="reduce") as page:
        page.on("request", lambda request: asked.append(request.url))
        await page.goto(f"{served}/sign-in")
        found = await _looked_at(page)
        await sign_in(page, served)
        for path in PAGES:
            await page.goto(served + path)
            found += await _looked_at(page)
        for on, behind in ONWARD:
            await page.goto(served + on)
            await page.locator(behind).first.click()
            await expect(page.locator("h1")).to_be_visible()
            found += await _looked_at(page)
        await page.goto(served + "/mails?state=accepted")
        await page.locator("tbody a").first.click()
        mail = page.frame_locator("iframe.letter")
        await expect(mail.locator("h1")).to_be_visible()
    assert found == []
    assert [url for url in asked if not url.startswith(served)] == []


async def _looked_at(page: Page) -> list[str]:
    """What is wrong with the page in either look."""
    found = []
    for dark, screen, rules in ((False, DESK, ()), (True, PHONE, _OF_LOOKS)):
        await page.emulate_media(color_scheme="dark" if dark else "light")
        await page.set_viewport_size(screen)
        found += await faults(page, rules) + await _too_wide(page, screen["width"])
    return found


async def _too_wide(page: Page, screen: int) -> list[str]:
    wide = await page.evaluate("document.documentElement.scrollWidth")
    return [f"{page.url}: is {wide} pixels wide"] if wide > screen else []


async def test_a_salesperson_needs_no_javascript(served: str) -> None:
    async with opened(java_script_enabled=False, viewport=PHONE) as page:
        await sign_in(page, served, "sales")
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


async def test_an_administrator_needs_no_javascript(served: str) -> None:
    """Every page, in Danish on a phone, and every form of them."""
    async with opened(java_script_enabled=False) as page:
        await sign_in(page, served)
        await page.set_extra_http_headers({"accept-language": "da"})
        await page.set_viewport_size(PHONE)
        for path in PAGES:
            await page.goto(served + path)
            await expect(page.locator("h1")).to_be_visible()
            await expect(page.locator("html")).to_have_attribute("lang", "da")
            assert await _too_wide(page, PHONE["width"]) == []
        await page.set_extra_http_headers({})
        await page.set_viewport_size(DESK)
        await _lead_without_javascript(page, served)
        await page.goto(f"{served}/mails?state=unknown")
        await page.locator("tbody a").first.click()
        await page.get_by_label("It did not").check()
        await page.get_by_label("I am sure").check()
        await done(page, "Settle it", "sent once more")
        await page.goto(f"{served}/flows/win-back")
        await done(page, "Pause", "The flow is on hold")
        await done(page, "Resume", "The flow goes on")
        await page.goto(f"{served}/audiences")
        await done(page, "Pause additions", "Removals go on")
        await done(page, "Resume additions", "kept up to date again")
        await page.goto(f"{served}/reports")
        await page.locator("[name=owner]").select_option("Mette Holm")
        await page.locator("[name=by]").select_option("persona")
        await page.get_by_role("button", name="Show").click()
        await expect(page).to_have_url(re.compile("owner=Mette"))
        await expect(page.get_by_role("heading", name="By persona")).to_be_visible()
        await _keys_without_javascript(page, served)


async def _lead_without_javascript(page: Page, served: str) -> None:
    await page.goto(f"{served}/leads")
    await page.get_by_label("Name, company").fill("hans")
    await page.get_by_role("button", name="Find").click()
    await page.locator("tbody a").click()
    await page.locator("summary", has_text="Take out of this flow").click()
    await done(page, "Yes, take it out", "has left the flow")
    await page.locator("summary", has_text="Bring into a flow").click()
    await page.locator("#flow").select_option("win-back")
    await done(page, "Enrol", "enters the flow")
    await page.locator("summary", has_text="Give to sales").click()
    await page.get_by_label("Because").fill("asked on the phone")
    await done(page, "Hand over", "Sales has the lead now")
    await page.locator("summary", has_text="Erase this person").click()
    await page.get_by_label("Yes, I mean it").check()
    await done(page, "Erase", "Everything about the person is erased")


async def _keys_without_javascript(page: Page, served: str) -> None:
    await page.goto(f"{served}/tokens")
    await page.get_by_label("What for").fill("CRM")
    await page.get_by_label("leads:read").check()
    await page.get_by_role("button", name="Make the token").click()
    await expect(page.locator(".secret")).to_be_visible()
    await page.get_by_role("button", name="Revoke CRM").click()
    await expect(page.get_by_text("revoked")).to_be_visible()
    await page.goto(f"{served}/accounts")
    form = page.locator('form[action="/accounts"]')
    await form.locator("#email").fill("new@firm.example")
    await form.get_by_role("button").click()
    await expect(page.locator(".secret")).to_be_visible()
    theirs = page.locator(".people > li", has_text="new@firm.example")
    await theirs.locator("summary").click()
    await theirs.locator("[name=name]").fill("Somebody new")
    await theirs.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("status")).to_contain_text("Saved")
    theirs = page.locator(".people > li", has_text="Somebody new")
    await theirs.locator("summary").click()
    await theirs.locator("[name=sure]").check()
    await theirs.get_by_role("button", name="Remove the account").click()
    await expect(page.get_by_role("status")).to_contain_text("removed")
    await page.goto(f"{served}/account")
    await page.get_by_label("The one you have").fill(PASSWORD)
    await page.get_by_label("The new one").fill("another password of the tests")
    await done(page, "Change the password", "is changed")
    await page.goto(f"{served}/audit")
    await page.locator("[name=action]").select_option("erase")
    await page.get_by_role("button", name="Show").click()
    await expect(page.locator("tbody tr")).to_have_count(1)


async def done(page: Page, button: str, said: str) -> None:
    await page.get_by_role("button", name=button, exact=True).click()
    await expect(page.get_by_role("status")).to_contain_text(said)


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
        await page.goto(f"{served}/leads")
        await page.locator("tbody a").first.focus()
        await page.keyboard.press("Enter")
        await page.get_by_text("Give to sales", exact=True).focus()
        await page.keyboard.press("Enter")
        await page.keyboard.press("Tab")
        await expect(page.locator("#reason")).to_be_focused()
        await page.keyboard.type("asked on the phone")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("status")).to_contain_text("Sales has the lead now")
