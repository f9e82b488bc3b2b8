"""What is shipped for Prometheus and Grafana fits the code, and is read by the real tools where they are installed."""

import importlib.util
import json
import re
import shutil
import subprocess
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import pytest
import yaml

from kit.metrics import MetricName
from services.collector.domain.exposition import FAMILIES, METRIC_NAMES
from services.collector.export.targets import Dimension, read_targets
from services.collector.store.metrics import DIMENSIONS

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
GRAFANA, PROMETHEUS = DEPLOY / "grafana", DEPLOY / "prometheus"
SUFFIXES = ("_bucket", "_count", "_sum")
LABELS = {"project", *DIMENSIONS, "outcome", "kind", "le"}


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("grafana_generate", GRAFANA / "generate.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def known(name: str) -> bool:
    """Whether a process counts it of itself, or the exposition has it."""
    return name in METRIC_NAMES or {name, *(name.removesuffix(suffix) for suffix in SUFFIXES)} & set(get_args(MetricName)) != set()


def expressions_of(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [value for key, value in node.items() if key in {"expr", "definition"}]
        return own + [each for value in node.values() for each in expressions_of(value)]
    return [each for value in node for each in expressions_of(value)] if isinstance(node, list) else []


def test_dashboards_are_as_the_script_writes_them(generate: ModuleType) -> None:
    for name, content in generate.files().items():
        assert (GRAFANA / name).read_text() == content, f"{name} is stale: python deploy/grafana/generate.py"
    committed = {str(path.relative_to(GRAFANA)) for path in (GRAFANA / "provisioning").rglob("*") if path.is_file()}
    assert committed == set(generate.files())


def test_dashboards_ask_for_metrics_and_labels_that_there_are(generate: ModuleType) -> None:
    for name, content in generate.files().items():
        if name.endswith(".json"):
            board = json.loads(content)
            expressions = expressions_of(board)
            assert len(expressions) >= len(board["panels"]) >= 12
            asked = {each for expression in expressions for each in re.findall(r"\bassay_[a-z_]+", expression)}
            assert asked and {each for each in asked if not known(each)} == set()
        elif name.startswith("provisioning/datasources"):
            assert yaml.safe_load(content)["datasources"][0]["uid"] == generate.DATA_SOURCE["uid"]
    assert set(re.findall(r"(\w+)=~", generate.CHOSEN)) <= LABELS


def test_rules_of_providers_ask_for_metrics_that_there_are() -> None:
    groups = yaml.safe_load((PROMETHEUS / "providers.yaml").read_text())["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    recorded = {rule["record"] for rule in rules if "record" in rule}
    for rule in rules:
        assert {each for each in re.findall(r"\bassay_[a-z_]+", rule["expr"]) if not known(each)} == set()
        assert set(re.findall(r"\bassay:[a-z0-9_:]+", rule["expr"])) <= recorded


def test_prometheus_own_tool_reads_rules_and_configuration(tmp_path: Path, generate: ModuleType) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("needs promtool: apt-get install prometheus")
    folder = tmp_path / "prometheus"
    shutil.copytree(PROMETHEUS, folder)
    (folder / "assay.key").write_text("secret")
    boards = [json.loads(content) for name, content in generate.files().items() if name.endswith(".json")]
    written = [each.replace("$__rate_interval", "5m") for board in boards for each in expressions_of(board["panels"])]
    groups = [{"name": "dashboards", "rules": [{"record": f"x{number}", "expr": each} for number, each in enumerate(written)]}]
    (folder / "dashboards.yaml").write_text(yaml.safe_dump({"groups": groups}))
    for arguments in (("check", "config", "prometheus.yaml"), ("check", "rules", "dashboards.yaml")):
        done = subprocess.run([promtool, *arguments], cwd=folder, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_page_shows_a_file_of_targets_that_is_read(tmp_path: Path) -> None:
    blocks = re.findall(r"^```yaml\n(.*?)^```$", (DEPLOY.parent / "docs" / "prometheus.md").read_text(), re.MULTILINE | re.DOTALL)
    (content,) = [block for block in blocks if block.startswith("targets:")]
    (tmp_path / "targets.yaml").write_text(content)
    targets = read_targets(tmp_path / "targets.yaml", allow_insecure=False)
    assert [target.kind for target in targets] == ["remote_write", "influxdb"]


def test_the_page_names_every_family() -> None:
    page = (DEPLOY.parent / "docs" / "prometheus.md").read_text()
    assert [family.sample_name for family in FAMILIES if f"`{family.sample_name}`" not in page] == []


def test_a_target_may_have_every_dimension_for_a_label() -> None:
    assert get_args(Dimension) == DIMENSIONS
