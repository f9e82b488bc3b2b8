"""Writes Grafana's dashboards and what provisions them: `python deploy/grafana/generate.py [FOLDER]`, by default beside itself."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]

DATA_SOURCE = {"type": "prometheus", "uid": "assay-prometheus"}
SCHEMA_VERSION = 39  # of Grafana 11; newer ones bring it up to date by themselves
COLUMNS, PANEL_WIDTH, PANEL_HEIGHT = 24, 8, 8

CHOSEN = 'project=~"$project",provider=~"$provider",model=~"$model",task_type=~"$task_type"'
RATE = "$__rate_interval"
# Quality and tasks change slowly, and few calls have them.
SLOW = "1h"


def _quantile(name: str, ratio: float, by: str, *, labels: str = "") -> str:
    chosen = f"{CHOSEN},{labels}" if labels else CHOSEN
    return f"histogram_quantile({ratio}, sum by (le, {by}) (rate({name}_bucket{{{chosen}}}[{RATE}])))"


def _own_quantile(name: str, ratio: float, by: str) -> str:
    return f"histogram_quantile({ratio}, sum by (le, {by}) (rate({name}_bucket[{RATE}])))"


def _ratio(part: str, whole: str, by: str) -> str:
    return f"sum by ({by}) ({part}) / sum by ({by}) ({whole})"


def _grown(name: str) -> str:
    """How much a gauge that counts has grown."""
    return f"delta({name}{{{CHOSEN}}}[{SLOW}])"


_ANSWERED = f'rate(assay_calls_total{{{CHOSEN},outcome!="cancelled"}}[{RATE}])'
_SUCCEEDED = f'rate(assay_calls_total{{{CHOSEN},outcome="succeeded"}}[{RATE}])'
_LATENCY = "assay_call_latency_seconds"
_COST_OF_TASKS = f"increase(assay_cost_usd_total{{{CHOSEN}}}[{SLOW}])"


def _rate(name: str, by: str) -> str:
    return f"sum by ({by}) (rate({name}{{{CHOSEN}}}[{RATE}]))"


_MODEL, _BY_MODEL = "{{provider}} {{model}}", "provider, model"
_OF_SUCCEEDED = 'outcome="succeeded"'

# Title, unit, and expressions by legend.
PROVIDERS: Sequence[tuple[str, str, Mapping[str, str]]] = (
    ("Calls by outcome", "reqps", {"{{outcome}}": _rate("assay_calls_total", "outcome")}),
    ("Success by provider", "percentunit", {"{{provider}}": _ratio(_SUCCEEDED, _ANSWERED, "provider")}),
    ("Calls by model", "reqps", {_MODEL: _rate("assay_calls_total", _BY_MODEL)}),
    (
        "Latency of calls that succeeded",
        "s",
        {f"{{{{provider}}}} p{ratio * 100:g}": _quantile(_LATENCY, ratio, "provider", labels=_OF_SUCCEEDED) for ratio in (0.5, 0.95)},
    ),
    ("95th percentile by model", "s", {_MODEL: _quantile(_LATENCY, 0.95, _BY_MODEL, labels=_OF_SUCCEEDED)}),
    ("Time to first token, 95th percentile", "s", {_MODEL: _quantile("assay_time_to_first_token_seconds", 0.95, _BY_MODEL)}),
    ("Cost an hour", "currencyUSD", {_MODEL: f"3600 * {_rate('assay_cost_usd_total', _BY_MODEL)}"}),
    ("Tokens", "short", {"{{kind}}": _rate("assay_tokens_total", "kind")}),
    ("Calls without a known cost", "reqps", {_MODEL: _rate("assay_calls_of_unknown_cost_total", _BY_MODEL)}),
    ("Quality, by the hour", "percentunit", {_MODEL: _ratio(_grown("assay_quality_sum"), _grown("assay_quality_scores"), _BY_MODEL)}),
    ("Accepted tasks, by the hour", "percentunit", {_MODEL: _ratio(_grown("assay_accepted_tasks"), _grown("assay_tasks"), _BY_MODEL)}),
    ("Cost of an accepted task", "currencyUSD", {_MODEL: _ratio(_COST_OF_TASKS, _grown("assay_accepted_tasks"), _BY_MODEL)}),
)
ITSELF: Sequence[tuple[str, str, Mapping[str, str]]] = (
    ("Calls that left the stream", "reqps", {"{{result}}": f"sum by (result) (rate(assay_writer_calls_total[{RATE}]))"}),
    ("From receipt to store, 99th percentile", "s", {"{{instance}}": _own_quantile("assay_writer_lag_seconds", 0.99, "instance")}),
    ("Ingest stream", "bytes", {"size": "max(assay_stream_bytes)"}),
    ("RPC, 99th percentile", "s", {"{{method}}": _own_quantile("assay_rpc_seconds", 0.99, "method")}),
    ("RPCs by code", "reqps", {"{{code}}": f"sum by (code) (rate(assay_rpc_requests_total[{RATE}]))"}),
    ("HTTP by status", "reqps", {"{{status}}": f"sum by (status) (rate(assay_http_requests_total[{RATE}]))"}),
    ("Folds, 99th percentile", "s", {"level {{level}}": _own_quantile("assay_rollup_fold_seconds", 0.99, "level")}),
    ("Rules evaluated, 99th percentile", "s", {"evaluation": _own_quantile("assay_alerter_evaluation_seconds", 0.99, "job")}),
    ("Deliveries", "short", {"{{kind}} {{result}}": f"sum by (kind, result) (increase(assay_delivery_attempts_total[{RATE}]))"}),
    ("Sent to targets", "short", {"{{target}} {{result}}": f"sum by (target, result) (rate(assay_export_sent_total[{RATE}]))"}),
    ("Memory", "bytes", {"{{instance}}": 'process_resident_memory_bytes{job=~"assay.*"}'}),
    ("Processor", "percentunit", {"{{instance}}": f'rate(process_cpu_seconds_total{{job=~"assay.*"}}[{RATE}])'}),
)


def _panel(number: int, title: str, unit: str, expressions: Mapping[str, str]) -> Json:
    per_row = COLUMNS // PANEL_WIDTH
    place = {"x": number % per_row * PANEL_WIDTH, "y": number // per_row * PANEL_HEIGHT, "w": PANEL_WIDTH, "h": PANEL_HEIGHT}
    targets = [
        {"refId": chr(ord("A") + index), "datasource": DATA_SOURCE, "expr": expression, "legendFormat": legend}
        for index, (legend, expression) in enumerate(expressions.items())
    ]
    custom = {"fillOpacity": 0, "lineWidth": 1, "showPoints": "never", "spanNulls": False}
    return {
        "id": number + 1,
        "type": "timeseries",
        "title": title,
        "datasource": DATA_SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": unit, "min": 0, "custom": custom}, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi", "sort": "desc"}},
        "targets": targets,
    }


def _variable(name: str, above: Sequence[str]) -> Json:
    """A choice among the values that a label has, given what is chosen of those above it."""
    chosen = ",".join(f'{each}=~"${each}"' for each in above)
    query = f"label_values(assay_calls_total{{{chosen}}}, {name})"
    return {
        "name": name,
        "label": name.replace("_", " "),
        "type": "query",
        "datasource": DATA_SOURCE,
        "definition": query,
        "query": {"query": query, "refId": name},
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": ["All"], "value": ["$__all"]},
    }


def _dashboard(uid: str, title: str, panels: Sequence[tuple[str, str, Mapping[str, str]]], variables: Sequence[str]) -> Json:
    return {
        "uid": uid,
        "title": title,
        "tags": ["assay"],
        "schemaVersion": SCHEMA_VERSION,
        "editable": True,
        "refresh": "1m",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [_variable(name, variables[:place]) for place, name in enumerate(variables)]},
        "panels": [_panel(number, *panel) for number, panel in enumerate(panels)],
    }


_DATA_SOURCES = """\
# Where Grafana finds the numbers: set PROMETHEUS_URL for it. Of VictoriaMetrics and Mimir, the address that speaks Prometheus' language.
apiVersion: 1
datasources:
  - name: Prometheus of Assay
    uid: assay-prometheus
    type: prometheus
    access: proxy
    url: ${PROMETHEUS_URL}
    jsonData: { timeInterval: 15s }
"""
_PROVIDER = """\
# Has Grafana read the dashboards of this folder.
apiVersion: 1
providers:
  - name: assay
    folder: Assay
    type: file
    options: { path: /etc/grafana/provisioning/dashboards }
"""


def files() -> dict[str, str]:
    """What is written, by its path below the folder."""
    providers = _dashboard("assay-providers", "Assay: providers", PROVIDERS, ("project", "provider", "model", "task_type"))
    itself = _dashboard("assay-itself", "Assay itself", ITSELF, ())
    return {
        "provisioning/dashboards/assay.yaml": _PROVIDER,
        "provisioning/dashboards/assay-providers.json": json.dumps(providers, indent=1) + "\n",
        "provisioning/dashboards/assay-itself.json": json.dumps(itself, indent=1) + "\n",
        "provisioning/datasources/assay.yaml": _DATA_SOURCES,
    }


def write(folder: Path) -> None:
    """Writes all of it."""
    for name, content in files().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent)
