"""The dashboard's pages, one module each, and the routers the app includes."""

from nurture.web.dashboard import (
    accounts,
    audiences,
    audit,
    company_sign_in,
    flows,
    handovers,
    leads,
    mails,
    overview,
    own_account,
    playbook,
    reports,
    sign_in,
    system,
    tokens,
)

ROUTERS = (
    sign_in.router,
    company_sign_in.router,
    own_account.router,
    overview.router,
    leads.router,
    flows.router,
    mails.router,
    handovers.router,
    audiences.router,
    reports.router,
    playbook.router,
    system.router,
    accounts.router,
    tokens.router,
    audit.router,
)
