"""Which format a scraper gets, by what it says that it accepts."""

import pytest

from gateway.scrape_format import OPEN_METRICS, PROTOBUF, TEXT, negotiated

_PROTOBUF = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", TEXT),
        ("*/*", TEXT),
        ("text/html,application/json", TEXT),
        ("text/plain;version=0.0.4;q=0.5,*/*;q=0.1", TEXT),
        # Prometheus 2 without and with native histograms, and Prometheus 3.
        (
            "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;q=0.5,*/*;q=0.1",
            OPEN_METRICS,
        ),
        (f"{_PROTOBUF},application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", PROTOBUF),
        (f"{_PROTOBUF};q=0.6,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,*/*;q=0.2", PROTOBUF),
        ("application/openmetrics-text;version=0.0.1", TEXT),
        ("application/vnd.google.protobuf;proto=other", TEXT),
        (f"{_PROTOBUF};q=0", TEXT),
        (f"{_PROTOBUF};q=often, application/openmetrics-text", OPEN_METRICS),
    ],
)
def test_a_scraper_gets_what_it_likes_best(accept: str, content_type: str) -> None:
    assert negotiated(accept)[1] == content_type
