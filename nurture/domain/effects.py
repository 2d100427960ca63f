"""What a step can make happen. The core only names it; an activity carries it out."""

from dataclasses import dataclass
from typing import Any

from nurture.domain.calendar import Span


@dataclass(frozen=True)
class SendMail:
    step: str
    template: str


@dataclass(frozen=True)
class RefuseMail:
    step: str
    template: str
    reason: str


@dataclass(frozen=True)
class ChangeAudience:
    audience: str
    add: bool


@dataclass(frozen=True)
class CreateTask:
    """Ask sales for one thing: call, mail or meet the lead. `title` is a template of one line.

    Done, it leaves the touch `task_done` {flow, step}: a flow waits for it with WaitFor. `within`: its own
    deadline; None: that of the agreement.
    """

    step: str
    kind: str
    team: str
    title: str
    within: Span | None = None


@dataclass(frozen=True)
class HandOver:
    """Give the lead to sales for good, under the SLA. `team`: to that one; None: to the agreement's."""

    reason: str
    team: str | None = None


@dataclass(frozen=True)
class SetTrait:
    name: str
    value: Any


@dataclass(frozen=True)
class SetTag:
    tag: str
    add: bool = True


@dataclass(frozen=True)
class CallWebhook:
    """Tell a receiver named in the playbook that the lead came to this step."""

    step: str
    endpoint: str


@dataclass(frozen=True)
class Enrol:
    flow: str


Effect = (
    SendMail
    | RefuseMail
    | ChangeAudience
    | CreateTask
    | HandOver
    | SetTrait
    | SetTag
    | CallWebhook
    | Enrol
)
