"""Readings as JSON values and back: between processes, and where they are kept."""

from collections.abc import Mapping
from typing import Any

from services.analyzer.domain.quality.reading import Component, Finding, Reading

# What the contract's fields take: reports may name any line, and JSON may hold half a surrogate.
LINE_MAX = 2**31 - 1
TEXT_LENGTH_MAX = 400


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
        Finding(component, _text(rule), _text(message), _text(path), _line(line), float(cost))
        for rule, message, path, line, cost in value["findings"]
    )
    return Reading(
        component,
        float(value["score"]),
        float(value["weight"]),
        findings,
        _text(value["source"]),
        int(value["version"]),
        _text(value["missing"]),
    )


def _text(value: Any) -> str:
    return str(value)[:TEXT_LENGTH_MAX].encode(errors="replace").decode()


def _line(value: Any) -> int | None:
    return int(value) if value is not None and 0 < int(value) <= LINE_MAX else None
