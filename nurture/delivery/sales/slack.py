"""Messages for a Slack incoming webhook, within the limits of its block kit.

At most 50 blocks, a header of 150 characters, ten fields of 2,000 to a section and 3,000 for its text,
75 on a button. In mrkdwn only &, < and > are escaped.
"""

from datetime import datetime
from typing import Any

from nurture.delivery.sales import wording
from nurture.ports import Notice

_HEADER, _SECTION, _FIELD, _FIELDS = 150, 3000, 2000, 10


def slack_message(notice: Notice) -> dict[str, Any]:
    """`text` is what a phone shows as notification; the blocks are what the channel shows."""
    data = notice.data
    headline = wording.headline(notice)
    facts = [(label, value) for label, value in wording.facts(data) if label != "Due"]
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": _cut(headline, _HEADER)}},
        {"type": "section", "fields": [_field(*fact) for fact in facts[:_FIELDS]]},
    ]
    blocks += [_section(heading, lines) for heading, lines in wording.sections(data)]
    blocks.append({"type": "context", "elements": [_mrkdwn(f"Due {_date(data['handover'])}")]})
    if not wording.is_over(notice):
        blocks.append({"type": "actions", "elements": _buttons(data["links"])})
    return {
        "text": escape(_cut(f"{headline}, due {data['handover']['due']}", _HEADER)),
        "blocks": blocks,
    }


def escape(text: str) -> str:
    """Keeps a lead's words from becoming links, mentions or a call to the whole channel."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _field(label: str, value: str) -> dict[str, str]:
    return _mrkdwn(_cut(f"*{label}*\n{escape(value)}", _FIELD))


def _section(heading: str, lines: list[str]) -> dict[str, Any]:
    listed = "\n".join([f"*{heading}*", *(f"• {escape(line)}" for line in lines)])
    return {"type": "section", "text": _mrkdwn(_cut(listed, _SECTION))}


def _date(handover: dict[str, Any]) -> str:
    """Slack shows it on each reader's own clock, and the text where it cannot."""
    seconds = int(datetime.fromisoformat(handover["due_at"]).timestamp())
    return f"<!date^{seconds}^{{date_long}} {{time}}|{escape(handover['due'])}>"


def _buttons(links: dict[str, str]) -> list[dict[str, Any]]:
    return [
        {
            "type": "button",
            "text": {"type": "plain_text", "text": label},
            "url": links[state],
            **({"style": "primary"} if state == "accepted" else {}),
        }
        for state, label in wording.BUTTONS.items()
    ]


def _mrkdwn(text: str) -> dict[str, str]:
    return {"type": "mrkdwn", "text": text}


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"
