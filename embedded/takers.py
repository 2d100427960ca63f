"""Ends that take whatever they are given at once and keep nothing: for a rehearsal, where only we are of interest."""

from collections.abc import Sequence
from datetime import timedelta

from nurture.ports import Applied, Identifiers, Mail, MailAccount, Notice, Person


class TakesMail:
    known_for = timedelta(0)

    def of(self, account: MailAccount) -> "TakesMail":
        return self

    def problem(self, account: MailAccount) -> str:
        return ""

    async def send(self, mail: Mail) -> str:
        return mail.id


class TakesNotices:
    async def deliver(self, notice: Notice) -> None:
        return


class TakesPeople:
    batch_size = 1000
    removal_size = 1000
    spacing = timedelta(0)

    def identifiers(self, person: Person) -> Identifiers:
        return Identifiers()

    async def add(self, audience: str, people: Sequence[Person]) -> Applied:
        return Applied()

    async def remove(self, audience: str, people: Sequence[Person]) -> Applied:
        return Applied()
