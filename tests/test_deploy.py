"""What deploy/ promises is held against the product: a setting that was renamed is found here."""

import asyncio
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import kubernetes_validate
import promql_parser
import pytest
from compose_spec import PyCompose
from pydantic import SecretStr
from temporalio import activity
from temporalio.client import Client

from activities import queues
from cli import VERBS
from embedded.skipping import skipping_server
from nurture.playbook.source import read_files
from nurture.settings import PREFIX, Settings
from nurture.settings import load as load_settings
from nurture.store import messages
from nurture.store.database import Database
from nurture.versions.shelf import Shelf
from services import assemble
from tests.support.deploy import DEPLOY, OPERATIONS, ROOT, load
from tests.support.domain import NOW
from tests.support.ports import free_port
from workflows import telemetry
from workflows.worker import Workers

FILES = [path for path in DEPLOY.rglob("*") if path.is_file() and path.suffix != ".json"]
METRIC = re.compile(r"\b(nurture_[a-z_]+?)(?:_total|_bucket|_count|_sum)?(?=[{)\[ \"]|$)", re.M)

SECRET = f"whsec_{'A' * 43}="
"""Will do for each of them."""


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_setting_named_there_exists(path: Path) -> None:
    named = set(re.findall(r"\bNURTURE_([A-Z_]+[A-Z])", path.read_text(encoding="utf-8")))
    known = {name.upper() for name in Settings.model_fields}
    assert {name.removesuffix("_FILE") for name in named} <= known


def assigned(text: str) -> dict[str, str]:
    """The lines NAME=value of a file for an environment."""
    return dict(re.findall(r"(?m)^(\w+)=(.*)$", text))


def compose() -> dict[str, str]:
    [file] = load(DEPLOY / "compose" / "compose.yaml")
    server = file["services"]["server"]
    told = (DEPLOY / "compose" / f"{server['env_file']}.example").read_text(encoding="utf-8")
    return {**assigned(told), **server["environment"]}


def made_secrets() -> dict[str, dict[str, str]]:
    """Those that the README makes in Kubernetes, by name: what each holds."""
    readme = (DEPLOY / "README.md").read_text(encoding="utf-8").replace("\\\n", "")
    made = re.findall(r"kubectl create secret generic (\S+)(.*)", readme)
    return {name: dict(re.findall(r"--from-literal=(\w+)=(\S+)", held)) for name, held in made}


def kubernetes() -> dict[str, str]:
    """The map in the manifests, and the secret that the README makes."""
    parts = load(DEPLOY / "kubernetes" / "nurture.yaml")
    [told] = [part["data"] for part in parts if part["kind"] == "ConfigMap"]
    return {**told, **made_secrets()["nurture"]}


def systemd() -> dict[str, str]:
    return assigned((DEPLOY / "systemd" / "nurture.env.example").read_text(encoding="utf-8"))


@pytest.mark.parametrize("example", [compose, kubernetes, systemd], ids=lambda each: each.__name__)
async def test_an_example_whose_secrets_are_filled_in_is_enough_to_start(
    example: Callable[[], dict[str, str]],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    sqlite_template: Path,
) -> None:
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)
    for name, value in example().items():
        setting = name.removesuffix("_FILE")
        field = Settings.model_fields.get(setting.removeprefix(PREFIX).lower())
        monkeypatch.setenv(setting, SECRET if field and field.annotation is SecretStr else value)
    url = f"sqlite+aiosqlite:///{shutil.copy(sqlite_template, tmp_path)}"
    settings = load_settings(database_url=url)
    told = settings.public_url, settings.smtp_host, settings.sales_url, settings.meta_url
    assert not [address for address in told if "127.0.0.1" in address or not address], "stand-ins"
    db = Database(url)
    await Shelf(db).apply(read_files(ROOT), "ida", NOW)
    await db.close()
    async with assemble(settings, lazy=True):
        pass


@pytest.mark.parametrize("path", sorted(DEPLOY.rglob("*.yaml")), ids=lambda path: path.name)
def test_every_file_is_well_formed(path: Path) -> None:
    assert all(load(path))


@pytest.mark.parametrize("example", [compose, kubernetes, systemd], ids=lambda each: each.__name__)
def test_every_example_says_by_which_keys_websites_report(
    example: Callable[[], dict[str, str]],
) -> None:
    """Else the key that everybody knows from the docs is taken."""
    assert example()["NURTURE_WRITE_KEYS"] == "website:change-me"


