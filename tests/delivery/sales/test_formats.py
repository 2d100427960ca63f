import json
from datetime import UTC, datetime
from typing import Any

import pytest

from nurture.delivery.sales.formats import FORMATS, cloudevents, generic, slack, teams
from nurture.delivery.sales.slack import escape
from nurture.ports import Notice
from tests.support.domain import HOUR, NOW, touch
from tests.support.sales import PAGE, notice


def body(format: Any, told: Notice) -> Any:
    return json.loads(format(told).content)


def strings(value: Any) -> list[str]:
    """All texts anywhere in it."""
    if isinstance(value, dict):
        return [text for part in value.values() for text in strings(part)]
    if isinstance(value, list):
        return [text for part in value for text in strings(part)]
    return [value] if isinstance(value, str) else []


def full() -> Notice:
    """The longest there can be."""
    done = [touch("page", NOW - n * HOUR, title=f"{n}" + "<&>*_[" * 99) for n in range(40)]
    return notice(touches=done, reason="<" * 999)


def test_the_generic_body_says_what_happened_when_and_to_whom() -> None:
    told = notice()
    assert body(generic, told) == {
        "type": "lead.handover.created",
        "timestamp": NOW.isoformat(),
        "data": told.data,
    }


def test_letters_stay_letters_on_the_wire() -> None:
    assert "Søren Ærø 🚀".encode() in generic(notice()).content


def test_a_cloud_event_has_the_webhooks_id_and_all_required_attributes() -> None:
    told = notice()
    event = body(cloudevents, told)
    assert cloudevents(told).content_type == "application/cloudevents+json"
    assert event["specversion"] == "1.0"
    assert event["id"] == told.id
    assert event["type"] == "lead.handover.created"
    assert event["subject"] == told.data["handover"]["id"]
    assert event["source"]
    assert datetime.fromisoformat(event["time"]) == NOW
    assert event["data"] == told.data


@pytest.mark.parametrize("told", [notice(), full(), notice("recycled")])
def test_a_slack_message_keeps_slacks_limits(told: Notice) -> None:
    message = body(slack, told)
    assert message["text"]
    assert len(message["blocks"]) <= 50
    for block in message["blocks"]:
        match block["type"]:
            case "header":
                assert len(block["text"]["text"]) <= 150
            case "section":
                assert len(block.get("fields", [])) <= 10
                assert all(len(field["text"]) <= 2000 for field in block.get("fields", []))
                assert len(block.get("text", {}).get("text", "")) <= 3000
            case "actions":
                assert all(len(button["text"]["text"]) <= 75 for button in block["elements"])


def test_slack_shows_readable_sentences() -> None:
    shown = "\n".join(strings(body(slack, notice())))
    assert "Contact Søren Ærø 🚀" in shown
    assert "• Asked for a demo, last on 3 March (+40)" in shown
    assert "Clicked https://firma.example/guide in the mail “Velkommen”" in shown
    assert "Hi Søren, this is Anna." in shown


def test_a_leads_words_cannot_call_the_whole_channel() -> None:
    told = notice(reason="<!channel> & <https://evil.example|click>")
    mrkdwn = [text for text in strings(body(slack, told)) if "evil" in text]
    assert mrkdwn
    assert all("<!channel>" not in text and "&lt;!channel&gt; &amp;" in text for text in mrkdwn)


def test_slack_escapes_three_characters_and_no_others() -> None:
    assert escape("a & b < c > d \"'*_~`") == "a &amp; b &lt; c &gt; d \"'*_~`"


def test_slack_shows_the_due_time_on_each_readers_clock() -> None:
    due = int(datetime(2026, 3, 6, 10, tzinfo=UTC).timestamp())
    text = f"<!date^{due}^{{date_long}} {{time}}|Friday 6 March 2026 at 11:00 CET>"
    assert any(text in found for found in strings(body(slack, notice())))


@pytest.mark.parametrize("told", [notice(), full(), notice("recycled")])
def test_a_teams_message_is_one_adaptive_card_that_teams_can_show(told: Notice) -> None:
    message = body(teams, told)
    assert len(teams(told).content) < 28_000
    (attachment,) = message["attachments"]
    assert message["type"] == "message"
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    card = attachment["content"]
    assert (card["type"], card["version"]) == ("AdaptiveCard", "1.4")
    assert all(action["type"] == "Action.OpenUrl" for action in card.get("actions", []))


def test_a_leads_words_cannot_become_a_link_in_teams() -> None:
    shown = strings(body(teams, notice(reason="[click](https://evil.example)")))
    assert "\\[click\\](https://evil.example)" in shown


@pytest.mark.parametrize("format", [slack, teams])
def test_the_buttons_open_the_answer_page(format: Any) -> None:
    texts = strings(body(format, notice()))
    assert {f"{PAGE}#accepted", f"{PAGE}#contacted", f"{PAGE}#rejected"} <= set(texts)


@pytest.mark.parametrize("format", [slack, teams])
@pytest.mark.parametrize(
    ("what", "headline"), [("recycled", "Back to marketing"), ("won", "Won by an order")]
)
def test_a_lead_that_went_back_to_marketing_or_bought_asks_for_no_answer(
    format: Any, what: str, headline: str
) -> None:
    texts = strings(body(format, notice(what)))
    assert not any(text.startswith(PAGE) for text in texts)
    assert any(text.startswith(f"{headline}: Contact Søren") for text in texts)


@pytest.mark.parametrize("format", FORMATS.values())
def test_every_format_says_what_kind_of_news_it_is(format: Any) -> None:
    assert format(notice("created")).content != format(notice("escalated")).content


def test_an_overdue_lead_is_headlined_as_such() -> None:
    texts = strings(body(slack, notice("escalated", told="Head of sales")))
    assert any(text.startswith("Overdue at Anna: Contact Søren") for text in texts)
