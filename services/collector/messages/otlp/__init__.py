"""Spans of OpenTelemetry, OpenInference and OpenLLMetry as calls."""
