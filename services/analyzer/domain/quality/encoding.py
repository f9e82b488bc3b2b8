"""Readings as JSON values and back: between processes, and where they are kept."""

from collections.abc import Mapping
from typing import Any

from services.analyzer.domain.quality.reading import Component, Finding, Reading


def reading_to_json(reading: Reading) -> dict[str, Any]:
    """A reading as an object of JSON."""
    return {
        "component": reading.component.value,
        "score": reading.score_ratio,
        "weight": reading.weight,
        "findings": [[found.rule, found.message, found.path, found.line, found.cost_ratio] for found in reading.findings],
        "source": reading.source,
        "version": reading.reader_version,
        "missing": reading.missing_reason,
    }


def reading_from_json(value: Mapping[str, Any]) -> Reading:
    """The reading of such an object. Raises ValueError, KeyError or TypeError where it is none."""
    component = Component(value["component"])
    findings = tuple(
        Finding(component, str(rule), str(message), str(path), None if line is None else int(line), float(cost))
        for rule, message, path, line, cost in value["findings"]
    )
    return Reading(
        component,
        float(value["score"]),
        float(value["weight"]),
        findings,
        str(value["source"]),
        int(value["version"]),
        str(value["missing"]),
    )
