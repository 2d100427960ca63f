"""`nurture lead`: everything known of one lead, with each point of its score explained."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from commands import opening
from nurture.domain.errors import InputError


def lead(
    name: Annotated[str, typer.Argument(help="An e-mail address, a lead's id, or a user id.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print all of it as JSON.")] = False,
) -> None:
    """Show a lead: stage, persona, score and why, flows, mails, handovers, consents."""
    found = asyncio.run(_find(name))
    typer.echo(json.dumps(found, indent=2, ensure_ascii=False) if as_json else _told(found))


async def _find(name: str) -> dict[str, Any]:
    async with opening.reports(opening.load()) as reports:
        found = await reports.lead(name, datetime.now(UTC))
    if found is None:
        raise InputError("no lead goes by this name", name)
    return found


def _told(lead: dict[str, Any]) -> str:
    score = lead["score"]
    lines = [
        f"{lead['email'] or 'unknown visitor'} ({lead['id']})",
        f"stage {lead['stage']}, persona {lead['persona'] or 'none'}",
        f"score {score['total']} = fit {score['fit']} + engagement {score['engagement']}"
        + (f", grade {score['grade']}" if score["grade"] else ""),
        *(_reason(reason) for reason in score["reasons"]),
        f"consents: {', '.join(lead['consents']) or 'none'}",
        *(f"  {name}: {value}" for name, value in sorted(lead["traits"].items())),
        *_section("flows", lead["enrolments"], ("flow", "started_at", "step", "held", "ended")),
        *_section("mails", lead["mails"], ("template", "state", "reason", "sent_at")),
        *_section("handovers", lead["handovers"], ("kind", "owner", "state", "due_at")),
    ]
    return "\n".join(lines)


def _reason(reason: dict[str, Any]) -> str:
    """The points and, for those of touches, from when and until when."""
    touches = reason["touches"]
    if not touches:
        return f"  {reason['points']:+d} {reason['title']}"
    told = f"{len(touches)} x, last {_minute(reason['at'])}"
    ends = f", until {_minute(reason['expires_at'])}" if reason["expires_at"] else ""
    return f"  {reason['points']:+d} {reason['title']} ({told}{ends})"


def _minute(at: str) -> str:
    return at[:16].replace("T", " ")


def _section(title: str, records: list[dict[str, Any]], columns: tuple[str, ...]) -> list[str]:
    rows = ("  " + ", ".join(str(record[name] or "-") for name in columns) for record in records)
    return [f"{title}:", *rows] if records else []
