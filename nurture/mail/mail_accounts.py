"""Where mails are handed in: the playbook names the accounts, the operator has their keys and addresses."""

from collections.abc import Callable, Mapping
from typing import Protocol
from urllib.parse import unquote, urlsplit

import httpx

from nurture.delivery.email import brevo, mailgun, postmark, resend, sendgrid, ses, signing
from nurture.delivery.email.smtp import SmtpMailer
from nurture.delivery.exchange import UNTIL_REPAIRED
from nurture.domain.errors import StartError, Transient
from nurture.playbook import Playbook
from nurture.ports import SMTP_ACCOUNT, MailAccount, Mailer, Mailers
from nurture.settings import PREFIX, Settings, as_token, leads_somewhere

_TLS = {"smtp": "none", "smtp+starttls": "starttls", "smtps": "tls"}


class Accounts(Mailers, Protocol):
    def problem(self, account: MailAccount) -> str:
        """What is missing to open it, and what would be right; empty when nothing is."""
        ...


class MailAccounts:
    """Implements ports.Mailers. In a trial every mail goes to the mail server of the settings.

    Raises StartError for a key or an address that cannot be."""

    def __init__(self, settings: Settings, http: httpx.AsyncClient) -> None:
        self._settings = settings
        self._http = http
        self._keys = pairs(settings.mail_keys.get_secret_value(), "MAIL_KEYS")
        self._urls = pairs(settings.mail_urls, "MAIL_URLS")
        self._check()
        self._open: dict[MailAccount, Mailer] = {}

    def _check(self) -> None:
        """What could never send is told before anything begins, without what it says."""
        for account, url in self._urls.items():
            if not leads_somewhere(url, {*_TLS, "http", "https"}):
                raise StartError(
                    f"{PREFIX}MAIL_URLS: what {account} has is no address such as"
                    " smtp+starttls://user@mail.example:587 or https://api.example"
                )
        for account, key in self._keys.items():
            # the password of a mail server has any letters
            if urlsplit(self._urls.get(account, "")).scheme not in _TLS:
                as_token(f"{PREFIX}MAIL_KEYS: the key for {account}", key)
        if key := self._settings.dkim_key.get_secret_value():
            signing.require(key.encode())

    def of(self, account: MailAccount) -> Mailer:
        """The account's mailer, made when it is first needed. Raises Transient when the settings do not open it."""
        if self._settings.mail_trial:
            account = SMTP_ACCOUNT
        if account not in self._open:
            if problem := self.problem(account):
                raise Transient("account_closed", problem, UNTIL_REPAIRED)
            self._open[account] = self._made(account)
        return self._open[account]

    def problem(self, account: MailAccount) -> str:
        """What is missing to open it, and what would be right."""
        if self._settings.mail_trial:
            return ""
        if account.provider == "smtp":
            if account.id == SMTP_ACCOUNT.id:
                return ""
            if leads_somewhere(self._urls.get(account.id, ""), _TLS):
                return ""
            example = f"{account.id}=smtp+starttls://user@mail.example:587"
            return (
                f"{PREFIX}MAIL_URLS: no address of the mail server {account.id}, such as {example}"
            )
        key = self._keys.get(account.id, "")
        if not key:
            return f"{PREFIX}MAIL_KEYS: no key for the account {account.id}, such as {account.id}=…"
        if not leads_somewhere(self._urls.get(account.id, "https://its.own"), ("http", "https")):
            return f"{PREFIX}MAIL_URLS: no address of the account {account.id}, such as {account.id}=https://mail.example"
        if account.provider == "ses" and ":" not in key:
            return f"{PREFIX}MAIL_KEYS: the key for {account.id} is the key id and its secret, joined by a colon"
        return ""

    async def close(self) -> None:
        for mailer in self._open.values():
            if isinstance(mailer, SmtpMailer):
                await mailer.close()

    def _made(self, account: MailAccount) -> Mailer:
        if account.provider == "smtp":
            return self._smtp(account)
        key, url = self._keys[account.id], self._urls.get(account.id, "").rstrip("/")
        http = self._http
        makers: Mapping[str, Callable[[], Mailer]] = {
            "postmark": lambda: postmark.PostmarkMailer(
                http, key, account.stream, url or postmark.URL
            ),
            "sendgrid": lambda: sendgrid.SendGridMailer(http, key, url or sendgrid.URL),
            "mailgun": lambda: mailgun.MailgunMailer(
                http, key, account.domain, url or mailgun.URLS[account.region or "us"]
            ),
            "ses": lambda: ses.SesMailer(http, key, account.region, account.stream, url),
            "resend": lambda: resend.ResendMailer(http, key, url or resend.URL),
            "brevo": lambda: brevo.BrevoMailer(http, key, url or brevo.URL),
        }
        return makers[account.provider]()

    def _smtp(self, account: MailAccount) -> SmtpMailer:
        host, port, user, password, tls = self._server(account)
        return SmtpMailer(
            host,
            port,
            user,
            password,
            tls,
            dkim_key=self._settings.dkim_key.get_secret_value().encode(),
            connections=account.connections,
            per_domain=account.per_domain,
        )

    def _server(self, account: MailAccount) -> tuple[str, int, str, str, str]:
        """Host, port, user, password and how it is encrypted."""
        if account.id == SMTP_ACCOUNT.id:
            its = self._settings
            password = its.smtp_password.get_secret_value()
            return its.smtp_host, its.smtp_port, its.smtp_user, password, its.smtp_tls
        url = urlsplit(self._urls[account.id])
        host, port, user = url.hostname or "", url.port or 587, unquote(url.username or "")
        return host, port, user, self._keys.get(account.id, ""), _TLS[url.scheme]


def lacking(playbook: Playbook, accounts: Accounts, settings: Settings) -> list[str]:
    """A sentence for each account and key that the playbook's senders need and the settings lack."""
    used = {each.id: each for name in playbook.senders for each in playbook.accounts_of(name)}
    problems = [problem for each in used.values() if (problem := accounts.problem(each))]
    signs = [name for name, sender in playbook.senders.items() if sender.dkim]
    if signs and not settings.dkim_key.get_secret_value() and not settings.mail_trial:
        problems.append(f"{PREFIX}DKIM_KEY: no key to sign the mails of {', '.join(signs)} with")
    return problems


def pairs(text: str, name: str) -> dict[str, str]:
    """`post=key1 relay=key2`, separated by blanks or line ends. Raises StartError, which tells no value."""
    found = {}
    for number, item in enumerate(text.split(), 1):
        account, equals, value = item.partition("=")
        if not (account and equals and value):
            raise StartError(f"{PREFIX}{name}: item {number} is not account=value")
        found[account] = value
    return found
