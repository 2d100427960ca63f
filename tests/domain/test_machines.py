"""Telling scanners and proxies from people."""

from datetime import timedelta

import pytest

from nurture.domain.machines import Hit, reason

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
PHONE = "Mozilla/5.0 (Linux; Android 14; CUBOT NOTE 20) AppleWebKit/537.36 Chrome/131.0 Mobile"
GMAIL = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"


def hit(agent: str = FIREFOX, name: str = "clicked", method: str = "GET", **headers: str) -> Hit:
    return Hit(name, method, {"user-agent": agent, **headers}, timedelta(hours=1))


@pytest.mark.parametrize("agent", [FIREFOX, PHONE, GMAIL])
@pytest.mark.parametrize("name", ["opened", "clicked"])
def test_a_persons_browser_is_a_person(agent, name):
    assert reason(hit(agent, name)) is None


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (hit(method="HEAD"), "head request"),
        (hit(""), "no user agent"),
        (hit("Mozilla/5.0"), "bare user agent"),
        (hit("Mozilla/5.0 (compatible;)"), "bare user agent"),
        (hit("Mozilla/5.0", "opened"), "Apple mail privacy"),
        (hit("python-requests/2.32"), "scanner"),
        (hit("Mozilla/5.0 (X11) HeadlessChrome/131.0"), "scanner"),
        (
            hit("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"),
            "scanner",
        ),
        (hit(**{"sec-purpose": "prefetch;prerender"}), "prefetch"),
        (hit(**{"x-purpose": "preview"}), "prefetch"),
    ],
)
def test_a_machine_is_named_with_its_reason(found, why):
    assert reason(found) == why


def test_nobody_clicks_within_seconds_of_sending():
    at_once = Hit("clicked", "GET", {"user-agent": FIREFOX}, timedelta(seconds=4))
    assert reason(at_once) == "too soon after sending"
    assert reason(at_once, at_once=timedelta(seconds=1)) is None
    assert reason(Hit("clicked", "GET", {"user-agent": FIREFOX})) is None