@pytest.mark.parametrize("name", ["prometheus.yaml", "kubernetes.yaml"])
def test_the_jobs_that_alerts_ask_for_are_scraped(name: str) -> None:
    [scraped] = load(DEPLOY / "prometheus" / name)
    alerts = (DEPLOY / "prometheus" / "alerts.yaml").read_text(encoding="utf-8")
    jobs = [each["job_name"] for each in scraped["scrape_configs"]]
    assert set(jobs) == set(re.findall(r'job="([^"]+)"', alerts))


def test_in_kubernetes_the_ports_that_are_scraped_are_those_of_the_pods() -> None:
    [scraped] = load(DEPLOY / "prometheus" / "kubernetes.yaml")
    kept = {rule["regex"] for each in scraped["scrape_configs"] for rule in each["relabel_configs"]}
    pods = [
        part["spec"]["template"]
        for part in load(DEPLOY / "kubernetes" / "nurture.yaml")
        if part["kind"] == "Deployment"
    ]
    assert kept == {
        f"{pod['metadata']['labels']['app']};{port['name']}"
        for pod in pods
        for port in pod["spec"]["containers"][0]["ports"]
    }


def container(deployment: str) -> dict[str, Any]:
    """Its only one in Kubernetes."""
    [found] = [
        part["spec"]["template"]["spec"]["containers"]
        for part in load(DEPLOY / "kubernetes" / "nurture.yaml")
        if (part["kind"], part["metadata"]["name"]) == ("Deployment", deployment)
    ]
    [only] = found
    return dict(only)


@pytest.mark.parametrize("door", ["nurture-server", "nurture-worker"])
def test_in_kubernetes_a_pod_that_waits_for_the_schema_is_given_the_time(door: str) -> None:
    probe = container(door)["startupProbe"]
    patience = float(kubernetes()["NURTURE_PATIENCE"])
    assert probe["periodSeconds"] * probe["failureThreshold"] > patience


async def test_in_kubernetes_workers_of_the_release_before_go_on_until_a_new_one_asks_for_work() -> (
    None
):
    _, option, code = container("nurture-worker")["startupProbe"]["exec"]["command"]
    port = free_port()
    assert f", {kubernetes()['NURTURE_METRICS_PORT']})" in code
    words = [sys.executable, option, code.replace("9090", str(port))]

    async def started() -> bool:
        asked = await asyncio.create_subprocess_exec(*words, stderr=asyncio.subprocess.DEVNULL)
        return await asked.wait() == 0

    assert not await started(), "before it shows anything"
    with telemetry.opened("worker", Settings(metrics_port=port)) as told:
        async with await skipping_server() as temporal:
            address = temporal.client.service_client.config.target_host
            client = await Client.connect(address, runtime=told.runtime)
            assert not await started(), "while it waits for the schema"
            async with Workers(client, "q", {queues.ADS: [nothing]}, {queues.ADS}):
                async with asyncio.timeout(20):
                    while not await started():
                        pass


@activity.defn
async def nothing() -> None:
    """A worker has to be able to do something."""


def test_a_stopping_worker_has_longer_than_its_own_grace() -> None:
    [compose] = load(DEPLOY / "compose" / "compose.yaml")
    assert compose["services"]["worker"]["stop_grace_period"] == "60s"
    units = (DEPLOY / "systemd" / "nurture-worker@.service").read_text(encoding="utf-8")
    assert "TimeoutStopSec=60" in units
    deployments = {
        part["metadata"]["name"]: part
        for part in load(DEPLOY / "kubernetes" / "nurture.yaml")
        if part["kind"] == "Deployment"
    }
    pods = deployments["nurture-worker"]["spec"]["template"]["spec"]
    assert pods["terminationGracePeriodSeconds"] == 60


def test_every_container_starts_a_verb_that_exists() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in FILES)
    started = set(re.findall(r"\[nurture, (\w+)", text))
    assert started == {"serve", "worker", "db", "apply"}
    assert started <= VERBS.keys()


def test_a_playbook_comes_into_force_when_no_process_of_the_release_before_is_left() -> None:
    [compose] = load(DEPLOY / "compose" / "compose.yaml")
    services = compose["services"]
    assert set(services["apply"]["depends_on"]) == {"server", "worker"}
    for door in ("server", "worker"):
        assert "release" in services[door]["depends_on"]
        assert services[door]["environment"]["NURTURE_PATIENCE"], "until it is, at first"
    assert services["release"]["command"] == ["nurture", "db", "upgrade"]
    rolled_out, applied = (
        (DEPLOY / "kubernetes" / name).read_text() for name in ("nurture.yaml", "apply.yaml")
    )
    assert "[nurture, apply]" in applied
    assert "[nurture, apply]" not in rolled_out
    readme = (DEPLOY / "README.md").read_text()
    assert re.search(r"(?s)rollout status .*kubernetes/apply\.yaml", readme)
    assert re.search(r"(?s)`nurture db upgrade`, restart the server.*then `nurture apply`", readme)


