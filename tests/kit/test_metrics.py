"""Every metric has one name, and a name says its unit."""

from typing import get_args

import pytest
from prometheus_client import CollectorRegistry

from kit import metrics
from kit.metrics import MetricName


def test_names_follow_the_conventions_of_prometheus() -> None:
    for name in get_args(MetricName):
        assert name.startswith("assay_")
        assert name == name.lower()


def test_what_is_made_is_exposed_with_its_help(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "REGISTRY", CollectorRegistry())
    lag = metrics.gauge("assay_writer_lag_seconds", "How far the writer is behind.")
    lag.set(1.5)
    text = metrics.exposition()[0].decode()
    assert "# HELP assay_writer_lag_seconds How far the writer is behind." in text
    assert "assay_writer_lag_seconds 1.5" in text
    with pytest.raises(ValueError, match="Duplicated"):
        metrics.gauge("assay_writer_lag_seconds", "again")
