"""config/senders.yaml: who writes, through which accounts, how fast."""

from datetime import UTC, datetime, timedelta

import pytest

from nurture.domain.allowance import Allowance, WarmUp
from nurture.playbook.compiler import check, compile_playbook
from nurture.ports import Dkim, MailAccount
from tests.support.small import SENDERS, SMALL

FULL = """\
default: us
accounts:
  post: {provider: postmark, stream: broadcast}
  relay: {provider: smtp, connections: 8, per_domain: 2}
  amazon: {provider: ses, region: eu-west-1}
senders:
  us:
    name: X
    address: x@x.example
    through: [post, relay, smtp]
    rate: 600 per minute
    a_day: 5000
    warm_up: {since: "2026-11-01", first: 50, doubles_every: 3 days, until: 20000}
    return_path: bounces+{mail}@x.example
    dkim: {domain: x.example, selector: s1}
"""


def test_a_sender_says_how_its_mails_are_sent() -> None:
    book = compile_playbook({**SMALL, SENDERS: FULL})
    sender = book.senders["us"]
    since = datetime(2026, 11, 1, tzinfo=UTC)
    assert sender.rate == 10
    assert sender.allowance == Allowance(5000, WarmUp(since, 50, timedelta(days=3), 20_000))
    assert sender.return_path == "bounces+{mail}@x.example"
    assert sender.dkim == Dkim("x.example", "s1")
    assert book.accounts_of("us") == (
        MailAccount("post", "postmark", stream="broadcast"),
        MailAccount("relay", "smtp", connections=8, per_domain=2),
        MailAccount("smtp", "smtp"),
    )


def test_without_accounts_mails_go_to_the_mail_server_of_the_settings() -> None:
    assert [each.id for each in compile_playbook(SMALL).accounts_of("us")] == ["smtp"]


@pytest.mark.parametrize(
    ("before", "after", "finding"),
    [
        (
            "provider: postmark",
            "provider: postmrak",
            '3:20: "provider" cannot be "postmrak"; did you mean "postmark"?',
        ),
        ("[post, ", "[pots, ", '10:15: unknown account "pots"; did you mean "post"?'),
        (
            "smtp, connections: 8",
            "smtp, region: eu",
            '4:10: an account at smtp has no "region"; leave it out',
        ),
        (", region: eu-west-1", "", '5:11: an account at ses needs a "region"; such as eu-west-1'),
        (
            "600 per minute",
            "600 a minute",
            '11:11: "600 a minute" is not a rate; such as "10 per second" or "500 per hour"',
        ),
        ("a_day: 5000", "a_day: 0", '12:12: "a_day" should be at least 1'),
        (
            "bounces+{mail}@x.example",
            "bounces@{mail}.example",
            '14:18: "bounces@{mail}.example" cannot receive mail; '
            'such as "bounces+{mail}@x-education.example"',
        ),
        (
            "domain: x.example",
            "domain: x",
            '15:20: "x" is not a domain; such as "x-education.example"',
        ),
        ("first: 50, ", "", '13:5: the key "first" is missing'),
    ],
)
def test_a_mistake_is_told_at_its_place(before: str, after: str, finding: str) -> None:
    assert before in FULL
    found = [str(each) for each in check({**SMALL, SENDERS: FULL.replace(before, after)})]
    assert found == [f"{SENDERS}:{finding}"]
