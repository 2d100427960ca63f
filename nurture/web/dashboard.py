"""The first page: both sides of the agreement at a glance."""

from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Response
from fastapi.responses import HTMLResponse

from nurture.figures import BY
from nurture.web import guard, pages
from nurture.web.deps import Current

router = APIRouter()

KPIS = {
    "visits": ("Visits", ""),
    "visitors": ("Visitors", ""),
    "visit_to_lead": ("Visitors who became leads", "%"),
    "mql_rate": ("Leads that became MQL", "%"),
    "sql_rate": ("MQLs that became SQL", "%"),
    "close_rate": ("SQLs that became customers", "%"),
    "customers": ("Customers", ""),
    "revenue": ("Revenue", "currency"),
    "revenue_per_customer": ("Revenue per customer", "currency"),
    "days_to_first_order": ("From first touch to first order", "days"),
}
"""Figure of the summary's `kpi`, what people call it, and its unit."""


@router.get(
    "/", response_class=HTMLResponse, include_in_schema=False, dependencies=[Depends(guard.check)]
)
async def dashboard(deps: Current, month: str = "", by: str = "") -> Response:
    now = deps.now()
    playbook = await deps.playbook()
    summary = await deps.reports.summary(now, month, by)
    asked = {name: value for name, value in (("month", month), ("by", by)) if value}
    return pages.render(
        "dashboard.html",
        company=playbook.company.name,
        version=playbook.hash[:12],
        stages=playbook.lifecycle.stages,
        summary=summary,
        report=summary,
        month=month,
        query=f"?{urlencode(asked)}" if asked else "",
        dimensions=BY,
        kpis=KPIS,
        currency=playbook.promise.currency,
        now=now,
    )
