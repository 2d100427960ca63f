"""Which answers of sales are taken: what may follow what, and what each needs to say."""

from datetime import datetime, timedelta

from nurture.domain import handover, sla
from nurture.domain.errors import InputError
from nurture.domain.sla import State
from nurture.incoming import Answer
from nurture.playbook import HandoverRule, Playbook
from nurture.store import handovers
from nurture.store.handover_tables import HandoverRow

FARTHEST = timedelta(days=3660)
"""A meeting or a return further away than ten years is a slip of the pen."""

_SLACK = timedelta(minutes=5)


def follows(row: HandoverRow, answer: State) -> bool:
    """Whether this may be answered now."""
    return handover.follows(State(row.state), answer, row.kind == handovers.TASK)


def check(playbook: Playbook, row: HandoverRow, answer: Answer) -> None:
    """Raises InputError, in a sentence, for what cannot be taken."""
    rule = playbook.handover
    if not follows(row, answer.state):
        raise InputError(
            f"this handover is {row.state}, so it cannot become {answer.state} any more"
        )
    if answer.until and answer.state not in sla.DATED:
        raise InputError(
            f"{answer.state} has no date: only booked, snoozed and rejected do", "until"
        )
    match answer.state:
        case State.CONTACTED if not answer.how:
            raise InputError("contacted needs how", "how")
        case State.REJECTED:
            if answer.reason not in rule.reject_reasons:
                known = ", ".join(rule.reject_reasons)
                raise InputError(f"a rejection needs one of these reasons: {known}")
            _date(answer.until, answer.at, FARTHEST)
        case State.SNOOZED:
            _snooze(rule, answer)
        case State.BOOKED:
            if answer.until is None:
                raise InputError("booked needs the time of the meeting", "until")
            _date(answer.until, answer.at - _SLACK, FARTHEST)
        case State.WON if answer.amount is None or answer.amount < 0:
            raise InputError("won needs the amount of the order, in whole units")


def _snooze(rule: HandoverRule, answer: Answer) -> None:
    if answer.reason not in rule.snooze_reasons:
        known = ", ".join(rule.snooze_reasons)
        raise InputError(f"a snooze needs one of these reasons: {known}")
    if answer.until is None:
        raise InputError("a snooze needs the day the lead asked for", "until")
    _date(answer.until, answer.at, rule.snooze_at_most)


def _date(until: datetime | None, now: datetime, at_most: timedelta) -> None:
    if until is None:
        return
    if until <= now:
        raise InputError("this date is over", "until")
    if until > now + at_most:
        raise InputError(f"at most {at_most.days} days ahead", "until")
