"""Turns a mail step of one lead into the finished mail, with the templates of the playbook in force."""

from dataclasses import replace

from nurture.delivery.email.sandbox import environment, variables
from nurture.delivery.links import Links
from nurture.delivery.rendering import Renderer
from nurture.domain import consent
from nurture.domain.flow import SendMail
from nurture.playbook import Playbook
from nurture.ports import Mail
from nurture.store import leads
from nurture.store.tables import EnrolmentRow, LeadRow


class Postroom:
    """Keeps the compiled templates of the playbook used last."""

    def __init__(self, links: Links) -> None:
        self._links = links
        self._renderers: dict[str, Renderer] = {}

    def render(
        self, playbook: Playbook, run: EnrolmentRow, lead: LeadRow, effect: SendMail, id_: str
    ) -> Mail:
        """The mail of that id. Raises InputError naming the template and line when it cannot be rendered."""
        sender = playbook.senders[playbook.sender_of[run.flow]]
        mail = self._renderer(playbook).render(
            effect.template,
            message_id=id_,
            lead=leads.as_lead(lead),
            sender=sender,
            flow=run.flow,
            step=effect.step,
            persona=lead.persona,
            tracking=consent.TRACKING in lead.consents,
        )
        return replace(mail, return_path=sender.return_path, dkim=sender.dkim)

    def line(self, playbook: Playbook, run: EnrolmentRow, lead: LeadRow, template: str) -> str:
        """A line of text such as a task's title, with the same variables as a mail."""
        sender = playbook.senders[playbook.sender_of[run.flow]]
        known = variables(
            leads.as_lead(lead), playbook.traits, playbook.company, sender, lead.persona, ""
        )
        return " ".join(environment(None, html=False).from_string(template).render(known).split())

    def _renderer(self, playbook: Playbook) -> Renderer:
        if playbook.hash not in self._renderers:
            self._renderers = {playbook.hash: Renderer(playbook, self._links)}
        return self._renderers[playbook.hash]
