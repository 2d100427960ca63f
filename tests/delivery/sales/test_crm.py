"""The same promises for every CRM, each against a strict fake of its wire."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from nurture.delivery.sales.hubspot import HubSpotDesk
from nurture.delivery.sales.pipedrive import PipedriveDesk
from nurture.delivery.sales.salesforce import SalesforceDesk
from nurture.domain.errors import Permanent, Transient
from nurture.ports import SalesDesk
from tests.support.crm import hubspot, pipedrive, salesforce
from tests.support.crm.wire import Crm
from tests.support.domain import DAY, NOW, lead
from tests.support.sales import SOREN, notice

OWNERS = {"Anna": "7001", "Bo": "7002"}


@dataclass(frozen=True)
class Words:
    """How a CRM calls what every CRM has."""

    subject: str
    owner: str
    notes: str
    finished: tuple[str, Any]
    done: tuple[str, Any]


@dataclass
class Office:
    """A CRM, the desk that fills it, and the tasks and people in it."""

    crm: Crm
    desk: SalesDesk
    tasks: Mapping[Any, dict[str, Any]]
    people: Mapping[Any, dict[str, Any]]
    words: Words

    @property
    def task(self) -> dict[str, Any]:
        (task,) = self.tasks.values()
        return task


def _hubspot(client: Callable[[Crm], httpx.AsyncClient], token: str) -> Office:
    crm = hubspot.HubSpot()
    desk = HubSpotDesk(client(crm), token or hubspot.TOKEN, lambda: NOW, OWNERS)
    over, done = ("hs_task_status", "DEFERRED"), ("hs_task_status", "COMPLETED")
    words = Words("hs_task_subject", "hubspot_owner_id", "hs_task_body", over, done)
    return Office(crm, desk, crm.tasks, crm.contacts, words)


def _pipedrive(client: Callable[[Crm], httpx.AsyncClient], token: str) -> Office:
    crm = pipedrive.Pipedrive()
    url = "https://acme.pipedrive.example"
    desk = PipedriveDesk(client(crm), url, token or pipedrive.TOKEN, lambda: NOW, OWNERS)
    words = Words("subject", "owner_id", "note", ("done", True), ("done", True))
    return Office(crm, desk, crm.activities, crm.persons, words)


def _salesforce(client: Callable[[Crm], httpx.AsyncClient], token: str) -> Office:
    crm = salesforce.Salesforce()
    url = "https://acme.my.salesforce.example"
    desk = SalesforceDesk(client(crm), url, token or salesforce.TOKEN, lambda: NOW, OWNERS)
    over, done = ("Status", "Deferred"), ("Status", "Completed")
    words = Words("Subject", "OwnerId", "Description", over, done)
    return Office(crm, desk, crm.tasks, crm.leads, words)


Open = Callable[..., Office]


@pytest.fixture(params=[_hubspot, _pipedrive, _salesforce])
async def open_(request: pytest.FixtureRequest) -> AsyncIterator[Open]:
    clients: list[httpx.AsyncClient] = []

    def client(crm: Crm) -> httpx.AsyncClient:
        clients.append(httpx.AsyncClient(transport=httpx.MockTransport(crm)))
        return clients[-1]

    yield lambda token="": request.param(client, token)
    for used in clients:
        await used.aclose()


@pytest.fixture
def office(open_: Open) -> Office:
    return open_()


async def test_a_handover_becomes_a_task_of_its_owner(office: Office) -> None:
    await office.desk.deliver(notice())
    assert office.task[office.words.subject] == "Contact Søren Ærø 🚀 (Bæk & Co <A/S>)"
    assert str(office.task[office.words.owner]) == "7001"
    assert "Asked for a demo, last on 3 March (+40)" in office.task[office.words.notes]
    assert len(office.people) == 1


async def test_a_task_told_twice_is_one_task(office: Office) -> None:
    await office.desk.deliver(notice())
    await office.desk.deliver(notice())
    assert len(office.tasks) == 1


async def test_a_task_whose_receipt_was_lost_is_not_created_twice(office: Office) -> None:
    office.crm.lost = 1
    with pytest.raises(Transient, match="timed_out"):
        await office.desk.deliver(notice())
    await office.desk.deliver(notice())
    assert len(office.tasks) == 1


async def test_a_reminder_changes_the_task_and_not_what_sales_made_of_it(office: Office) -> None:
    await office.desk.deliver(notice())
    name, value = office.words.finished
    office.task[name] = value
    await office.desk.deliver(notice("reminder", 2))
    assert office.task[office.words.subject].startswith("Reminder: Contact Søren")
    assert office.task[name] == value


async def test_a_lead_that_gets_another_owner_takes_its_task_along(office: Office) -> None:
    await office.desk.deliver(notice())
    await office.desk.deliver(notice("reassigned", 2, owner="Bo"))
    assert str(office.task[office.words.owner]) == "7002"


async def test_a_lead_that_goes_back_takes_its_task_off_the_list(office: Office) -> None:
    await office.desk.deliver(notice())
    await office.desk.deliver(notice("recycled", 2))
    name, value = office.words.finished
    assert office.task[name] == value


async def test_a_lead_that_bought_has_its_task_done(office: Office) -> None:
    await office.desk.deliver(notice())
    await office.desk.deliver(notice("won", 2))
    name, value = office.words.done
    assert office.task[name] == value
    assert office.task[office.words.subject].startswith("Won by an order: Contact Søren")


async def test_a_lead_that_bought_before_the_crm_had_a_task_gets_none(office: Office) -> None:
    await office.desk.deliver(notice("won", 2))
    assert not office.tasks


MOVED = replace(SOREN, email="soren@nyt-firma.dk")
NOBODY = lead(id=SOREN.id, email=None)
ERASED: dict[str, Any] = {
    "lead": NOBODY,
    "persona": None,
    "reason": "erased on request",
    "touches": [],
    "mails": [],
    "reasons": [],
}


async def test_an_erased_lead_has_its_task_emptied_and_off_the_list(office: Office) -> None:
    await office.desk.deliver(notice(id="b" * 32))
    await office.desk.deliver(notice())
    other, task = office.tasks.values()
    kept = dict(other)
    await office.desk.deliver(notice("erased", 2, **ERASED))
    name, value = office.words.finished
    assert task[name] == value
    assert not [word for word in ("Søren", "soren", "Bæk", "4520123456") if word in str(task)]
    assert (len(office.tasks), len(office.people), other) == (2, 1, kept)


async def test_an_erased_lead_of_whom_the_crm_has_no_task_is_not_brought_in(
    office: Office,
) -> None:
    await office.desk.deliver(notice("erased", 2, **ERASED))
    assert (len(office.tasks), len(office.people)) == (0, 0)


async def test_a_lead_with_another_address_keeps_its_one_task(office: Office) -> None:
    await office.desk.deliver(notice())
    await office.desk.deliver(notice("reminder", 2, lead=MOVED))
    assert office.task[office.words.subject].startswith("Reminder: Contact Søren")
    assert (len(office.tasks), len(office.people)) == (1, 1)


async def test_an_owner_whom_the_crm_does_not_know_is_left_to_its_own_rules(office: Office) -> None:
    await office.desk.deliver(notice(owner="Nobody"))
    assert office.words.owner not in office.task


async def test_two_handovers_of_one_person_are_two_tasks_of_one_person(office: Office) -> None:
    for number in ("a", "b", "c", "d"):
        await office.desk.deliver(notice(id=number * 32))
    await office.desk.deliver(notice("reminder", 2, id="d" * 32))
    assert (len(office.tasks), len(office.people)) == (4, 1)


async def test_a_lead_of_whom_little_is_known_is_handed_over_too(office: Office) -> None:
    await office.desk.deliver(notice(lead=lead(), persona=None, touches=[], mails=[], reasons=[]))
    assert office.task[office.words.subject] == "Contact anna@example.org"


async def test_a_limit_is_waited_for(office: Office) -> None:
    office.crm.faults = [httpx.Response(429, headers={"retry-after": "10"})]
    with pytest.raises(Transient) as failure:
        await office.desk.deliver(notice())
    assert failure.value.retry_after == timedelta(seconds=10)


async def test_a_wrong_token_is_not_tried_again(open_: Open) -> None:
    with pytest.raises(Permanent, match="http_401"):
        await open_("wrong").desk.deliver(notice())


@pytest.mark.parametrize("page", ["<h1>Maintenance</h1>", "[" * 100_000])
async def test_a_page_of_a_proxy_is_not_taken_for_an_answer(office: Office, page: str) -> None:
    office.crm.faults = [httpx.Response(200, html=page)]
    with pytest.raises(Transient, match="not_json"):
        await office.desk.deliver(notice())


async def test_salesforce_says_with_403_that_its_limit_is_reached() -> None:
    crm = salesforce.Salesforce()
    crm.faults = [httpx.Response(403, json=[{"errorCode": "REQUEST_LIMIT_EXCEEDED"}])]
    async with httpx.AsyncClient(transport=httpx.MockTransport(crm)) as client:
        desk = SalesforceDesk(client, "https://a.example", salesforce.TOKEN, lambda: NOW, OWNERS)
        with pytest.raises(Transient):
            await desk.deliver(notice())


@pytest.mark.parametrize("open_", [_salesforce], indirect=True)
@pytest.mark.parametrize(("kept", "day"), [(True, "2026-03-06"), (False, "2026-03-07")])
async def test_a_task_of_a_crm_that_knows_days_only_is_due_on_that_of_the_agreements_clock(
    office: Office, kept: bool, day: str
) -> None:
    """Notices that the release before left to be told do not name it."""
    friday_at_five = datetime(2026, 3, 6, 17, tzinfo=ZoneInfo("America/Los_Angeles"))
    told = notice(due_at=friday_at_five, zone=friday_at_five.tzinfo)
    if not kept:
        del told.data["handover"]["due_on"]
    await office.desk.deliver(told)
    assert office.task["ActivityDate"] == day


async def test_salesforce_may_keep_silent_about_a_lead_it_updated() -> None:
    crm = salesforce.Salesforce()
    crm.silent_updates = True
    async with httpx.AsyncClient(transport=httpx.MockTransport(crm)) as client:
        desk = SalesforceDesk(client, "https://a.example", salesforce.TOKEN, lambda: NOW, OWNERS)
        await desk.deliver(notice())
        await desk.deliver(notice(id="b" * 32))
    assert {task["WhoId"] for task in crm.tasks.values()} == {crm.leads[SOREN.id]["Id"]}


async def test_a_person_without_an_address_is_nobody_to_pipedrive() -> None:
    crm = pipedrive.Pipedrive()
    async with httpx.AsyncClient(transport=httpx.MockTransport(crm)) as client:
        desk = PipedriveDesk(client, "https://a.example", pipedrive.TOKEN, lambda: NOW, OWNERS)
        with pytest.raises(Permanent, match="no_email"):
            await desk.deliver(notice(lead=lead(email=None)))


async def test_pipedrive_finds_a_task_of_nobody_among_all_that_changed_since_it_was_given() -> None:
    """Of a company with years of activities only the pages since then are looked through."""
    crm = pipedrive.Pipedrive()
    async with httpx.AsyncClient(transport=httpx.MockTransport(crm)) as client:
        desk = PipedriveDesk(client, "https://a.example", pipedrive.TOKEN, lambda: NOW, OWNERS)
        crm.now = NOW - DAY
        for number in range(9):
            await desk.deliver(notice(id=f"{number:032}", opened_at=crm.now))
        crm.now = NOW
        await desk.deliver(notice())
        crm.calls.clear()
        await desk.deliver(notice("erased", 2, **ERASED))
    assert crm.calls == [("GET", "/api/v2/activities"), ("PATCH", "/api/v2/activities/10")]


@pytest.mark.parametrize(
    ("open_", "field", "types"),
    [
        (_hubspot, "hs_task_type", ["CALL", "EMAIL", "TODO"]),
        (_pipedrive, "type", ["call", "email", "meeting"]),
    ],
    indirect=["open_"],
)
async def test_a_task_is_of_the_type_that_the_flow_asks_for(
    open_: Open, field: str, types: list[str]
) -> None:
    found = []
    for ask in ("call", "mail", "meeting"):
        office = open_()
        await office.desk.deliver(notice(kind="task", ask=ask))
        found.append(office.task[field])
    assert found == types
