"""In which format a scraper wants its answer: what its Accept header prefers of what there is."""

from assay.collector.v1 import export_service_pb2 as contract

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPEN_METRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
PROTOBUF = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"

Format = tuple[contract.ScrapeFormat.ValueType, str]
_TEXT: Format = (contract.SCRAPE_FORMAT_TEXT, TEXT)
_OPEN_METRICS: Format = (contract.SCRAPE_FORMAT_OPEN_METRICS, OPEN_METRICS)
_PROTOBUF: Format = (contract.SCRAPE_FORMAT_PROTOBUF, PROTOBUF)


def negotiated(accept: str) -> Format:
    """The format and its content type; the text format for whoever names none that there is. Of equals, the first named."""
    best, best_quality = _TEXT, 0.0
    for part in accept.split(","):
        media_type, *parameters = (each.strip().lower() for each in part.split(";"))
        named = dict(each.partition("=")[::2] for each in parameters)
        quality = _quality(named.get("q", "1"))
        format_ = _format(media_type, named)
        if format_ is not None and quality > best_quality:
            best, best_quality = format_, quality
    return best


def _format(media_type: str, parameters: dict[str, str]) -> Format | None:
    if media_type == "application/vnd.google.protobuf":
        is_ours = parameters.get("proto") == "io.prometheus.client.metricfamily" and parameters.get("encoding") == "delimited"
        return _PROTOBUF if is_ours else None
    if media_type == "application/openmetrics-text":
        return _OPEN_METRICS if parameters.get("version", "1.0.0") == "1.0.0" else None
    return _TEXT if media_type in {"text/plain", "text/*", "*/*"} else None


def _quality(text: str) -> float:
    """0..1, and 0 for what is no number."""
    try:
        return min(max(float(text), 0.0), 1.0)
    except ValueError:
        return 0.0
