"""What the demo and `nurture report` show: the figures as tables, or as one JSON object."""

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table

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

_EVER = "All leads, now and since the beginning"

_UNITS = {"%": " %", "days": " days"}


def figures(report: Mapping[str, Any]) -> dict[str, Any]:
    """The report in brief, for `nurture demo --json`."""
    mails, sla = report["mails"], report["sla"]
    return {
        "leads": report["leads"],
        "touches": report["touches"],
        "mails": {name: mails[name] for name in ("sent", "refused", "unknown")},
        "handovers": report["handovers"],
        "sla": {name: sla[name] for name in ("kept", "broken")},
        "audiences": {name: found["confirmed"] for name, found in report["audiences"].items()},
        "stages": report["stages"],
        "kpi": report["kpi"],
    }


def tables(report: Mapping[str, Any]) -> RenderableType:
    """Everything of the report that people ask for, in 80 columns: what is now and since the beginning, for all leads,
    then what was asked for."""
    mails, sla = report["mails"], report["sla"]
    refused = {f"refused: {why}": number for why, number in mails["refused"].items()}
    told = {f"escalated to {name}": number for name, number in sla["escalated_to"].items()}
    members = {name: found["confirmed"] for name, found in report["audiences"].items()}
    personas = {name or "none": number for name, number in report["personas"].items()}
    kept = {name: sla[name] for name in ("kept", "broken", "running")}
    beside = Table.grid(padding=(0, 3, 1, 0))
    beside.add_row(_table("Leads by stage", report["stages"]), _table("Leads by persona", personas))
    beside.add_row(
        _table("Mails", {"sent": mails["sent"], **refused, "unknown": mails["unknown"]}),
        Group(
            _table("Handovers", report["handover_states"], total=report["handovers"]),
            _table("Audiences", members),
        ),
    )
    answered = _table("Answered by sales", {**kept, **told})
    asked = (*_promises(report["promises"]), _period(report), *_groups(report))
    return Group(_EVER, "", beside, answered, _kpi(report["kpi"]), *asked)


def _table(title: str, rows: Mapping[str, Any], total: int | None = None) -> Table:
    table = Table(title=title, title_justify="left", show_header=False, min_width=24)
    table.add_column()
    table.add_column(justify="right")
    for name, value in rows.items():
        table.add_row(name, _number(value))
    if total is not None:
        table.add_section()
        table.add_row("all", _number(total))
    return table


def _promises(promises: Mapping[str, Mapping[str, Any]]) -> list[Table]:
    if not promises:
        return []
    table = Table(title="The agreement", title_justify="left")
    for column in ("promised", "so far", "of", "on pace for", "kept"):
        table.add_column(column, justify="left" if column == "promised" else "right")
    for name, side in promises.items():
        kept = "yes" if side["kept"] else "no"
        label = name.replace("_", " ")
        pace = _number(side["forecast"]) if "forecast" in side else ""
        table.add_row(label, _number(side["so_far"]), _number(side["target"]), pace, kept)
    return [table]


def _period(report: Mapping[str, Any]) -> Table:
    """The period in figures, of the leads that were asked for: the funnel, revenue, how soon sales answered, and what
    it rejected."""
    told, contact = report["figures"], report["contact"]
    rows = {name: told[name] for name in ("visits", "visitors", "leads", "mqls", "sqls")}
    rows |= {"mqls again": told["mqls_again"], "customers": told["customers"]}
    rows |= {f"revenue, {told['currency']}": told["revenue"]}
    rows |= {f"revenue, {name}": amount for name, amount in report["other_revenue"].items()}
    rows |= {f"contact {name}": contact[name] for name in ("kept", "broken", "running")}
    rows |= {"contacted in time, %": contact["kept_rate"], "hours to contact, half": contact["p50"]}
    rows |= {"hours to contact, 90 %": contact["p90"], "rejected": contact["rejected"]}
    rows |= {f"rejected: {why}": number for why, number in report["rejects"]["reasons"].items()}
    only = [f"{name} {value or 'none'}" for name, value in report["only"].items()]
    start, end = report["period"]["start"][:10], report["period"]["end"][:10]
    return _table(", ".join([f"{start} to {end}", *only]), rows)


def _groups(report: Mapping[str, Any]) -> list[Table]:
    if not report["groups"]:
        return []
    columns = ("leads", "mqls", "sqls", "customers", "revenue", "kept_rate", "rejected")
    table = Table(title=f"By {report['by']}", title_justify="left")
    table.add_column(report["by"])
    for column in columns:
        table.add_column(column.replace("kept_rate", "in time, %"), justify="right")
    for row in report["groups"]:
        table.add_row(row["name"] or "none", *(_number(row[column]) for column in columns))
    return [table]


def _kpi(kpi: Mapping[str, Any]) -> Table:
    currency = str(kpi.get("currency", ""))
    rows = {
        label: f"{_number(kpi[name])}{_UNITS.get(unit, f' {currency}' if unit else '')}"
        for name, (label, unit) in KPIS.items()
        if kpi.get(name) is not None
    }
    return _table("Key figures", rows)


def _number(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:,.1f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
