"""What the product says in English by itself is read in Danish on a Danish page; what people wrote is not touched."""

from dataclasses import replace
from datetime import timedelta

import pytest

from nurture.domain import story
from nurture.domain.errors import InputError
from nurture.domain.lead import Touch
from nurture.domain.sla import State
from nurture.handovers.answers import check
from nurture.incoming import Answer
from nurture.playbook import planning
from nurture.store.handover_tables import HandoverRow
from nurture.web.i18n import Words
from nurture.web.sentences import told
from tests.support.domain import NOW
from tests.support.house import House
from tests.support.playbook import PLAYBOOK
from tests.support.web import SETTINGS

DANISH, ENGLISH = Words("da"), Words("en")
DANE = {"accept-language": "da"}
DID = (
    "page", "form_submitted", "downloaded", "video_played", "demo_requested", "chat_conversation",
    "sales_conversation", "support_case_opened", "support_case_closed", "unsubscribed", "resubscribed",
    "mails_paused", "bounced", "complained", "opened", "clicked",
)  # fmt: skip


@pytest.mark.parametrize("name", DID)
def test_what_a_lead_did_is_told_in_danish(name: str) -> None:
    for about in (
        {},
        {"title": "Guide, part 2", "template": "Guide", "url": "https://x.example/a"},
    ):
        did = story.sentence(Touch("t", name, NOW, about), {})
        if (
            name in ("unsubscribed", "resubscribed", "mails_paused", "bounced", "complained")
            and about
        ):
            continue  # these are about nothing
        assert told(DANISH, did) != did
        assert told(ENGLISH, did) == did


def test_a_sentence_keeps_what_it_is_about() -> None:
    assert told(DANISH, "Looked at “Prices, sent, mail”, 3 times") == (
        "Så “Prices, sent, mail”, 3 gange"
    )
    assert told(
        DANISH, "Noted: tried. Only call, meeting counts as contact; the deadline stays."
    ) == ("Noteret: forsøgt. Kun opkald, møde tæller som kontakt; fristen står.")
    assert told(DANISH, "2026-03-04T10:00:00+00:00 asked to wait") == (
        "ons. 4 mar. 2026, 10:00 asked to wait"
    )
    assert told(DANISH, "the lead was joined with one that Bo has in hand") == (
        "leadet blev lagt sammen med et, som Bo har"
    )
    assert told(DANISH, "waited: open_case, sales_owned") == "ventede: åben supportsag, hos salg"
    assert (told(ENGLISH, "no_consent"), told(DANISH, "first touch")) == (
        "No consent",
        "Første kontakt",
    )
    assert told(DANISH, "month: '2026-99' is not a month; write it as 2026-11") == (
        "Måned: '2026-99' er ikke en måned; skriv den som 2026-11"
    )


@pytest.mark.parametrize(
    "written",
    ["wants a call after the welcome flow", "Added value: 3 times 4", "no-budget", "%(x)s"],
)
def test_what_somebody_wrote_stays_as_it_is(written: str) -> None:
    assert told(DANISH, written) == written


@pytest.mark.parametrize(
    "answer",
    [
        Answer(State.CONTACTED, NOW, "Bo"),
        Answer(State.REJECTED, NOW, "Bo", reason="because"),
        Answer(State.SNOOZED, NOW, "Bo", reason="because"),
        Answer(State.BOOKED, NOW, "Bo"),
        Answer(State.BOOKED, NOW, "Bo", until=NOW - timedelta(days=2)),
        Answer(State.BOOKED, NOW, "Bo", until=NOW + timedelta(days=9_999)),
        Answer(State.WON, NOW, "Bo"),
        Answer(State.OPEN, NOW, "Bo"),
    ],
)
def test_why_an_answer_cannot_be_taken_is_said_in_danish(answer: Answer) -> None:
    row = HandoverRow(
        id="h", lead_id="a", ordinal=1, playbook="p", team="t", owner="Bo", state=State.OPEN, reason="",
        trigger="score", opened_at=NOW, due_at=NOW,
    )  # fmt: skip
    with pytest.raises(InputError) as refused:
        check(PLAYBOOK, row, answer)
    problem = str(refused.value).removeprefix(f"{refused.value.place}: ")
    assert told(DANISH, problem) != problem


def test_what_a_new_playbook_changes_is_told_in_danish() -> None:
    [name, *_] = PLAYBOOK.flows
    without = replace(PLAYBOOK, flows={})
    files = {"config/sla.yaml": "a"}, {"config/sla.yaml": "b", "config/forms.yaml": "c"}
    for old, new in ((without, PLAYBOOK), (PLAYBOOK, without)):
        lines = planning.difference(old, new, *files).sentences()
        assert [told(DANISH, line) for line in lines if told(DANISH, line) == line] == []
    assert told(DANISH, f"flow {name}: step a moved") == f"flow {name}: trinet a flyttet"


@pytest.mark.parametrize(
    ("change", "danish"),
    [
        ("step a: wait 5 days → wait 1 week", "trinet a: vent 5 dage → vent 1 uge"),
        (
            "step a deleted (wait for clicked of hi, at most 2 business days)",
            "trinet a slettet (vent på: klikket (hi), højst 2 hverdage)",
        ),
        (
            "step a inserted (task for sales: call, Call, when Anna has time)",
            "trinet a indsat (opgave til sales: opkald, Call, when Anna has time)",
        ),
        (
            "step a: mail hi, pro: ho → wait until 5 days before trial_ends",
            "trinet a: mail hi, pro: ho → vent til 5 dage før trial_ends",
        ),
        ("live: no → yes", "i drift: nej → ja"),
        ('goal: none → lead.a_b == "wait"', 'mål: ingen → lead.a_b == "wait"'),
        ("send window: none → mon tue 08:00-16:30 lead DK", "sendevindue: ingen → mon tue 08:00-16:30 lead DK"),
        ("consent: email_marketing → tracking", "samtykke: mails → måling"),
        ("in flight: exit", "leads undervejs: exit"),
    ],
)  # fmt: skip
def test_a_changed_step_or_setting_is_told_in_danish(change: str, danish: str) -> None:
    assert told(DANISH, f"flow hi: {change}") == f"flow hi: {danish}"


async def test_a_danish_page_tells_in_danish_why_a_lead_is_with_sales(sqlite_house: House) -> None:
    house = sqlite_house
    house.settings = SETTINGS.model_copy(update={"public_url": ""})
    manager = {"occupation": "Working Professional", "lead_source": "Reference"}
    await house.world.tell("demo_requested", email="anna@example.org", traits=manager)
    [row] = await house.world.rows(HandoverRow)
    link = f"/h/{house.tokens.sign('handover', [row.id])}"
    async with house.signed_in() as browser:
        for path in ("/handovers", f"/handovers/{row.id}", f"/leads/{row.lead_id}", link):
            page = (await browser.get(path, **DANE)).text
            assert "nåede stadiet" in page, path
            assert "reached the stage" not in page, path
        answer_page = (await browser.get(link, **DANE)).text
        assert "Bad om en demo" in answer_page
        assert "Åbnet" in answer_page
        broken = (await browser.get("/h/nothing", **DANE)).text
        assert "Dette link er ikke gyldigt; bed om at få leadet sendt igen" in broken
        months = (await browser.get("/reports?by=month", **DANE)).text
        assert ">marts 2026</th>" in months
