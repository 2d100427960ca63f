"""The addresses of nurture's own pages, as they stand in mails and in tasks for sales."""

from nurture.delivery.feedback import leaving
from nurture.tokens import CLICK, CONFIRM, HANDOVER, OPEN, UNSUBSCRIBE, Tokens


class Links:
    """Builds signed links under `base_url`. They carry surrogate ids; no personal data.

    `leave_by_mail` is an address whose mails we read; empty when there is none.
    """

    def __init__(self, base_url: str, tokens: Tokens, leave_by_mail: str = "") -> None:
        self._base = base_url.rstrip("/")
        self._tokens = tokens
        self._leave_by_mail = leave_by_mail

    def open_url(self, message_id: str) -> str:
        """The picture whose loading says that a mail was opened."""
        return f"{self._base}/o/{self._tokens.sign(OPEN, [message_id])}"

    def click_url(self, message_id: str, url: str) -> str:
        """Leads to `url`, which is signed into it: nobody can make it lead elsewhere."""
        return f"{self._base}/c/{self._tokens.sign(CLICK, [message_id, url])}"

    def unsubscribe_url(self, lead_id: str, message_id: str) -> str:
        """Identifies lead and mail by itself: a one-click request carries nothing else."""
        return f"{self._base}/u/{self._tokens.sign(UNSUBSCRIBE, [lead_id, message_id])}"

    def ways_to_leave(self, url: str) -> str:
        """The value of List-Unsubscribe: the link, which comes first, and the same by mail where somebody reads it."""
        if not self._leave_by_mail:
            return f"<{url}>"
        by_mail = leaving.mailto(self._leave_by_mail, url.rpartition("/")[2])
        return f"<{url}>, <{by_mail}>"

    def confirm_url(self, lead_id: str, message_id: str) -> str:
        """The page on which the lead confirms a consent that a form gave in its name."""
        return f"{self._base}/y/{self._tokens.sign(CONFIRM, [lead_id, message_id])}"

    def handover_url(self, handover_id: str) -> str:
        """The page on which sales answers."""
        return f"{self._base}/h/{self._tokens.sign(HANDOVER, [handover_id])}"

    def is_ours(self, url: str) -> bool:
        """True for the links above, which are never counted as clicks on content."""
        return url.startswith(tuple(f"{self._base}/{page}/" for page in "ocuhy"))
