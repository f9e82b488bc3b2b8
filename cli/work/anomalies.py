"""Anomalies, as JSON and as a table."""

from assay.analyzer.v1.anomaly_service_pb2 import ListAnomaliesRequest
from assay.analyzer.v1.anomaly_service_pb2_grpc import AnomalyServiceStub
from assay.collector.v1.metrics_service_pb2 import SeriesKey

from cli.work.connection import ASK_TIMEOUT_S, Target, ask
from cli.work.output import Json, as_json, print_json, print_table

PAGE_SIZE = 1_000  # the contract's largest


def show_anomalies(target: Target, project: str, *, open_only: bool, json: bool) -> None:
    """Prints a page of anomalies, the latest begun first."""
    request = ListAnomaliesRequest(project=project, page_size=PAGE_SIZE, is_open=True if open_only else None)
    response = ask(target, lambda channel: AnomalyServiceStub(channel).ListAnomalies(request, timeout=ASK_TIMEOUT_S))
    found = [{**as_json(one), "scope": _scope(one.scope)} for one in response.anomalies]
    if json:
        print_json({"anomalies": found})
        return
    rows = [(one["start_time"], one["end_time"] or "open", one["severity"], one["explanation"], one["anomaly_id"]) for one in found]
    print_table(("since", "until", "severity", "what", "id"), rows, empty="Nothing is, or was, unusual.")


def _scope(key: SeriesKey) -> Json:
    """Whom it concerns; what is missing is all."""
    return {field.name: value for field, value in key.ListFields()}
