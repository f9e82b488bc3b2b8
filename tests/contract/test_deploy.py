"""What is under deploy/ fits the code: its settings, processes, ports, packages and metrics are there."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from pydantic_settings import BaseSettings

from cli.up import ProcessName
from gateway.settings import GatewaySettings
from kit.metrics import MetricName
from services.alerter.settings import AlerterSettings
from services.analyzer.settings import AnalyzerSettings
from services.collector.access import keys
from services.collector.settings import FrontSettings, WriterSettings
from services.reporter.settings import ReporterSettings

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
SETTINGS: dict[str, type[BaseSettings]] = {
    "collector": FrontSettings,
    "writer": WriterSettings,
    "analyzer": AnalyzerSettings,
    "alerter": AlerterSettings,
    "reporter": ReporterSettings,
    "gateway": GatewaySettings,
}
# The one variable that the image itself reads.
IMAGE_VARIABLE = "ASSAY_HEALTH_URL"
# What a service of the same name as its process can be told by everybody, whether or not it wants to know.
SHARED = {"ASSAY_PUBLIC_URL", "ASSAY_SECRETS_KEY", "ASSAY_SERVICE_KEY"}
SUFFIXES = ("_total", "_bucket", "_count", "_sum")


def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return loaded["services"]


def variables(settings: type[BaseSettings]) -> set[str]:
    """The environment variables that a process reads."""
    prefix = settings.model_config.get("env_prefix", "")
    return {str(field.validation_alias or f"{prefix}{name}".upper()) for name, field in settings.model_fields.items()}


@pytest.mark.parametrize("process", SETTINGS)
def test_every_process_is_composed_and_told_nothing_that_it_does_not_know(process: str) -> None:
    service = compose()[process]
    assert service["command"] == [process] == [ProcessName(process).value]
    assert set(service["environment"]) - SHARED - {IMAGE_VARIABLE} <= variables(SETTINGS[process])
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]


def test_the_processes_are_all_there_are() -> None:
    assert {process.value for process in ProcessName} == set(SETTINGS) == set(compose()) - {"postgres", "nats"}


def test_addresses_are_those_at_which_others_listen() -> None:
    services = compose()
    listening = {
        (name, value.rpartition(":")[2])
        for name, service in services.items()
        for key, value in (service.get("environment") or {}).items()
        if key.endswith("_LISTEN") and key.startswith("ASSAY_") and value != "true"
    }
    asked = [
        tuple(value.rsplit(":", 1))
        for service in services.values()
        for key, value in (service.get("environment") or {}).items()
        if key.endswith("_ADDRESS")
    ]
    watched = re.findall(r'"([a-z]+):(\d+)"', services["alerter"]["environment"]["ASSAY_ALERTER_WATCHED_ADDRESSES"])
    assert len(asked) == 10
    assert {*asked, *watched} <= listening
    published = {(name, port.rpartition(":")[2]) for name, service in services.items() for port in service.get("ports", ())}
    assert published <= listening
    assert all(port.startswith("127.0.0.1:") for service in services.values() for port in service.get("ports", ()))


def test_nothing_that_must_be_secret_has_a_default() -> None:
    text = (DEPLOY / "compose.yaml").read_text()
    wanted = set(re.findall(r"\$\{([A-Z_]+):\?", text))
    assert wanted == {"POSTGRES_PASSWORD", "NATS_PASSWORD", "ASSAY_SERVICE_KEY", "ASSAY_SECRETS_KEY", "ASSAY_COLLECTOR_BOOTSTRAP_KEY"}
    told = dict(line.split("=", 1) for line in (DEPLOY / "assay.env.example").read_text().splitlines() if line and line[0] != "#")
    assert {name for name, value in told.items() if not value} == wanted


def test_the_keys_that_the_example_makes_are_keys() -> None:
    (program,) = re.findall(r"python3 -c '(.*assay_.*)'", (DEPLOY / "assay.env.example").read_text())
    made: list[str] = []
    exec(program, {"print": made.append})  # the line that a reader is told to run
    assert keys.parse(made[0]).key_id


def test_the_image_has_the_packages_that_are_tested_and_the_folders_that_are_run() -> None:
    pinned = re.compile(r"^(\S+==\S+)", re.MULTILINE)
    assert set(pinned.findall((DEPLOY / "requirements.lock").read_text())) <= set(pinned.findall((ROOT / "requirements.lock").read_text()))
    copied = re.findall(r"^COPY ([a-z_/]+)/ ", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    assert {"gen", "kit", "services", "gateway", "cli", "client/assay_client"} <= set(copied)
    assert all((ROOT / folder).is_dir() for folder in copied)


def test_units_start_processes() -> None:
    unit = (DEPLOY / "systemd" / "assay@.service").read_text()
    started = re.findall(r"assay@([a-z]+)", unit.splitlines()[0])
    assert started == list(SETTINGS)
    assert "assay up %i" in unit


def chart_values() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((DEPLOY / "helm" / "values.yaml").read_text())
    return loaded


@pytest.mark.parametrize("process", SETTINGS)
def test_the_chart_tells_every_process_what_it_knows_and_listens_where_its_ports_are(process: str) -> None:
    charted = chart_values()["processes"][process]
    assert set(charted["settings"]) <= variables(SETTINGS[process])
    listening = {int(value.rpartition(":")[2]) for name, value in charted["settings"].items() if name.endswith("_LISTEN")}
    assert listening == {*charted["ports"].values(), charted["ops"]}


def test_the_chart_has_the_processes_there_are_and_each_asks_where_the_other_listens() -> None:
    processes = chart_values()["processes"]
    assert set(processes) == set(SETTINGS)
    told = " ".join(value for process in processes.values() for value in process["settings"].values())
    asked = re.findall(r'include "assay.host" \(list . "(\w+)"\) }}:(\d+)', told)
    assert len(asked) == 12
    assert {(name, int(port)) for name, port in asked} <= {(name, process["ports"].get("grpc")) for name, process in processes.items()}


def test_the_chart_gives_processes_settings_and_secrets_that_they_know() -> None:
    template = (DEPLOY / "helm" / "templates" / "deployments.yaml").read_text()
    everybody = set(re.findall(r"name: (ASSAY_[A-Z_]+)", template)) - SHARED
    assert everybody and all(everybody <= variables(settings) for settings in SETTINGS.values())
    secrets = set(re.findall(r"ASSAY_[A-Z_]+", (DEPLOY / "helm" / "values.yaml").read_text().split("\nsecret:")[0]))
    assert {"ASSAY_SERVICE_KEY", "ASSAY_SECRETS_KEY", "ASSAY_DATABASE_URL"} <= secrets <= variables(FrontSettings)
    assert '{{- if ne $name "gateway" }}\n          envFrom:' in template


def rendered(values: dict[str, Any]) -> dict[tuple[str, str], Any]:
    """The chart's objects by kind and name."""
    helm = pytest.importorskip("helm_python", reason="helm-python-sdk is not installed: the chart is not rendered")
    with helm.Chart.load(str(DEPLOY / "helm")) as chart:
        manifests = chart.render(values, name="assay", namespace="assay")
    objects = (one for text in manifests.values() for one in yaml.safe_load_all(text) if one)
    return {(one["kind"], one["metadata"]["name"]): one for one in objects}


