"""Findings of analysers as a score: points a hundred lines, and what each finding cost."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.analyzer.domain.quality.reading import Component, Finding, Reading

# A mistake that breaks it, one that should be mended, and one of taste: the three levels that analysers share (SARIF 2.1.0, 3.27.10).
ERROR_POINTS, WARNING_POINTS, NOTE_POINTS = 3.0, 1.0, 0.2
# So many points a hundred lines halve the score: a warning every twenty lines.
HALVING_POINTS = 5.0
_LINES_OF_POINTS = 100.0
# What is shorter is judged as if it were so long, else one warning in a snippet would be its ruin.
LINES_MIN = 50.0
# The dearest of one report are kept: an analyser can find something in every line.
FINDINGS_MAX = 200


@dataclass(frozen=True, slots=True)
class Fault:
    """What an analyser found, and how bad it is, in points."""

    rule: str
    message: str
    path: str
    line: int | None
    points: float


def judged(component: Component, faults: Sequence[Fault], line_count: float, source: str) -> Reading:
    """The reading of an analyser's report on so many lines.

    The score halves with every HALVING_POINTS a hundred lines, so it never rises with one fault more.
    Each fault bears the loss by its points.
    """
    total = sum(fault.points for fault in faults)
    density = total / (max(line_count, LINES_MIN) / _LINES_OF_POINTS)
    ratio = 2.0 ** (-density / HALVING_POINTS)
    dearest = sorted((fault for fault in faults if fault.points > 0), key=lambda fault: -fault.points)[:FINDINGS_MAX]
    findings = tuple(
        Finding(component, fault.rule, fault.message, fault.path, fault.line, (1 - ratio) * fault.points / total) for fault in dearest
    )
    return Reading(component, ratio, max(line_count, 1.0), findings, source)
