"""Sales answers in a real browser: a narrow phone, with scripts switched off."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from playwright.async_api import Page, async_playwright, expect

from nurture.tokens import HANDOVER
from tests.support.web import World

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")

SMALLEST_TARGET = 44
"""Pixels that a finger hits."""


@asynccontextmanager
async def phone(url: str) -> AsyncIterator[Page]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = await browser.new_page(
            viewport={"width": 360, "height": 740},
            java_script_enabled=False,
            has_touch=True,
            is_mobile=True,
        )
        await page.goto(url)
        yield page
        await browser.close()


async def fits(page: Page) -> None:
    """Nothing is cut off at the side, and every button and field that shows can be hit."""
    for found in await page.locator("button, input:not([type=hidden]), select").all():
        if await found.is_visible():
            box = await found.bounding_box()
            assert box is not None
            assert box["height"] >= SMALLEST_TARGET
            assert 0 <= box["x"] <= box["x"] + box["width"] <= 360


async def test_every_answer_can_be_given_with_a_thumb(served: tuple[World, str]) -> None:
    world, base = served
    every = ("accepted", "contacted", "booked", "snoozed", "rejected", "won", "lost")
    world.desk.shown = replace(world.desk.shown, answers=every)
    url = f"{base}/h/{world.tokens.sign(HANDOVER, ['h1'])}"
    async with phone(url) as page:
        await fits(page)
        for summary in await page.locator("summary").all():
            await summary.tap()
        await fits(page)
        for said in every:
            world.desk.shown = replace(world.desk.shown, state="open", answers=every)
            await page.goto(url)
            await give(page, said)
            await expect(page.get_by_role("status")).to_have_text(f"Noted: {said}.")
    assert [str(answer.state) for answer in world.desk.answers] == list(every)
    contacted, booked, snoozed, rejected, won, lost = world.desk.answers[1:]
    assert contacted.how == "call"
    assert booked.until is not None
    assert booked.until.isoformat() == "2026-12-01T09:30:00+00:00"
    assert (snoozed.reason, snoozed.until is not None) == ("asked to wait", True)
    assert (rejected.reason, rejected.until is not None) == ("no-budget", True)
    assert (won.amount, won.currency) == (12500, "EUR")
    assert lost.reason == "went elsewhere"


async def give(page: Page, said: str) -> None:
    match said:
        case "contacted":
            await page.get_by_role("button", name="Call").tap()
            return
        case "booked":
            await page.get_by_label("On").fill("2026-12-01T09:30")
        case "snoozed":
            await page.get_by_text("the lead wants to wait").tap()
            await page.get_by_label("Because", exact=True).select_option("asked to wait")
            await page.get_by_label("Until").fill("2026-12-01")
        case "won":
            await page.get_by_label("Amount").fill("12 500")
            await page.get_by_label("Currency").fill("eur")
        case "rejected" | "lost":
            await page.get_by_text("Not this time").tap()
    if said == "rejected":
        await page.get_by_label("Give it back").select_option("no-budget")
        await page.get_by_label("Not before").fill("2027-01-04")
    if said == "lost":
        await page.get_by_label("We talked").fill("went elsewhere")
    await page.locator(f"button[value={said}]").tap()
