"""The agreement of any month, for some of the leads and split by what is known of them; also as CSV."""

import csv
import io
import re
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
from nurture.web.asked import Asked, address
from nurture.web.visit import Visit

router = APIRouter(prefix="/reports", include_in_schema=False)

Looks = Annotated[Visit, needs(Permission.FIGURES)]

_MARK = "\ufeff"


@router.get("", response_class=HTMLResponse)
async def report(visit: Looks, asked: Asked) -> Response:
    now, playbook = visit.deps.now(), visit.playbook
    zone = figures.zone_of(playbook)
    months = periods.months_until(periods.month_of(now, zone), 2 * MONTHS, zone)
    return visit.page(
        "reports.html",
        report=await visit.deps.reports.report(now, asked, brief=True),
        months=[(period.name, visit.words.month(period.start)) for period in reversed(months)],
        asked=asked,
        choices=await visit.deps.reports.choices(),
        dimensions=BY,
        query=urlencode(address(asked)),
        currency=playbook.promise.currency,
    )


@router.get("/figures.csv")
async def as_csv(visit: Looks, asked: Asked) -> Response:
    """What the page shows, and all else that is known of each group. The mark at its beginning lets Excel read
    letters such as æ."""
    told = await visit.deps.reports.report(visit.deps.now(), asked)
    named = "-".join([told["period"]["name"], *filter(None, [asked.by]), *asked.only.values()])
    name = re.sub(r"[^\w.-]+", "-", named, flags=re.ASCII)
    headers = {"content-disposition": f'attachment; filename="{name}.csv"'}
    return Response(_MARK + lines(told), media_type="text/csv; charset=utf-8", headers=headers)


def lines(report: Mapping[str, Any]) -> str:
    """The period's figures as CSV with a header: a line per group, or one for everybody."""
    period, told = report["period"]["name"], report["contact"]
    sales = {name: value for name, value in told.items() if name not in ("histogram", "silent")}
    everybody = {"name": "", **report["figures"], "other_revenue": report["other_revenue"], **sales}
    rows = report["groups"] or [everybody]
    only = report["only"]
    first = report["by"] or ("leads" if only else "everybody")
    head = ["period", *only, first, *(key for key in rows[0] if key != "name")]
    written = io.StringIO()
    table = csv.writer(written, lineterminator="\n")
    if report["groups"] or not report["by"]:
        table.writerow(head)
        chosen = [_safe(value) for value in only.values()]
        table.writerows([period, *chosen, *_plain(row)] for row in rows)
    return written.getvalue()


def _plain(row: Mapping[str, Any]) -> list[Any]:
    """Nothing to divide by is an empty field."""
    told = {**row, "other_revenue": _amounts(row["other_revenue"])}
    values = ("" if value is None else value for key, value in told.items() if key != "name")
    return [_safe(str(row["name"])), *values]


def _amounts(other: Mapping[str, int]) -> str:
    """300 EUR, 20 SEK"""
    return ", ".join(f"{amount} {currency}" for currency, amount in other.items())


def _safe(name: str) -> str:
    """A name cannot become a formula in a spreadsheet."""
    return f"'{name}" if name[:1] in ("=", "+", "-", "@") else name
