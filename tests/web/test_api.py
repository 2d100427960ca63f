"""Figures and records for whoever holds the token; health for whoever runs the server."""

import base64

import httpx
import pytest
from pydantic import SecretStr

from nurture.settings import Settings
from tests.support.web import connect

BEARER = {"authorization": "Bearer token"}
TOLD = {"anonymousId": "a", "event": "Looked"}
CLOSED = ("/api/report", "/api/audiences", "/api/leads/l1", "/api/handovers", "/metrics")

SUMMARY = {
    "leads": 1240,
    "touches": 9000,
    "handovers": 12,
    "stages": {"lead": 900, "mql": 40},
    "personas": {"it-manager": 20},
    "mails": {"sent": 300, "refused": {"no_consent": 7}, "unknown": 0},
    "sla": {"kept": 9, "broken": 1, "running": 2},
    "audiences": {"it-managers": {"desired": 5, "confirmed": 4, "pending": 1, "owed_removals": 0}},
    "kpi": {"visit_to_lead": 4.2, "mql_rate": None, "revenue": 250000},
    "promises": {
        "sqls": {"so_far": 17, "target": 20, "forecast": 22, "kept": True},
        "customers": {"so_far": 1, "target": 4, "forecast": 2, "kept": False},
        "average_revenue": {"so_far": 25000, "target": 20000, "kept": True},
    },
    "period": {"name": "2026-11", "start": "2026-11-01T00:00", "end": "2026-12-01T00:00"},
    "by": "persona",
    "figures": {
        "visits": 7001,
        "visitors": 400,
        "leads": 90,
        "mqls": 30,
        "sqls": 17,
        "customers": 1,
        "mqls_again": 2,
        "visit_to_lead": 22.5,
        "mql_rate": 33.3,
        "sql_rate": 56.7,
        "close_rate": 5.9,
        "revenue": 25000,
        "revenue_per_customer": 25000.0,
        "days_to_first_order": 12.5,
    },
    "other_revenue": {"EUR": 300},
    "groups": [
        {
            "name": "it-manager",
            "leads": 60,
            "mqls": 20,
            "sqls": 12,
            "customers": 1,
            "close_rate": 8.3,
            "revenue": 25000,
            "kept_rate": 90.0,
            "rejected": 3,
        }
    ],
    "persona_promises": {
        "it-manager": {
            "title": "IT manager",
            "so_far": 12,
            "target": 10,
            "forecast": 15,
            "kept": True,
        }
    },
    "contact": {
        "handovers": 12,
        "kept": 9,
        "broken": 1,
        "running": 2,
        "rejected": 3,
        "kept_rate": 90.0,
        "p50": 6.5,
        "p90": 40.0,
        "histogram": [{"up_to": 1, "number": 4}, {"up_to": None, "number": 5}],
        "silent": 3,
    },
    "rejects": {
        "reasons": {"no budget": 3},
        "rules": [
            {
                "name": "demo",
                "title": "Asked for a demo",
                "handovers": 8,
                "rejected": 1,
                "rate": 12.5,
            }
        ],
        "triggers": [
            {"name": "score", "title": "score", "handovers": 12, "rejected": 3, "rate": 25.0}
        ],
    },
}


@pytest.mark.parametrize("path", CLOSED)
async def test_figures_and_records_need_the_token(client, path):
    for headers in ({}, {"authorization": "Bearer wrong"}, {"authorization": "Basic wk"}):
        answer = await client.get(path, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Basic")


@pytest.mark.parametrize("path", CLOSED)
async def test_a_program_shows_the_token_and_a_person_types_it_as_password(client, path):
    typed = {"authorization": "Basic " + base64.b64encode(b"me:token").decode()}
    assert (await client.get(path, headers=BEARER)).status_code == 200
    assert (await client.get(path, headers=typed)).status_code == 200


async def test_while_one_token_takes_anothers_place_both_open(world):
    world.settings = Settings(api_token=SecretStr("old new"), http_host="0.0.0.0")
    async with connect(world.app()) as client:
        for token, status in (("old", 200), ("new", 200), ("old new", 401), ("", 401)):
            headers = {"authorization": f"Bearer {token}"}
            assert (await client.get(CLOSED[0], headers=headers)).status_code == status
            told = await client.post("/v1/track", headers=headers, json=TOLD)
            assert told.status_code == status


@pytest.mark.parametrize(
    ("settings", "status"),
    [
        (Settings(), 200),
        (Settings(http_host="0.0.0.0"), 401),
        (Settings(public_url="https://m.example"), 401),
    ],
)
async def test_without_a_token_only_a_developers_own_machine_is_open(world, settings, status):
    world.settings = settings
    async with connect(world.app()) as client:
        here = {"host": "127.0.0.1:8080"}
        assert (await client.get("/api/report", headers=here)).status_code == status
        made_to_point_here = {"host": "evil.example"}
        assert (await client.get("/api/report", headers=made_to_point_here)).status_code == 401


async def test_a_lead_is_found_by_id_and_by_an_address_that_stays_out_of_the_url(client):
    assert (await client.get("/api/leads/l1", headers=BEARER)).json() == {"id": "l1"}
    found = await client.post("/api/leads/find", headers=BEARER, json={"email": "ada@firm.example"})
    assert found.json() == {"id": "l1"}
    missing = await client.post("/api/leads/find", headers=BEARER, json={"email": "x@firm.example"})
    assert (missing.status_code, missing.json()["code"]) == (404, "unknown_lead")


async def test_handovers_are_listed(client):
    answer = await client.get("/api/handovers?open_only=true", headers=BEARER)
    assert answer.json() == [{"id": "h1", "open_only": True}]
    wrong = await client.get("/api/handovers?open_only=perhaps", headers=BEARER)
    assert (wrong.status_code, wrong.json()["code"]) == (422, "invalid")


async def test_a_list_that_is_longer_than_a_page_says_where_it_goes_on(client, world):
    world.reports.in_hand = 405
    world.notices.lost = [f"n{number}" for number in range(201)]
    path, pages = "/api/handovers?open_only=true", []
    while path:
        answer = await client.get(path, headers=BEARER)
        pages.append([row["id"] for row in answer.json()])
        path = answer.links.get("next", {}).get("url")
    assert [len(page) for page in pages] == [200, 200, 5]
    assert len({id for page in pages for id in page}) == 405
    answer = await client.get("/api/notices", headers=BEARER)
    assert answer.links["next"]["url"] == "/api/notices?after=n199"
    rest = await client.get("/api/notices?after=n199", headers=BEARER)
    assert ([row["id"] for row in rest.json()], rest.links) == (["n200"], {})


async def test_a_crm_answers_as_sales_does(client, world):
    path = "/api/handovers/h1/answers"
    body = {"state": "contacted", "how": "call", "by": "CRM"}
    answer = await client.post(path, headers=BEARER, json=body)
    assert answer.json() == {"message": "Noted: contacted."}
    assert world.desk.answers[0].by == "CRM"
    conflict = await client.post(path, headers=BEARER, json={"state": "accepted"})
    assert (conflict.status_code, conflict.json()["code"]) == (409, "contradiction")
    assert (await client.post(path, headers=BEARER, json={"state": "nonsense"})).status_code == 400
    assert (
        await client.post("/api/handovers/h2/answers", headers=BEARER, json={})
    ).status_code == 404


async def test_a_month_and_a_dimension_can_be_asked_for(client, world):
    world.reports.figures = SUMMARY
    query = "?month=2026-10&by=owner"
    told = (await client.get(f"/api/report{query}", headers=BEARER)).json()
    assert told["asked"] == ["2026-10", "owner"]


async def test_alive_is_not_the_same_as_ready(client, world):
    world.problems = ["the database schema is behind; run `nurture db upgrade`"]
    assert (await client.get("/healthz")).status_code == 200
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()["problems"]) == (503, world.problems)
    world.problems = []
    assert (await client.get("/readyz")).status_code == 200


