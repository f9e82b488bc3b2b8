"""Readings of evidence that is a few numbers: feedback, revisions, evaluations, and the sums of reports."""

from services.analyzer.domain.quality.penalty import ERROR_POINTS, NOTE_POINTS, WARNING_POINTS, Fault, judged
from services.analyzer.domain.quality.reading import Component, Finding, Reading

# What a result keeps of its score each time it has to be worked over.
_KEPT_PER_REVISION = 0.8
# One failure counts as much as so many passes: a result with a failing test is not nearly done.
PASSES_PER_FAILURE = 5.0
# Lines that an analyser is taken to have looked at where it does not say.
LINES_ASSUMED = 300.0


def feedback_reading(rating_ratio: float | None, *, accepted: bool | None, kept_ratio: float | None, rater: str) -> Reading | None:
    """What a person said: the mean of the rating, of whether it was kept, and of how much of it was; None where nothing of these was said.

    A thumb is a rating of 0 or 1, stars are (stars - 1) / 4. What was kept after changes has `kept_ratio` in place of `accepted`.
    """
    word = kept_ratio if kept_ratio is not None else None if accepted is None else float(accepted)
    said = [value for value in (rating_ratio, word) if value is not None]
    if not said:
        return None
    ratio = sum(said) / len(said)
    told = "rated it low" if word is None else "did not keep all of it"
    return Reading(Component.FEEDBACK, ratio, 1.0, _lost(Component.FEEDBACK, "feedback", f"{rater or 'somebody'} {told}", ratio), rater)


def revision_reading(count: int) -> Reading:
    """How often it had to be worked over, at least 0: one fifth of what is left is lost each time."""
    ratio = _KEPT_PER_REVISION ** max(count, 0)
    return Reading(Component.REVISIONS, ratio, 1.0, _lost(Component.REVISIONS, "revised", f"worked over {count} times", ratio))


def evaluation_reading(evaluator: str, score_ratio: float) -> Reading:
    """A judge's or a verifier's score, 0..1, as it is. All evaluators count alike."""
    found = _lost(Component.EVALUATION, "evaluation", f"{evaluator} gave {score_ratio:.2f}", score_ratio)
    return Reading(Component.EVALUATION, score_ratio, 1.0, found, evaluator)


def coverage_reading(covered_count: float, total_count: float, source: str, findings: tuple[Finding, ...] = ()) -> Reading:
    """How much of the lines and branches is covered; `total_count` more than 0."""
    return Reading(Component.COVERAGE, min(covered_count / total_count, 1.0), total_count, findings, source)


def coverage_ratio_reading(covered_ratio: float) -> Reading:
    """A coverage that is told as a ratio, 0..1, of lines nobody counted."""
    found = _lost(Component.COVERAGE, "uncovered", f"{1 - covered_ratio:.0%} of the lines are not covered", covered_ratio)
    return Reading(Component.COVERAGE, covered_ratio, LINES_ASSUMED, found, "ratio")


def run_score(passed_count: int, failed_count: int) -> float:
    """How likely it is that the result works, 0..1: passes and failures by Laplace's rule of succession, failures counting five times.

    So more tests that pass are better evidence than few, and none at all are no evidence either way.
    """
    return (passed_count + 1) / (passed_count + 1 + PASSES_PER_FAILURE * failed_count + 1)


def run_reading(passed_count: int, failed_count: int) -> Reading:
    """The sum of a test run; counts at least 0."""
    ratio = run_score(passed_count, failed_count)
    told = f"{failed_count} of {passed_count + failed_count} tests failed" if failed_count else f"only {passed_count} tests were run"
    found = _lost(Component.TESTS, "tests", told, ratio)
    return Reading(Component.TESTS, ratio, max(passed_count + failed_count, 1), found, "counts")


def finding_counts_reading(error_count: int, warning_count: int, note_count: int, line_count: int) -> Reading:
    """The sum of an analyser's report; `line_count` 0: not told."""
    levels = (("error", error_count, ERROR_POINTS), ("warning", warning_count, WARNING_POINTS), ("note", note_count, NOTE_POINTS))
    faults = [Fault(level, f"{count} of level {level}", "", None, count * points) for level, count, points in levels if count > 0]
    return judged(Component.STATIC_ANALYSIS, faults, line_count or LINES_ASSUMED, "counts")


def _lost(component: Component, rule: str, message: str, ratio: float) -> tuple[Finding, ...]:
    return (Finding(component, rule, message, "", None, 1 - ratio),) if ratio < 1 else ()
