"""`nurture lead`: everything known of one lead, with each point of its score explained."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from commands import opening
from nurture.domain.errors import InputError
from nurture.domain.scoring import CAP


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
        *(
            ["  the rules have changed: stage, flows and audiences are yet to follow"]
            if score["waits"]
            else []
        ),
        *(line for reason in score["reasons"] for line in _reason(reason)),
        f"consents: {', '.join(lead['consents']) or 'none'}",
        *_traits(lead["traits"], lead["traits_at"]),
        *_section("flows", lead["enrolments"], ("flow", "started_at", "step", "held", "ended")),
        *_section("mails", lead["mails"], ("template", "state", "reason", "sent_at")),
        *_section("handovers", lead["handovers"], ("kind", "owner", "state", "due_at")),
    ]
    return "\n".join(lines)


def _traits(traits: dict[str, Any], told_at: dict[str, str | None]) -> list[str]:
    """Each with when it was told: since then it gives points."""
    when = {name: f" (told {_minute(at)})" for name, at in told_at.items() if at}
    return [f"  {name}: {value}{when.get(name, '')}" for name, value in sorted(traits.items())]


def _reason(reason: dict[str, Any]) -> list[str]:
    """The rule's points and, of each touch that earned some, what it still gives, from when and until when. Those for
    what a lead says of itself, which no touch earned, count as long as the rule's condition holds."""
    touches = reason["touches"]
    whole = sum(entry["points"] for entry in touches)
    capped = f" (of {whole:+d}, capped)" if touches and whole != reason["points"] else ""
    held = "" if touches or reason["rule"].startswith(CAP) else ", as long as that holds"
    return [
        f"  {reason['points']:+d} {reason['title']}{capped}{held}",
        *(
            f"    {entry['points']:+d} {reason['touch']} {_span(reason, entry)}"
            for entry in touches
        ),
    ]


def _span(reason: dict[str, Any], entry: dict[str, Any]) -> str:
    if entry["expires_at"] is None:
        return _minute(entry["at"])
    fading = "fading " if reason["fading"] else ""
    return f"{_minute(entry['at'])}, {fading}until {_minute(entry['expires_at'])}"


def _minute(at: str) -> str:
    return at[:16].replace("T", " ")


def _section(title: str, records: list[dict[str, Any]], columns: tuple[str, ...]) -> list[str]:
    rows = ("  " + ", ".join(str(record[name] or "-") for name in columns) for record in records)
    return [f"{title}:", *rows] if records else []
