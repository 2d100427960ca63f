"""Our own tracking snippet, in a real browser and on a page of another origin."""

import functools
import http.server
import shutil
import subprocess
import threading

import pytest

CHROMIUM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
QUIET = (
    "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --virtual-time-budget=8000 --dump-dom"
)
PAGE = """<!doctype html><title>Shop</title>
<script>EARLY</script>
<script src="HOST/n.js" data-key="wk"></script>
<script>DID; document.title = "cookie " + document.cookie</script>
<form action="HOST/forms/whitepaper"></form>
<script>
  document.forms[0].dispatchEvent(new Event("submit", {cancelable: true, bubbles: true}))
</script>"""

EARLY = 'nurture = [["track", "Video Played", {seconds: 30}]]'

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nothing to say in a test."""


@pytest.fixture
def browse(served, tmp_path):
    """Opens a page on which `did` runs; what the page looks like afterwards."""
    _, host = served
    site = tmp_path / "site"
    site.mkdir()
    handler = functools.partial(Quiet, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever).start()

        def visit(did: str, early: str = EARLY) -> str:
            page = PAGE.replace("HOST", host).replace("DID", did).replace("EARLY", early)
            (site / "index.html").write_text(page)
            address = f"http://127.0.0.1:{server.server_address[1]}/"
            profile = f"--user-data-dir={tmp_path / 'profile'}"
            command = [str(CHROMIUM), *QUIET.split(), profile, address]
            return subprocess.run(
                command, capture_output=True, text=True, timeout=60, check=True
            ).stdout

        yield visit
        server.shutdown()


def consents(world):
    """What visitors said of being watched, and in whose name."""
    return [
        (record.purpose, record.granted, record.wording, message.anonymous_id)
        for message in world.intake.messages
        for record in message.consents
    ]


@pytest.mark.parametrize("refuses", ["", "; nurture.consent(false)"])
def test_without_consent_nothing_is_sent_and_nothing_is_stored(served, browse, refuses):
    page = browse("nurture.identify({email: 'ada@firm.example'})" + refuses)
    world, _ = served
    assert world.intake.taken == []
    assert "<title>cookie </title>" in page
    assert "anonymous_id" not in page


def test_with_consent_what_waited_is_sent_in_the_visitors_name(served, browse):
    page = browse(
        "nurture.identify({email: 'Ada@Firm.example'});"
        "nurture.consent(true, 'Count me'); nurture.consent(true, 'Count me')"
    )
    world, _ = served
    told = [message for message in world.intake.messages if not message.consents]
    found = {(message.touch, message.email) for message in told}
    assert found == {("page", None), ("video_played", None), (None, "ada@firm.example")}
    [visitor] = {message.anonymous_id for message in world.intake.messages}
    assert consents(world) == [("tracking", True, "Count me", visitor)]
    assert f"<title>cookie nurture_id={visitor}</title>" in page
    assert f'name="anonymous_id" value="{visitor}"' in page


def test_what_a_server_could_not_take_for_a_moment_is_sent_once_more(served, browse):
    world, _ = served
    world.intake.away = 2
    browse("nurture.identify({email: 'ada@firm.example'}); nurture.consent(true)")
    found = {message.touch for message in world.intake.messages}
    assert found == {"page", "video_played", None}


def test_a_no_that_was_said_before_the_script_came_holds_for_its_first_page_too(served, browse):
    page = browse("0", 'document.cookie = "nurture_id=old-1"; nurture = [["consent", false]]')
    world, _ = served
    assert consents(world) == [("tracking", False, "", "old-1")]
    [told] = world.intake.messages
    assert (told.touch, told.traits) == (None, {})
    assert "<title>cookie </title>" in page


def test_a_consent_that_is_taken_back_takes_the_cookie_along(served, browse):
    page = browse("nurture.consent(true); nurture.consent(false); nurture.track('Later')")
    world, _ = served
    assert "<title>cookie </title>" in page
    assert "later" not in {message.touch for message in world.intake.messages}
    [(visitor, yes), (same, no)] = sorted((said[3], said[1]) for said in consents(world))
    assert (visitor == same, {yes, no}) == (True, {True, False})
