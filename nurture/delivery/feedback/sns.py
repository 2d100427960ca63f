"""Amazon SNS: is a message genuine, and confirming a subscription without being led anywhere else.

The message names the certificate that signed it and the address to confirm at. Both are in the hands of
whoever writes to us, so only SNS's own hosts are ever called, over TLS, without following redirects.
"""

import base64
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256

from nurture.delivery.exchange import whole
from nurture.delivery.feedback import reading
from nurture.delivery.feedback.reading import Forged
from nurture.domain.errors import StartError, Transient

_HOST = re.compile(r"sns\.([a-z0-9-]{1,32})\.amazonaws\.com(\.cn)?")
_TOPIC = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d+:[\w-]+(\.fifo)?", re.ASCII)
_CERTIFICATE = re.compile(r"/SimpleNotificationService-[0-9a-zA-Z]{1,64}\.pem")
_SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
}
_SIGNED_OTHERS = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
_HASHES = {"1": SHA1, "2": SHA256}
_WITHIN = 20.0
"""Seconds for an answer of SNS."""

GOOD_FOR = timedelta(minutes=70)
"""A message keeps the time of its publication, and SNS repeats it over HTTP for an hour at most, plus its time-outs:
https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html"""


class Sns:
    """Takes messages of `topics` (ARNs) only: anybody may have SNS sign something of their own topic. Raises StartError
    for what is none."""

    def __init__(self, http: httpx.AsyncClient, topics: Sequence[str]) -> None:
        for topic in topics:
            if not _TOPIC.fullmatch(topic):
                raise StartError(
                    f"NURTURE_SES_TOPICS: {topic!r} is no ARN such as arn:aws:sns:eu-west-1:123456789012:mails;"
                    " separate several by blanks"
                )
        self._http = http
        self._topics = frozenset(topics)
        self._certificates: dict[str, x509.Certificate] = {}

    async def verify(self, envelope: Mapping[str, Any], now: datetime) -> None:
        """Raises Forged unless SNS signed exactly this, and Transient when it cannot be asked."""
        topic = envelope.get("TopicArn")
        if topic not in self._topics:
            raise Forged("no topic of ours")
        reading.require_fresh(str(envelope.get("Timestamp")), now, GOOD_FOR)
        hash_ = _HASHES.get(str(envelope.get("SignatureVersion")))
        if hash_ is None:
            raise Forged("no signature version that is known")
        try:
            signature = base64.b64decode(str(envelope.get("Signature", "")), validate=True)
        except ValueError as error:
            raise Forged("the signature is not base64") from error
        key = (
            await self._certificate(str(envelope.get("SigningCertURL")), str(topic), now)
        ).public_key()
        if not isinstance(key, RSAPublicKey):
            raise Forged("the certificate has no RSA key")
        try:
            key.verify(signature, _signed(envelope), PKCS1v15(), hash_())
        except InvalidSignature as error:
            raise Forged("the signature does not match") from error

    async def confirm(self, envelope: Mapping[str, Any]) -> None:
        """Say yes to a verified subscription, at SNS itself."""
        url = str(envelope.get("SubscribeURL"))
        _require_sns(url, str(envelope.get("TopicArn")))
        await self._get(url)

    async def _certificate(self, url: str, topic: str, now: datetime) -> x509.Certificate:
        _require_sns(url, topic)
        if not _CERTIFICATE.fullmatch(urlsplit(url).path):
            raise Forged("no certificate of SNS")
        if url not in self._certificates:
            try:
                found = x509.load_pem_x509_certificate(await self._get(url))
            except ValueError as error:
                raise Forged("the certificate cannot be read") from error
            self._certificates = {url: found}
        certificate = self._certificates[url]
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            raise Forged("the certificate is not valid now")
        return certificate

    async def _get(self, url: str) -> bytes:
        try:
            answer = await whole(self._http, self._http.build_request("GET", url), _WITHIN)
        except (TimeoutError, httpx.HTTPError) as error:
            raise Transient("no_connection", "SNS does not answer") from error
        if answer.status_code >= 500:
            raise Transient(f"http_{answer.status_code}", "SNS cannot answer now")
        if answer.status_code != 200:
            raise Forged(f"SNS answered {answer.status_code}")
        return answer.content


def _require_sns(url: str, topic: str) -> None:
    """https, no port, no user, and the host of SNS in the topic's own region."""
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise Forged("leads nowhere") from error
    host = _HOST.fullmatch(parts.netloc)
    if parts.scheme != "https" or host is None:
        raise Forged("leads to another host than SNS")
    region = topic.split(":")[3] if topic.count(":") >= 5 else ""
    if host[1] != region:
        raise Forged("leads to another region than the topic's")


def _signed(envelope: Mapping[str, Any]) -> bytes:
    """Names and values, each on a line; a subject only when there is one."""
    names = _SIGNED.get(str(envelope.get("Type")), _SIGNED_OTHERS)
    lines = [f"{name}\n{envelope[name]}\n" for name in names if envelope.get(name) is not None]
    return "".join(lines).encode(errors="replace")
