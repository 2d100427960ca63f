"""The sections of the dashboard, in the order of the navigation. A new page adds its line here."""

from dataclasses import dataclass

from nurture.access.actor import Actor
from nurture.domain.permissions import Permission
from nurture.web.i18n import later


@dataclass(frozen=True)
class Section:
    """`id` is what the page's template calls its section, and the name of its icon."""

    id: str
    path: str
    title: str
    permission: Permission


SECTIONS = (
    Section("overview", "/", later("Overview"), Permission.FIGURES),
    Section("leads", "/leads", later("Leads"), Permission.LEADS),
    Section("flows", "/flows", later("Flows"), Permission.FLOWS),
    Section("mails", "/mails", later("Mails"), Permission.MAILS),
    Section("handovers", "/handovers", later("Handovers"), Permission.HANDOVERS),
    Section("audiences", "/audiences", later("Audiences"), Permission.AUDIENCES),
    Section("reports", "/reports", later("Reports"), Permission.FIGURES),
    Section("playbook", "/playbook", later("Playbook"), Permission.PLAYBOOK),
    Section("system", "/system", later("System"), Permission.SYSTEM),
    Section("accounts", "/accounts", later("Accounts"), Permission.ACCOUNTS),
    Section("tokens", "/tokens", later("Tokens"), Permission.TOKENS),
    Section("audit", "/audit", later("Audit log"), Permission.AUDIT),
)


def sections(actor: Actor) -> list[Section]:
    """Those the person may see."""
    return [section for section in SECTIONS if actor.may(section.permission)]
