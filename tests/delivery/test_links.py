import pytest

from nurture.delivery.links import Links
from nurture.domain.errors import InputError
from nurture.tokens import CLICK, HANDOVER, OPEN, UNSUBSCRIBE
from tests.support.mail import TOKENS

LINKS = Links("https://t.x-education.example/", TOKENS)


def test_each_link_leads_to_its_page_with_a_token_only_that_page_can_read() -> None:
    made = {
        ("o", OPEN): (LINKS.open_url("m1"), ["m1"]),
        ("c", CLICK): (LINKS.click_url("m1", "https://x.example/ø"), ["m1", "https://x.example/ø"]),
        ("u", UNSUBSCRIBE): (LINKS.unsubscribe_url("l1", "m1"), ["l1", "m1"]),
        ("h", HANDOVER): (LINKS.handover_url("h1"), ["h1"]),
    }
    for (page, use), (url, content) in made.items():
        start, _, token = url.rpartition("/")
        assert start == f"https://t.x-education.example/{page}"
        assert TOKENS.read(use, token) == content
        for other in {OPEN, CLICK, UNSUBSCRIBE, HANDOVER} - {use}:
            with pytest.raises(InputError):
                TOKENS.read(other, token)


def test_a_link_to_elsewhere_is_not_taken_for_one_of_ours() -> None:
    assert LINKS.is_ours(LINKS.unsubscribe_url("l1", "m1"))
    assert not LINKS.is_ours("https://t.x-education.example/courses")
    assert not LINKS.is_ours("https://t.x-education.example.bad.example/u/x")


def test_a_way_to_leave_by_mail_is_offered_only_where_somebody_reads_it() -> None:
    url = LINKS.unsubscribe_url("lead-1", "message-1")
    assert LINKS.ways_to_leave(url) == f"<{url}>"
    read = Links("https://t.x-education.example/", TOKENS, "leave+us@x-education.example")
    told = url.rpartition("/")[2]
    by_mail = f"<mailto:leave+us@x-education.example?subject=unsubscribe%20{told}>"
    assert read.ways_to_leave(url) == f"<{url}>, {by_mail}"