def test_a_worker_tells_temporal_which_release_it_is_of() -> None:
    """So that leads in flight go over to a new one, and none comes back to an old one while both run."""
    dockerfile = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    *_, last = dockerfile.split("FROM ")
    assert 'ARG RELEASE=""' in last
    assert "NURTURE_BUILD_ID=$RELEASE" in last
    [compose] = load(DEPLOY / "compose" / "compose.yaml")
    worker = compose["services"]["worker"]
    assert worker["build"]["args"] == {"RELEASE": "${RELEASE:-}"}
    assert worker["image"] == "nurture:${RELEASE:-latest}"


def test_every_secret_of_the_installation_is_made() -> None:
    [compose] = load(DEPLOY / "compose" / "compose.yaml")
    made = (DEPLOY / "compose" / "secrets.sh").read_text(encoding="utf-8")
    assert set(compose["secrets"]) <= set(re.findall(r"(?m)^keep (\S+)", made))


@pytest.mark.parametrize("path", sorted(DEPLOY.glob("kubernetes/*")), ids=lambda path: path.name)
def test_every_secret_that_kubernetes_asks_for_is_made(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    asked = re.findall(r"(?:existingSecret|secretRef): (?:\{name: )?([\w-]+)", text)
    assert asked
    assert set(asked) <= made_secrets().keys()
    for name, key in re.findall(r"existingSecret: (\S+)\s+secretKey: (\S+)", text):
        assert key in made_secrets()[name]


def test_temporals_chart_is_told_in_the_words_of_the_version_that_is_installed() -> None:
    """Those of charts before 1.0 it refuses: databases that it brought along, and stores without `datastores`."""
    readme = (DEPLOY / "README.md").read_text(encoding="utf-8")
    repository = "--repo https://go.temporal.io/helm-charts"
    assert re.search(rf"helm install temporal temporal {repository} --version 1\.\d+\.\d+ ", readme)
    [values] = load(DEPLOY / "kubernetes" / "temporal-values.yaml")
    assert set(values) == {"server", "admintools"}
    assert set(values["server"]) == {"image", "dynamicConfig", "config"}
    assert set(values["server"]["config"]) == {"persistence", "namespaces"}
    persistence = values["server"]["config"]["persistence"]
    stores = {persistence.pop("defaultStore"), persistence.pop("visibilityStore")}
    assert set(persistence) == {"numHistoryShards", "datastores"}
    assert set(persistence["datastores"]) == stores
    for store in persistence["datastores"].values():
        assert {"pluginName", "databaseName", "connectAddr", "connectProtocol"} <= set(store["sql"])


def test_temporal_in_kubernetes_is_the_one_of_compose_and_where_nurture_looks_for_it() -> None:
    [values] = load(DEPLOY / "kubernetes" / "temporal-values.yaml")
    [compose] = load(DEPLOY / "compose" / "compose.yaml")
    services = compose["services"]
    server = values["server"]
    assert services["temporal"]["image"] == f"temporalio/server:{server['image']['tag']}"
    tools = values["admintools"]["image"]["tag"]
    assert services["temporal-schema"]["image"] == f"temporalio/admin-tools:{tools}"
    assert server["config"]["persistence"]["numHistoryShards"] == int(
        services["temporal"]["environment"]["NUM_HISTORY_SHARDS"]
    )
    told = kubernetes()
    assert told["TEMPORAL_ADDRESS"] == "temporal-frontend:7233"  # <release>-frontend, in the chart
    [namespace] = server["config"]["namespaces"]["namespace"]
    assert told["TEMPORAL_NAMESPACE"] == namespace["name"]


def rules() -> list[dict[str, Any]]:
    [alerts] = load(DEPLOY / "prometheus" / "alerts.yaml")
    return [rule for group in alerts["groups"] for rule in group["rules"]]


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_every_alert_has_a_runbook(rule: dict[str, Any]) -> None:
    runbooks = OPERATIONS.read_text(encoding="utf-8")
    assert f"\n### {rule['alert']}\n" in runbooks


def asked() -> list[str]:
    """What the alerts and the dashboard's panels ask Prometheus."""
    shown = json.loads((DEPLOY / "grafana" / "nurture.json").read_text(encoding="utf-8"))
    panels = [target["expr"] for panel in shown["panels"] for target in panel["targets"]]
    return [rule["expr"] for rule in rules()] + panels


@pytest.mark.parametrize("question", asked())
def test_prometheus_understands_what_it_is_asked(question: str) -> None:
    promql_parser.parse(question.replace("$__rate_interval", "5m"))


@pytest.mark.parametrize("name", ["nurture.yaml", "apply.yaml", "hand.yaml"])
def test_kubernetes_understands_the_manifests(name: str) -> None:
    for part in load(DEPLOY / "kubernetes" / name):
        kubernetes_validate.validate(part, "1.33", strict=True)


def test_compose_understands_its_file() -> None:
    [compose] = load(DEPLOY / "compose" / "compose.yaml")
    filled_in = re.sub(r"\$\{\w+:-(\w*)\}", r"\1", json.dumps(compose))  # as it does itself
    PyCompose.from_json(filled_in).validate()


def test_alerts_and_dashboard_ask_for_metrics_that_exist() -> None:
    sources = "".join(
        (ROOT / "nurture" / place).read_text(encoding="utf-8")
        for place in ("store/vitals.py", "web/measures.py")
    )
    names = {name for expression in asked() for name in METRIC.findall(expression)}
    assert len(names) > 5
    assert {name for name in names if f'"{name}"' not in sources} == set()


def test_alerts_ask_for_mails_in_states_that_exist() -> None:
    named = re.findall(r'nurture_mails\{state[=!~]+"([a-z|]+)"', "".join(asked()))
    assert named
    assert {state for states in named for state in states.split("|")} <= set(messages.STATES)


def test_what_one_part_names_of_another_is_there() -> None:
    """Compose's files and services, and Kubernetes' labels and ports."""
    [compose] = load(DEPLOY / "compose" / "compose.yaml")
    for service in compose["services"].values():
        assert set(service.get("depends_on", {})) <= set(compose["services"])
        assert set(service.get("secrets", ())) <= set(compose["secrets"])
        for volume in service.get("volumes", ()):
            place = volume.split(":")[0]
            assert place in compose["volumes"] or (DEPLOY / "compose" / place).exists(), place
    parts = load(DEPLOY / "kubernetes" / "nurture.yaml")
    pods = [part["spec"]["template"] for part in parts if part["kind"] == "Deployment"]
    labels = [pod["metadata"]["labels"] for pod in pods]
    for part in parts:
        chosen = part["spec"].get("selector") if "spec" in part else None
        if chosen:
            assert chosen.get("matchLabels", chosen) in labels, part["metadata"]["name"]
    ports = {port["name"] for pod in pods for port in pod["spec"]["containers"][0]["ports"]}
    [service] = [part for part in parts if part["kind"] == "Service"]
    assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports


@pytest.mark.parametrize(("number", "port"), [("1", "9091"), ("12", "9102")])
def test_each_worker_of_a_machine_has_a_port_of_its_own_and_the_release_of_its_folder(
    number: str, port: str, tmp_path: Path
) -> None:
    (tmp_path / "nurture-7").mkdir()
    (link := tmp_path / "nurture").symlink_to("nurture-7")
    unit = (DEPLOY / "systemd" / "nurture-worker@.service").read_text(encoding="utf-8")
    [line] = re.findall(r"(?m)^ExecStart=(.+)$", unit)
    shown = line.replace("/opt/nurture/.venv/bin/nurture worker", "env")
    here = shown.replace("%i", number).replace("$$", "$").replace("/opt/nurture", str(link))
    told = subprocess.run(shlex.split(here), capture_output=True, text=True, check=True)
    given = assigned(told.stdout)
    assert (given["NURTURE_METRICS_PORT"], given["NURTURE_BUILD_ID"]) == (port, "nurture-7")


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed here")
def test_systemd_understands_the_units(tmp_path: Path) -> None:
    for unit in (DEPLOY / "systemd").glob("*.service"):
        text = unit.read_text(encoding="utf-8")
        here = re.sub(r"(?m)^ExecStart=\S+", f"ExecStart={sys.executable}", text)
        (tmp_path / unit.name.replace("@", "@1")).write_text(here)
    units = map(str, tmp_path.glob("*.service"))
    words = ["systemd-analyze", "verify", "--man=no", *units]
    told = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (told.returncode, told.stderr) == (0, "")
