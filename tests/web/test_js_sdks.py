"""The SDKs of Node and of browsers themselves, with only the host changed."""

import functools
import http.server
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import pytest
from playwright.sync_api import sync_playwright

SDKS = Path(__file__).parents[1] / "sdks"
NODE = shutil.which("node")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

pytestmark = pytest.mark.skipif(
    NODE is None or not (SDKS / "node_modules" / ".installed").exists(),
    reason="the SDKs of Node and browsers are NOT tested: `make test` installs them where npm is",
)
in_a_browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nothing to say in a test."""


@pytest.fixture
def site() -> Iterator[str]:
    """A website of another origin than the server's."""
    handler = functools.partial(Quiet, directory=str(SDKS))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.mark.parametrize("script", ["segment.mjs", "rudderstack.cjs"])
def test_node_clients_work_with_only_the_host_changed(served, script):
    world, host = served
    command = [str(NODE), str(SDKS / script), host, "wk"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    told = {(m.touch, m.user_id, m.anonymous_id, m.previous_id) for m in world.intake.messages}
    assert ("order_completed", "u1", None, None) in {(*row[:2], None, row[3]) for row in told}
    assert ("page", "a1") in {(row[0], row[2]) for row in told}
    assert ("u1", "old") in {(row[1], row[3]) for row in told}
    [identify] = [message for message in world.intake.messages if message.email]
    assert identify.email == "ada@firm.example"
    assert world.intake.refused == []


@in_a_browser
@pytest.mark.parametrize("page", ["segment.html", "rudderstack.html"])
def test_browser_clients_work_with_only_the_host_changed(served, site, page):
    world, host = served
    said: list[str] = []
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        tab = browser.new_page()
        tab.on("console", lambda message: said.append(message.text))
        tab.goto(f"{site}/{page}?host={host}")
        until = monotonic() + 20
        while len(world.intake.messages) < 3 and monotonic() < until:
            tab.wait_for_timeout(50)
        browser.close()
    touches = {message.touch for message in world.intake.messages}
    assert touches == {"page", "video_played", None}, said
    [visitor] = {message.anonymous_id for message in world.intake.messages}
    assert visitor
    assert {message.email for message in world.intake.messages} >= {"ada@firm.example"}
    assert world.intake.refused == []
