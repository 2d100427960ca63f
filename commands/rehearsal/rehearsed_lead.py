"""What the lead of a scenario does, and what sales answers, by way of the product's own doors."""

from contextlib import suppress
from datetime import datetime
from typing import Any

from nurture.domain.consent import ConsentRecord
from nurture.domain.errors import InputError
from nurture.domain.sla import BOOKING, State
from nurture.handovers.answers import follows
from nurture.incoming import Answer, Incoming
from nurture.playbook.scenario_schema import Act
from nurture.simulation.cohort import ARRIVES_BY
from nurture.simulation.people import Person
from nurture.simulation.sales import MEETING
from nurture.simulation.scenarios import no_answer, no_mail
from nurture.store import enrolments, handovers, messages
from nurture.store.tables import IdentityRow, LeadRow
from services import Services

_OF_MAILS = ("opened", "clicked")
_SOURCE = "rehearsal"


class Actor:
    """One lead, from its first touch on."""

    def __init__(self, services: Services, who: Person) -> None:
        self._services = services
        self._who = who
        self._number = 0

    async def arrive(self, now: datetime, flow: str | None) -> None:
        """It becomes known by a form, as what the scenario says of it; into `flow` at least by hand."""
        await self._invent(now)
        who = self._who
        given = tuple(ConsentRecord(name, True, now, "form") for name in sorted(who.consents))
        said = {"email": who.lead.email, "traits": who.lead.traits, "consents": given}
        await self._tell(now, touch=ARRIVES_BY, **said)
        async with self._services.db.read() as session:
            runs = await enrolments.of_lead(session, who.lead.id)
        if flow and not any(run.flow == flow for run in runs):
            with suppress(InputError):  # that it may not enter shows in the outcome
                await self._services.enrolling.by_hand(who.lead.id, flow, _SOURCE, now)

    async def act(self, act: Act, now: datetime) -> None:
        """Raises CannotBe for what nobody could do now."""
        if act.touch:
            await self._touch(act, act.touch, now)
        elif act.says:
            await self._tell(now, traits=act.says)
        elif act.unsubscribes:
            lead, intake = self._who.lead.id, self._services.intake
            await intake.withdraw(lead, act.unsubscribes, "unsubscribe", now)
        elif act.sales:
            await self._answer(act, State(act.sales), now)

    async def _invent(self, now: datetime) -> None:
        """What the scenario says of the lead and no touch could."""
        who, lead = self._who, self._who.lead
        row = LeadRow(
            id=lead.id,
            stage=lead.stage,
            tags=sorted(lead.tags),
            cases=sorted(who.open_cases),
            suppressed=who.suppressed,
            created_at=now,
        )
        async with self._services.db.write() as session:
            session.add(row)
            await session.flush()
            session.add(IdentityRow(kind="user", value=lead.id, lead_id=lead.id))

    async def _tell(self, now: datetime, **said: Any) -> None:
        self._number += 1
        id_ = f"{_SOURCE}-{self._number}"
        message = Incoming(id_, now, user_id=self._who.lead.id, trusted=True, **said)
        await self._services.intake.take(_SOURCE, [message], now)

    async def _touch(self, act: Act, touch: str, now: datetime) -> None:
        if act.of is None:
            return await self._tell(now, touch=touch, properties=act.properties)
        async with self._services.db.read() as session:
            mail = await messages.last_sent(session, self._who.lead.id, act.of)
        if mail is None:
            raise no_mail(act)
        if touch in _OF_MAILS:
            await self._services.intake.hit(mail.id, touch, act.properties, None, now)
        else:
            about = {"flow": mail.flow, "step": mail.step, "template": mail.template}
            await self._tell(now, touch=touch, properties={**act.properties, **about})
        return None

    async def _answer(self, act: Act, state: State, now: datetime) -> None:
        async with self._services.db.read() as session:
            row = await handovers.last(session, self._who.lead.id)
            book = await self._services.shelf.current(session)
        rule = book.handover
        ways = [way for way in rule.terms.contacted if way != BOOKING]
        answer = Answer(
            state,
            now,
            reason=rule.reject_reasons[0] if state is State.REJECTED else None,
            how=ways[0] if state is State.CONTACTED and ways else None,
            amount=book.promise.average_revenue if state is State.WON else None,
            until=now + MEETING if state is State.BOOKED else None,
        )
        if row is None or not follows(row, state):
            raise no_answer(act, row.state if row else "")
        await self._services.desk.answer(row.id, answer)
