"""From a piece of evidence to what it says of quality: numbers at once, reports and code in a process of the pool."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from assay.telemetry.v1.evidence_pb2 import Evidence

from kit.errors import AssayError, Kind
from services.analyzer.domain.quality import plain
from services.analyzer.domain.quality.reading import Component, Reading, missing
from services.analyzer.reading.kinds import ReportKind

COMPONENTS = {
    "code": Component.CODE,
    "coverage": Component.COVERAGE,
    "tests": Component.TESTS,
    "static_analysis": Component.STATIC_ANALYSIS,
    "feedback": Component.FEEDBACK,
    "revision": Component.REVISIONS,
    "evaluation": Component.EVALUATION,
}
DIFF_FORM = "unified_diff"
_REPORTS = {
    "content": ReportKind.CODE,
    DIFF_FORM: ReportKind.DIFF,
    "cobertura_xml": ReportKind.COBERTURA,
    "lcov": ReportKind.LCOV,
    "coverage_json": ReportKind.COVERAGE_JSON,
    "junit_xml": ReportKind.JUNIT,
    "sarif_json": ReportKind.SARIF,
}
# What a diff narrows to what was changed.
_READ_WITH_DIFF = frozenset({"coverage", "static_analysis"})
EXPIRED = "the content was not kept for long enough to be read"


class Reader(Protocol):
    """Reads reports and code, wherever."""

    async def read(self, kind: ReportKind, content: bytes, *, language: str = "", path: str = "", diff: bytes = b"") -> Sequence[Reading]:
        """Raises AssayError INVALID_ARGUMENT for what cannot be read."""
        ...


def form_of(evidence: Evidence) -> str:
    """Which form the content has, or had, "" for evidence without any."""
    if evidence.HasField("content_reference"):
        return evidence.content_reference.form
    kind = evidence.WhichOneof("kind") or ""
    form = getattr(evidence, kind).WhichOneof("form") if kind in {"code", "coverage", "tests", "static_analysis"} else None
    return form if form in _REPORTS else ""


def inline_content(evidence: Evidence) -> bytes | None:
    """The content that stands in the piece itself, None where there is none."""
    form = form_of(evidence)
    if not form or evidence.HasField("content_reference"):
        return None
    content: bytes = getattr(getattr(evidence, evidence.WhichOneof("kind") or ""), form)
    return content


def plain_readings(evidence: Evidence) -> tuple[Reading, ...]:
    """What evidence without content says."""
    reading = _PLAIN[evidence.WhichOneof("kind") or ""](evidence)
    return (reading,) if reading else ()


async def report_readings(reader: Reader, evidence: Evidence, content: bytes | None, diff: bytes) -> tuple[Reading, ...]:
    """What a report or code says; where it cannot be read, that, and why. `content` None: it is gone."""
    kind, form = evidence.WhichOneof("kind") or "", form_of(evidence)
    component, report = COMPONENTS[kind], _REPORTS[form]
    if content is None:
        return (missing(component, report.value, EXPIRED),)
    try:
        code, change = evidence.code, diff if kind in _READ_WITH_DIFF else b""
        readings = await reader.read(report, content, language=code.language, path=code.path, diff=change)
    except AssayError as error:
        if error.kind is not Kind.INVALID_ARGUMENT:
            raise
        return (missing(component, report.value, error.message),)
    return tuple(readings)


def _feedback(evidence: Evidence) -> Reading | None:
    said = evidence.feedback
    return plain.feedback_reading(
        said.rating_ratio if said.HasField("rating_ratio") else None,
        accepted=said.accepted if said.HasField("accepted") else None,
        kept_ratio=said.kept_ratio if said.HasField("kept_ratio") else None,
        rater=said.rater,
    )


def _tests(evidence: Evidence) -> Reading:
    return plain.run_reading(evidence.tests.counts.passed_count, evidence.tests.counts.failed_count)


def _static_analysis(evidence: Evidence) -> Reading:
    found = evidence.static_analysis.counts
    return plain.finding_counts_reading(found.error_count, found.warning_count, found.note_count, found.line_count)


_PLAIN: Mapping[str, Callable[[Evidence], Reading | None]] = {
    "": lambda _: None,
    "code": lambda _: None,
    "coverage": lambda evidence: plain.coverage_ratio_reading(evidence.coverage.covered_ratio),
    "tests": _tests,
    "static_analysis": _static_analysis,
    "feedback": _feedback,
    "revision": lambda evidence: plain.revision_reading(evidence.revision.count),
    "evaluation": lambda evidence: plain.evaluation_reading(evidence.evaluation.evaluator, evidence.evaluation.score_ratio),
}
