"""What each simulated sender sent on a day, and who waits for its share of the next: what the ledger tells the real one
(see activities.steps)."""

from bisect import bisect, bisect_left, insort
from collections import Counter, defaultdict
from datetime import datetime

from nurture.domain import allowance
from nurture.domain.allowance import Line
from nurture.domain.gate import DAILY_LIMIT
from nurture.playbook import Playbook, Sender
from nurture.simulation.member import Run


class Shares:
    """Runs that wait for their turn stand in one line for each sender, by when that is."""

    def __init__(self, playbook: Playbook) -> None:
        self._playbook = playbook
        self._sent: Counter[tuple[str, datetime]] = Counter()
        self._turns: defaultdict[str, list[datetime]] = defaultdict(list)

    def turn(self, run: Run, now: datetime) -> datetime | None:
        """When the sender of the mail that the run stands at has room for it; None: now."""
        sender = self._sender(run)
        its, called = sender.allowance, False
        if its.on(now) is None:
            return None
        if run.held == DAILY_LIMIT and run.wake_at:
            if run.wake_at > now:
                return run.wake_at
            called = True
        today, turns = its.begin_of(now), self._turns[sender.id]
        waiting = bisect_left(turns, today + its.day) - bisect(turns, now)
        line = Line(self._sent[sender.id, today], waiting, turns[-1] if turns else None)
        return allowance.turn(its, line, now, called)

    def send(self, run: Run, now: datetime) -> None:
        sender = self._sender(run)
        self._sent[sender.id, sender.allowance.begin_of(now)] += 1

    def enter(self, run: Run) -> None:
        """The run stands in the line, if that is what holds it."""
        if run.held == DAILY_LIMIT and run.wake_at:
            insort(self._turns[self._sender(run).id], run.wake_at)

    def leave(self, run: Run) -> None:
        """It is about to move on."""
        if run.held == DAILY_LIMIT and run.wake_at:
            turns = self._turns[self._sender(run).id]
            del turns[bisect_left(turns, run.wake_at)]

    def _sender(self, run: Run) -> Sender:
        return self._playbook.senders[self._playbook.sender_of[run.flow]]
