"""The playbook names accounts, the settings open them."""

from dataclasses import replace
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from nurture.delivery.email.postmark import PostmarkMailer
from nurture.delivery.email.smtp import SmtpMailer
from nurture.domain.errors import StartError, Transient
from nurture.mail import mail_accounts
from nurture.mail.mail_accounts import MailAccounts
from nurture.playbook import Playbook
from nurture.ports import SMTP_ACCOUNT, Dkim, MailAccount
from nurture.settings import Settings
from tests.support.esp import brevo, mailgun, postmark, resend, sendgrid, ses
from tests.support.mail import HOST, Post, mail
from tests.support.playbook import PLAYBOOK, playbook

POSTMARK, RELAY = MailAccount("post", "postmark"), MailAccount("relay", "smtp")


def _book(*through: str, dkim: Dkim | None = None) -> Playbook:
    sender = replace(PLAYBOOK.senders["courses"], through=through, dkim=dkim)
    return playbook(senders={"courses": sender}, accounts={"post": POSTMARK, "relay": RELAY})


def _accounts(http: httpx.AsyncClient, keys: str = "", **settings: Any) -> MailAccounts:
    return MailAccounts(Settings(mail_keys=SecretStr(keys), **settings), http)


async def test_all_that_is_missing_is_told() -> None:
    settings = Settings()
    async with httpx.AsyncClient() as http:
        accounts = MailAccounts(settings, http)
        book = _book("post", "relay", dkim=Dkim("courses.example", "s1"))
        told = mail_accounts.lacking(book, accounts, settings)
    assert told == [
        "NURTURE_MAIL_KEYS: no key for the account post, such as post=…",
        "NURTURE_MAIL_URLS: no address of the mail server relay, such as "
        "relay=smtp+starttls://user@mail.example:587",
        "NURTURE_DKIM_KEY: no key to sign the mails of courses with",
    ]


async def test_an_address_of_another_kind_is_told_and_holds_the_mail() -> None:
    async with httpx.AsyncClient() as http:
        accounts = _accounts(
            http, "post=key", mail_urls="post=smtp://x.example relay=https://x.example"
        )
        assert accounts.problem(POSTMARK) == (
            "NURTURE_MAIL_URLS: no address of the account post, such as post=https://mail.example"
        )
        with pytest.raises(Transient, match="account_closed"):
            accounts.of(POSTMARK)
        assert "no address of the mail server relay" in accounts.problem(RELAY)


async def test_an_account_that_no_sender_uses_needs_no_key() -> None:
    settings = Settings()
    async with httpx.AsyncClient() as http:
        assert mail_accounts.lacking(_book("smtp"), MailAccounts(settings, http), settings) == []


async def test_a_key_that_comes_to_be_missing_holds_the_mail_until_an_operator_gives_it() -> None:
    async with httpx.AsyncClient() as http:
        with pytest.raises(Transient, match="no key for the account post"):
            _accounts(http).of(POSTMARK)


async def test_an_account_is_opened_once() -> None:
    async with httpx.AsyncClient() as http:
        accounts = _accounts(http, "post=key")
        assert isinstance(accounts.of(POSTMARK), PostmarkMailer)
        assert accounts.of(POSTMARK) is accounts.of(POSTMARK)


@pytest.mark.parametrize(
    ("provider", "account"),
    [
        (postmark.Postmark(), {"provider": "postmark"}),
        (sendgrid.SendGrid(), {"provider": "sendgrid"}),
        (mailgun.Mailgun(), {"provider": "mailgun", "domain": mailgun.DOMAIN}),
        (ses.Ses(), {"provider": "ses", "region": "eu-west-1"}),
        (resend.Resend(), {"provider": "resend"}),
        (brevo.Brevo(), {"provider": "brevo"}),
    ],
    ids=lambda each: each["provider"] if isinstance(each, dict) else "",
)
async def test_every_provider_takes_a_mail_as_the_settings_open_it(
    provider: Any, account: dict[str, str]
) -> None:
    key = {each.__name__: each.KEY for each in (brevo, mailgun, postmark, resend, sendgrid, ses)}
    secret = key[type(provider).__module__]
    async with provider, httpx.AsyncClient() as http:
        accounts = _accounts(http, f"it={secret}", mail_urls=f"it={provider.url}")
        await accounts.of(MailAccount("it", **account)).send(mail())
    assert [taken.to for taken in provider.taken] == ["anna@firma.example"]


async def test_a_second_mail_server_has_an_address_of_its_own() -> None:
    async with Post() as post, httpx.AsyncClient() as http:
        accounts = _accounts(http, mail_urls=f"relay=smtp://{HOST}:{post.port}")
        await accounts.of(RELAY).send(mail())
        await accounts.close()
    assert len(post.received) == 1


async def test_in_a_trial_every_mail_goes_to_the_one_server() -> None:
    async with Post() as post, httpx.AsyncClient() as http:
        accounts = _accounts(http, mail_trial=True, smtp_port=post.port)
        await accounts.of(POSTMARK).send(mail())
        assert isinstance(accounts.of(POSTMARK), SmtpMailer)
        assert accounts.of(POSTMARK) is accounts.of(SMTP_ACCOUNT)
        await accounts.close()
    assert len(post.received) == 1


def test_a_line_that_is_no_pair_is_named_without_what_it_says() -> None:
    with pytest.raises(StartError) as raised:
        mail_accounts.pairs("post=key secretwithoutaname", "MAIL_KEYS")
    assert str(raised.value) == "NURTURE_MAIL_KEYS: item 2 is not account=value"


NO_ADDRESS = "NURTURE_MAIL_URLS: what relay has is no address such as smtp+starttls://user@mail.example:587 or https://api.example"
NO_KEY = (
    "NURTURE_DKIM_KEY is no private RSA key in PEM without a password;"
    " give the key's file as it is by NURTURE_DKIM_KEY_FILE"
)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"mail_urls": "relay=mail.example:587"}, NO_ADDRESS),
        ({"mail_urls": "relay=smtp://mail.example:99999"}, NO_ADDRESS),
        ({"mail_urls": "relay=imap://hunter2@mail.example"}, NO_ADDRESS),
        (
            {"keys": "post=hunter2…"},
            "NURTURE_MAIL_KEYS: the key for post holds characters that no token has; copy it anew",
        ),
        ({"dkim_key": SecretStr("hunter2")}, NO_KEY),
        ({"dkim_key": SecretStr("--BEGIN--\nabc\n--END--")}, NO_KEY),
    ],
)
async def test_what_could_never_send_is_named_before_anything_begins(
    given: dict[str, Any], told: str
) -> None:
    async with httpx.AsyncClient() as http:
        with pytest.raises(StartError) as refused:
            _accounts(http, **given)
    assert str(refused.value) == told


async def test_the_password_of_a_mail_server_may_have_any_letters() -> None:
    async with httpx.AsyncClient() as http:
        accounts = _accounts(http, "relay=pæssord", mail_urls="relay=smtps://mail.example")
        assert accounts.problem(RELAY) == ""