def test_the_chart_renders_to_deployments_that_others_reach_and_that_scale_once() -> None:
    objects = rendered({})
    for process, settings in SETTINGS.items():
        pods = objects["Deployment", f"assay-{process}"]["spec"]["template"]
        (container,) = pods["spec"]["containers"]
        assert container["args"] == [process]
        assert {"Service", "PodDisruptionBudget", "NetworkPolicy"} <= {kind for kind, name in objects if name == f"assay-{process}"}
        assert objects["Service", f"assay-{process}"]["spec"]["selector"] == pods["metadata"]["labels"]
        scaled = ("HorizontalPodAutoscaler", f"assay-{process}") in objects
        assert scaled is ("replicas" not in objects["Deployment", f"assay-{process}"]["spec"]) is (process in {"collector", "writer"})
        assert {one["name"] for one in container["env"]} <= variables(settings) | SHARED
        asked = [one["value"] for one in container["env"] if one["name"].endswith("_ADDRESS")]
        assert all(("Service", address.partition(":")[0]) in objects for address in asked)


def test_the_chart_with_tls_has_no_insecure_setting_and_without_policies_none() -> None:
    objects = rendered({"tls": {"secret": "certificates", "serverName": "assay.example.com"}, "networkPolicy": {"enabled": False}})
    for process in SETTINGS:
        (container,) = objects["Deployment", f"assay-{process}"]["spec"]["template"]["spec"]["containers"]
        told = {one["name"]: one["value"] for one in container["env"]}
        assert told["ASSAY_TLS_CERTIFICATE"] == "/tls/tls.crt"
        assert not [name for name in told if "INSECURE" in name]
        assert {container[probe]["httpGet"]["scheme"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")} == {"HTTPS"}
    assert "NetworkPolicy" not in {kind for kind, _ in objects}


def metric_names(expression: str) -> Iterator[str]:
    for name in re.findall(r"\bassay_[a-z0-9_]+", expression):
        yield next((name.removesuffix(suffix) for suffix in SUFFIXES[1:] if name.endswith(suffix)), name)


def test_rules_name_metrics_and_labels_that_there_are() -> None:
    groups = yaml.safe_load((DEPLOY / "prometheus" / "rules.yaml").read_text())["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    recorded = {rule["record"] for rule in rules if "record" in rule}
    assert {name for rule in rules for name in metric_names(rule["expr"])} <= set(get_args(MetricName))
    assert {name for rule in rules for name in re.findall(r"\bassay:[a-z0-9_:]+", rule["expr"])} <= recorded
    assert all({"summary", "description"} <= set(rule["annotations"]) for rule in rules if "alert" in rule)
