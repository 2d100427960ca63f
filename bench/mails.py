"""Rendering the shipped mails: how many a second on one core, and the memory that their templates take.

`without_prepared_text`: the same with the text made from each finished HTML, as templates need whose conditions
stand inside rows of several cells.
"""

import time
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

from nurture.delivery.email import plaintext
from nurture.delivery.links import Links
from nurture.delivery.rendering import Renderer
from nurture.domain.lead import Lead
from nurture.playbook import Playbook
from nurture.playbook.compiler import compile_playbook
from nurture.playbook.source import read_files
from nurture.tokens import Tokens

ROOT = Path(__file__).parents[1]
ROUNDS = 100
LEAD = Lead("lead-1", "anna@example.org", {"first_name": "Anna", "specialization": "Finance"})


async def measure(folder: Path) -> dict[str, Any]:
    playbook = compile_playbook(read_files(ROOT))
    mails = sorted({path.split("/")[1] for path in playbook.templates if "/subject." in path})
    variants = [(mail, language) for mail in mails for language in playbook.company.languages]
    begun = time.process_time()
    renderer = _renderer(playbook)
    pages = [_render(renderer, playbook, *each) for each in variants]
    compiled = time.process_time() - begun
    memory = _memory(playbook, variants)
    begun = time.process_time()
    for _ in range(ROUNDS):
        for each in variants:
            _render(renderer, playbook, *each)
    took = (time.process_time() - begun) / (ROUNDS * len(variants))
    begun = time.process_time()
    for page in pages * 5:
        plaintext.as_text(page)
    text = (time.process_time() - begun) / (5 * len(pages))
    return {
        "templates": len(variants),
        "renders_per_second": round(1 / took),
        "without_prepared_text": round(1 / (took + text)),
        "compile_ms_each": round(1000 * compiled / len(variants), 1),
        "memory_mb": round(memory / 1e6, 1),
        "html_kb_mean": round(sum(map(len, pages)) / len(pages) / 1000, 1),
    }


def _renderer(playbook: Playbook) -> Renderer:
    return Renderer(playbook, Links("https://t.example", Tokens(["a key of the bench"])))


def _memory(playbook: Playbook, variants: list[tuple[str, str]]) -> int:
    """Bytes that all templates take once they are compiled."""
    tracemalloc.start()
    renderer = _renderer(playbook)
    for each in variants:
        _render(renderer, playbook, *each)
    found = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return found


def _render(renderer: Renderer, playbook: Playbook, mail: str, language: str) -> str:
    lead = replace(LEAD, traits={**LEAD.traits, "language": language})
    sender = next(iter(playbook.senders.values()))
    return renderer.render(
        mail,
        message_id="message-1",
        lead=lead,
        sender=sender,
        flow="welcome",
        step=mail,
        persona=None,
        tracking=True,
    ).html