async def test_a_server_is_ready_for_touches_also_while_temporal_is_away(client, world):
    world.problems = ["Temporal does not answer; touches are kept until it does"]
    assert (await client.get("/readyz")).status_code == 503
    assert (await client.get("/readyz?exclude=temporal")).status_code == 200
    assert (await client.get("/readyz?exclude=everything")).status_code == 422


async def test_the_metrics_count_messages_by_source_and_requests_by_route(client):
    body = {"writeKey": "wk", "batch": [{"type": "page", "anonymousId": "a"}, {}]}
    await client.post("/v1/batch", json=body)
    await client.get("/nowhere/at/all")
    text = (await client.get("/metrics", headers=BEARER)).text
    assert 'nurture_messages_total{outcome="accepted",source="website"} 1.0' in text
    assert 'nurture_messages_total{outcome="refused",source="website"} 1.0' in text
    assert 'route="/v1/batch",status="200"} 1.0' in text
    assert "nowhere" not in text
    assert 'nurture_due{kind="enrolments"} 3.0' in text


async def test_methods_that_a_stranger_makes_up_are_counted_as_one(client):
    for n in range(3):
        await client.request(f"STRANGER-{n}", "/healthz")
    text = (await client.get("/metrics", headers=BEARER)).text
    assert 'method="other",route="/healthz",status="405"} 3.0' in text
    assert "STRANGER" not in text


async def test_pages_and_styles_are_served_from_here(client: httpx.AsyncClient):
    css = await client.get("/static/nurture.css")
    assert css.headers["content-type"].startswith("text/css")
    assert "url(" not in css.text
    assert "@import" not in css.text


async def test_every_route_is_described(client):
    paths = (await client.get("/openapi.json")).json()["paths"]
    assert {"/v1/batch", "/v1/{call}", "/forms/{form_id}", "/h/{token}", "/api/report"} <= set(
        paths
    )
    for path, methods in paths.items():
        for method, operation in methods.items():
            assert operation.get("tags"), (path, method)
            assert operation.get("summary"), (path, method)


async def test_a_person_is_forgotten_by_the_api_and_only_with_the_token(client, world):
    assert (await client.delete("/api/leads/l1")).status_code == 401
    answer = await client.delete("/api/leads/l1", headers=BEARER)
    assert (answer.status_code, answer.json()["audiences"]) == (200, ["it-managers"])
    assert world.privacy.erased == [("l1", "api")]
    assert (await client.delete("/api/leads/nobody", headers=BEARER)).status_code == 404


async def test_a_crm_moves_a_lead_to_a_stage(client, world):
    body = {"lead": "l1", "stage": "sql", "reason": "talked"}
    answer = await client.post("/api/leads/stage", json=body, headers=BEARER)
    assert answer.json() == {"stage": "sql", "before": "lead"}
    assert world.stages.moved == [("l1", "sql", "sales", "talked")]


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({"stage": "sql"}, 400, "lead: is needed"),
        ({"lead": "l1"}, 400, "stage: is needed"),
        ({"lead": "l1", "stage": "closed"}, 409, "closed is reached by import"),
    ],
)
async def test_a_stage_that_cannot_be_given_is_refused_with_what_can(client, body, status, says):
    answer = await client.post("/api/leads/stage", json=body, headers=BEARER)
    assert answer.status_code == status
    assert says in answer.json()["message"]
