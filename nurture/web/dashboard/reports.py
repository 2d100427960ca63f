"""The agreement of any month, split by what is known of the leads; also as CSV."""

import csv
import io
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse

from nurture import figures
from nurture.domain import periods
from nurture.domain.permissions import Permission
from nurture.figures import BY, MONTHS
from nurture.web.access import needs
from nurture.web.visit import Visit

router = APIRouter(prefix="/reports", include_in_schema=False)

Looks = Annotated[Visit, needs(Permission.FIGURES)]


@router.get("", response_class=HTMLResponse)
async def report(visit: Looks, month: str = "", by: str = "") -> Response:
    """`month` is YYYY-MM, else the running one; `by` splits it."""
    now, playbook = visit.deps.now(), visit.playbook
    zone = figures.zone_of(playbook)
    months = periods.months_until(periods.month_of(now, zone), 2 * MONTHS, zone)
    asked = {name: value for name, value in (("month", month), ("by", by)) if value}
    return visit.page(
        "reports.html",
        report=await visit.deps.reports.report(now, month, by),
        months=[(period.name, visit.words.month(period.start)) for period in reversed(months)],
        month=month,
        by=by,
        dimensions=BY,
        query=f"?{urlencode(asked)}" if asked else "",
        currency=playbook.promise.currency,
    )


@router.get("/figures.csv")
async def as_csv(visit: Looks, month: str = "", by: str = "") -> Response:
    told = await visit.deps.reports.report(visit.deps.now(), month, by)
    name = f"{told['period']['name']}{'-' + by if by else ''}.csv"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(lines(told), media_type="text/csv; charset=utf-8", headers=headers)


def lines(report: Mapping[str, Any]) -> str:
    """The period's figures as CSV with a header: a line per group, or one for everybody."""
    period, told = report["period"]["name"], report["contact"]
    sales = {name: value for name, value in told.items() if name not in ("histogram", "silent")}
    rows = report["groups"] or [{"name": "", **report["figures"], **sales}]
    head = ["period", report["by"] or "everybody", *(key for key in rows[0] if key != "name")]
    written = io.StringIO()
    table = csv.writer(written, lineterminator="\n")
    if report["groups"] or not report["by"]:
        table.writerow(head)
        table.writerows([period, *_plain(row)] for row in rows)
    return written.getvalue()


def _plain(row: Mapping[str, Any]) -> list[Any]:
    """Nothing to divide by is an empty field. A name cannot become a formula in a spreadsheet."""
    name = str(row["name"])
    safe = f"'{name}" if name[:1] in ("=", "+", "-", "@") else name
    return [safe, *("" if value is None else value for key, value in row.items() if key != "name")]
