"""What many scores together say: of groups of calls and tasks, and of the weights that they are made with."""

import asyncio
import math
from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from kit.errors import AssayError, Kind
from services.analyzer.domain.quality.raters import Mark, rater_offsets
from services.analyzer.domain.quality.reading import Component
from services.analyzer.domain.quality.shrink import Cell, shrink
from services.analyzer.domain.quality.weights import Weights
from services.analyzer.store.quality_queries import QualityReader
from services.analyzer.store.quality_records import FeedbackMark, GroupScores, SubjectState, Summary

if TYPE_CHECKING:  # see calibration
    from services.analyzer.domain.quality.calibrate import Calibration

# The latest answers with feedback that weights are fitted to: a fit takes a second or two.
EXAMPLES_MAX = 5_000
# The latest words of raters whose habits are looked for: a third of a second.
MARKS_MAX = 20_000


def summaries(groups: Sequence[GroupScores], marks: Sequence[FeedbackMark], *, in_windows: bool) -> list[Summary]:
    """The groups with what their scores say of them, less the habits of raters who have said enough to show them.

    A group's windows belong together; without windows, groups that share what they are first told apart by, such as their provider.
    """
    habits = _habits(marks)
    estimates = shrink([_cell(group, habits[group.key, group.window_us], in_windows=in_windows) for group in groups])
    return [
        Summary(group, estimate.value_ratio, estimate.low_ratio, estimate.high_ratio)
        for group, estimate in zip(groups, estimates, strict=True)
    ]


def _habits(marks: Sequence[FeedbackMark]) -> dict[tuple[tuple[str, ...], int], float]:
    """What raters' habits add to the sum of the scores of each group and window; 0 for those that are not there."""
    offsets = rater_offsets([Mark(mark.rater, "\0".join(mark.key), mark.value_ratio) for mark in marks])
    habits: dict[tuple[tuple[str, ...], int], float] = defaultdict(float)
    for mark in marks:
        habits[mark.key, mark.window_us] += mark.share_ratio * offsets.get(mark.rater, 0.0)
    return habits


def _cell(group: GroupScores, habit: float, *, in_windows: bool) -> Cell:
    shared = group.key if in_windows else group.key[:1] if len(group.key) > 1 else ()
    spread = max(group.square_mean - group.mean**2, 0.0)
    deviation = math.sqrt(spread * group.count / (group.count - 1)) if group.count > 1 else 0.0
    mean = min(max(group.mean - habit / group.count, 0.0), 1.0)
    return Cell("\0".join(shared), mean, group.count, deviation)


async def calibration(reader: QualityReader, project: str, task_type: str, weights: Weights) -> "Calibration":
    """Weights fitted to a project's feedback. Raises EVIDENCE_TOO_LITTLE."""
    # Loads an optimiser of 30 MB, which hardly anybody asks for.
    from services.analyzer.domain.quality.calibrate import EXAMPLES_MIN, Example, calibrate  # noqa: PLC0415

    states = await reader.with_component(project, task_type, Component.FEEDBACK, EXAMPLES_MAX)
    examples = [Example(*parts) for state in states if (parts := _example(state))]
    found = await asyncio.to_thread(calibrate, examples, weights.of(task_type))
    if found is None:
        message = f"it takes {EXAMPLES_MIN} calls or tasks that have feedback and other evidence: there are {len(examples)}"
        raise AssayError(Kind.FAILED_PRECONDITION, "EVIDENCE_TOO_LITTLE", message)
    return found


def _example(state: SubjectState) -> tuple[dict[Component, float], float] | None:
    """The scores of a subject's other components, and what people said; None without either."""
    scores = {part.component: part.score_ratio for part in state.score.components} if state.score else {}
    feedback = scores.pop(Component.FEEDBACK, None)
    return (scores, feedback) if scores and feedback is not None else None
