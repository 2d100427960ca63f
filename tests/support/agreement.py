"""A lead in the hands of sales, on a stage whose time is skipped."""

from dataclasses import replace
from datetime import timedelta

from nurture.domain.sla import State
from nurture.incoming import Answer
from nurture.store.handover_tables import HandoverRow
from tests.support.playbook import PLAYBOOK
from tests.support.temporal import Stage

RULE = PLAYBOOK.handover


def agree(stage: Stage, **rule: object) -> None:
    """The usual agreement with these changes."""
    stage.book.book = replace(PLAYBOOK, handover=replace(RULE, **rule))  # type: ignore[arg-type]


async def hand_over(stage: Stage) -> HandoverRow:
    await stage.tell("demo_requested", traits={"occupation": "pro", "first_name": "Anna"})
    await stage.pass_time(timedelta(minutes=1))
    return await the_handover(stage)


async def the_handover(stage: Stage) -> HandoverRow:
    [row] = await stage.world.rows(HandoverRow)
    assert isinstance(row, HandoverRow)
    return row


async def answer(stage: Stage, row: HandoverRow, state: State, **fields: object) -> str:
    said = Answer(**{"state": state, "at": await stage.now(), **fields})  # type: ignore[arg-type]
    return await stage.world.desk.answer(row.id, said)


def heard(stage: Stage) -> list[str]:
    return [name.rpartition(".")[2] for name in stage.sales.heard]
