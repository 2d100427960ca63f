"""The same promises for every provider, each against a strict stand-in of its wire."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest

from nurture.delivery import outward
from nurture.delivery.email.brevo import BrevoMailer
from nurture.delivery.email.http import WITHIN
from nurture.delivery.email.http import post as post_to_provider
from nurture.delivery.email.mailgun import MailgunMailer
from nurture.delivery.email.postmark import PostmarkMailer
from nurture.delivery.email.resend import ResendMailer
from nurture.delivery.email.sendgrid import SendGridMailer
from nurture.delivery.email.ses import SesMailer
from nurture.domain.errors import AddressRefused, DeliveryError, Permanent, Transient, Unknown
from nurture.ports import Mail, Mailer
from nurture.settings import networks
from tests.support.esp import brevo, mailgun, postmark, resend, sendgrid, ses
from tests.support.esp.wire import DROP, Answer, Provider, Taken
from tests.support.mail import mail

Open = Callable[[httpx.AsyncClient, str, str], Mailer]


@dataclass(frozen=True)
class Kind:
    make: Callable[[], Provider]
    open: Open
    key: str


KINDS = {
    "postmark": Kind(
        postmark.Postmark,
        lambda http, key, url: PostmarkMailer(http, key, "broadcast", url),
        postmark.KEY,
    ),
    "sendgrid": Kind(sendgrid.SendGrid, SendGridMailer, sendgrid.KEY),
    "mailgun": Kind(
        mailgun.Mailgun,
        lambda http, key, url: MailgunMailer(http, key, mailgun.DOMAIN, url),
        mailgun.KEY,
    ),
    "ses": Kind(
        ses.Ses, lambda http, key, url: SesMailer(http, key, "eu-west-1", "events", url), ses.KEY
    ),
    "resend": Kind(resend.Resend, ResendMailer, resend.KEY),
    "brevo": Kind(brevo.Brevo, BrevoMailer, brevo.KEY),
}
KNOWS_ITS_MAILS = ("resend", "brevo")
LEAVE = "https://t.x-education.example/u/" + "x" * 160
HEADERS = {
    "List-Unsubscribe": f"<{LEAVE}>, <mailto:hello@x-education.example?subject=unsubscribe>",
    "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    "List-ID": "<welcome.x-education.example>",
    "Auto-Submitted": "auto-generated",
    "Feedback-ID": "welcome:hello:nurture:courses",
}


class Post:
    """One provider, and the way to it."""

    def __init__(self, kind: Kind, provider: Provider, http: httpx.AsyncClient) -> None:
        self.kind, self.provider, self.http = kind, provider, http

    async def send(self, key: str = "", **changes: Any) -> str:
        mailer = self.kind.open(self.http, key or self.kind.key, self.provider.url)
        return await mailer.send(_mail(**changes))

    async def failure(self, key: str = "", **changes: Any) -> DeliveryError:
        with pytest.raises(DeliveryError) as raised:
            await self.send(key, **changes)
        return raised.value

    @property
    def taken(self) -> Taken:
        (only,) = self.provider.taken
        return only


def _mail(**changes: Any) -> Mail:
    return mail(**{"headers": HEADERS, **changes})


@pytest.fixture(params=KINDS)
async def post(request: pytest.FixtureRequest) -> AsyncIterator[Post]:
    kind = KINDS[request.param]
    loopback = networks("NURTURE_PRIVATE_NETWORKS", "127.0.0.0/8")
    guarded = httpx.AsyncClient(transport=outward.transport(loopback))
    async with kind.make() as provider, guarded as http:
        yield Post(kind, provider, http)


async def test_a_mail_is_taken_as_it_was_written(post: Post) -> None:
    told = await post.send()
    assert told
    assert post.taken.to == "anna@firma.example"
    assert post.taken.sender == "Søren Ærø <courses@x-education.example>"
    assert post.taken.subject == "Goddag på den anden side"
    assert post.taken.html.strip() == "<p>Smørrebrød</p>"
    assert post.taken.text.strip() == "Smørrebrød"


async def test_the_ways_to_leave_arrive_unfolded_and_unencoded(post: Post) -> None:
    await post.send()
    assert {name: post.taken.headers[name] for name in HEADERS} == HEADERS


async def test_our_id_goes_along_so_that_what_becomes_of_the_mail_can_be_told(post: Post) -> None:
    await post.send()
    assert post.taken.key == mail().id


async def test_a_name_with_a_comma_is_one_sender(post: Post) -> None:
    await post.send(sender_name="X Education, Aarhus")
    assert "courses@x-education.example" in post.taken.sender


async def test_a_wrong_key_is_tried_again_later_since_an_operator_can_repair_it(post: Post) -> None:
    error = await post.failure(key="AKIDEXAMPLE:wrong")
    assert isinstance(error, Transient)
    assert error.retry_after is not None
    assert "wrong" not in str(error)


@pytest.mark.parametrize("slip", ["…", "\0"])
async def test_a_key_that_no_request_can_hold_loses_no_mail(post: Post, slip: str) -> None:
    assert isinstance(await post.failure(key=f"AKIDEXAMPLE{slip}:wrong"), Transient)


async def test_a_limit_names_the_time_of_the_next_try(post: Post) -> None:
    post.provider.faults = [Answer(429, {"message": "slow down"}, {"Retry-After": "17"})]
    error = await post.failure()
    assert isinstance(error, Transient)
    assert error.retry_after == timedelta(seconds=17)


async def test_a_provider_that_says_it_is_down_did_not_take_the_mail(post: Post) -> None:
    post.provider.faults = [Answer(503, {"message": "maintenance"})]
    assert isinstance(await post.failure(), Transient)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "http://api..example"])
async def test_nobody_listening_is_worth_another_try(url: str, post: Post) -> None:
    post.provider.url = url
    assert isinstance(await post.failure(), Transient)


@pytest.mark.parametrize("fault", [DROP, Answer(500, {}), Answer(502, {}), Answer(302, {})])
async def test_without_a_clear_answer_nobody_knows_whether_it_was_taken(
    post: Post, fault: Answer | str
) -> None:
    post.provider.faults = [fault]
    error = await post.failure()
    assert isinstance(error, Unknown)
    assert error.repeatable == (post.kind in [KINDS[name] for name in KNOWS_ITS_MAILS])


async def test_an_address_that_takes_no_mail_is_the_recipients_matter(post: Post) -> None:
    if post.kind is KINDS["ses"]:
        pytest.skip("tells it only by its events")
    error = await post.failure(to="bad@firma.example")
    assert isinstance(error, AddressRefused)
    assert "bad@" not in str(error)


async def test_any_other_refusal_is_final_and_nobody_elses_fault(post: Post) -> None:
    assert type(await post.failure(to="large@firma.example")) is Permanent


async def test_a_header_with_a_line_break_never_leaves_the_house(post: Post) -> None:
    error = await post.failure(headers={"List-ID": "<a>\r\nBcc: all@firma.example"})
    assert type(error) is Permanent
    assert post.provider.requests == []


@pytest.mark.parametrize("name", KNOWS_ITS_MAILS)
@pytest.mark.parametrize("changes", [{}, {"text": "signed a second later\n"}])
async def test_a_mail_handed_over_twice_goes_out_once(name: str, changes: dict[str, str]) -> None:
    kind = KINDS[name]
    async with kind.make() as provider, httpx.AsyncClient() as http:
        post = Post(kind, provider, http)
        await post.send()
        await post.send(**changes)
        assert len(provider.taken) == 1
        assert kind.open(http, kind.key, provider.url).known_for > timedelta()


async def test_a_mail_that_is_under_way_already_is_asked_for_again() -> None:
    kind = KINDS["resend"]
    async with kind.make() as provider, httpx.AsyncClient() as http:
        provider.faults = [Answer(409, {"name": "concurrent_idempotent_requests"})]
        error = await Post(kind, provider, http).failure()
    assert isinstance(error, Unknown)
    assert error.repeatable


async def test_an_inactive_recipient_of_postmark_gets_no_more_mail() -> None:
    kind = KINDS["postmark"]
    async with kind.make() as provider, httpx.AsyncClient() as http:
        error = await Post(kind, provider, http).failure(to="inactive@firma.example")
    assert isinstance(error, AddressRefused)


async def test_a_spent_quota_is_not_the_mails_fault() -> None:
    kind = KINDS["resend"]
    async with kind.make() as provider, httpx.AsyncClient() as http:
        provider.faults = [Answer(429, {"name": "daily_quota_exceeded"})]
        assert isinstance(await Post(kind, provider, http).failure(), Transient)


async def test_a_paused_account_of_amazon_is_for_an_operator() -> None:
    kind = KINDS["ses"]
    headers = {"x-amzn-ErrorType": "SendingPausedException:"}
    async with kind.make() as provider, httpx.AsyncClient() as http:
        provider.faults = [Answer(400, {"message": "paused"}, headers)]
        error = await Post(kind, provider, http).failure()
    assert isinstance(error, Transient)
    assert error.reason == "account_refused"


async def test_amazons_answers_come_to_the_address_for_returned_mail() -> None:
    kind = KINDS["ses"]
    async with kind.make() as provider, httpx.AsyncClient() as http:
        await Post(kind, provider, http).send(return_path="bounces+{mail}@x-education.example")
    told = provider.requests[0].json["FeedbackForwardingEmailAddress"]
    assert told == f"bounces+{mail().id}@x-education.example"


async def test_what_waits_for_a_connection_gives_up_before_the_mail_may_have_gone_out() -> None:
    """A place in the pool, a connection and its TLS, and so far nothing was sent, and it is tried again."""
    asked: list[httpx.Request] = []

    def takes(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={})

    async with httpx.AsyncClient(transport=httpx.MockTransport(takes)) as client:
        await post_to_provider(client, "https://provider.example/", {}, json={})
    [request] = asked
    within = request.extensions["timeout"]
    assert within["pool"] + 2 * within["connect"] < WITHIN
