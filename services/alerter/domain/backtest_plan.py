"""In which steps a back-test looks at the past, and what is not exact in it for that."""

from dataclasses import dataclass

from services.alerter.domain.metric import is_additive
from services.alerter.domain.rule import S_PER_DAY, Rule, Threshold
from services.alerter.domain.verdict import MeasuredCondition, windows_of
from services.alerter.domain.words import span

STEPS_S = (60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, S_PER_DAY)
"""Lengths that a day is a whole number of, so that steps begin at the same times each day."""
STEPS_PER_WINDOW = 5
"""A window that slides by a fifth of itself misses little of what one that slides by seconds sees."""
QUARTER_S = 900
"""Before minutes are kept, quarters of an hour are the shortest windows."""
MINUTES_KEPT_S = 13 * S_PER_DAY
"""So long they are there; the collector keeps them for 14 days."""


@dataclass(frozen=True, slots=True)
class BacktestPlan:
    """Steps of `step_s` from `start_s` until `end_s`, and before them `lead_s` of what the first windows reach back to."""

    step_s: int
    start_s: int
    end_s: int
    lead_s: int
    approximations: tuple[str, ...]

    @property
    def step_count(self) -> int:
        """Steps in all, those of the lead included."""
        return (self.end_s - self.start_s + self.lead_s) // self.step_s

    @property
    def lead_count(self) -> int:
        """Steps of the lead."""
        return self.lead_s // self.step_s

    def steps_in(self, window_s: int) -> int:
        """How many steps a window is made of."""
        return max(1, round(window_s / self.step_s))


def plan(rule: Rule, condition: MeasuredCondition, range_s: int, *, now_s: int, group_count: int, windows_max: int) -> BacktestPlan:
    """The finest steps that the windows call for, the collector still has, and `windows_max` windows of all groups allow."""
    windows = windows_of(condition)
    adds_up = not isinstance(condition, Threshold) or is_additive(condition.metric)
    wanted_s = min(windows) / (STEPS_PER_WINDOW if adds_up else 1)
    lead_s = max(windows) if adds_up else 0
    reach_s = range_s + lead_s
    kept_s = QUARTER_S if reach_s > MINUTES_KEPT_S else STEPS_S[0]
    allowed_s = reach_s * max(group_count, 1) / windows_max
    step_s = _step(wanted_s, max(kept_s, allowed_s))
    # A quantile of a whole step is that of a window only where the step is the window.
    start_s, end_s = (now_s - range_s) // step_s * step_s, now_s // step_s * step_s
    said = tuple(_approximations(rule, windows, step_s, adds_up=adds_up))
    return BacktestPlan(step_s, start_s, end_s, -(-lead_s // step_s) * step_s, said)


def _step(wanted_s: float, least_s: float) -> int:
    """The longest step up to the wanted one, but none shorter than the least."""
    fine = [step for step in STEPS_S if least_s <= step <= wanted_s]
    return fine[-1] if fine else next((step for step in STEPS_S if step >= least_s), STEPS_S[-1])


def _approximations(rule: Rule, windows: tuple[int, ...], step_s: int, *, adds_up: bool) -> list[str]:
    said = [
        f"Looked at once every {span(step_s)}, not every few seconds: what was over within that is missing, and times are as exact as that."
    ]
    if not adds_up:
        said.append(
            f"Quantiles do not add up: each is that of the {span(step_s)} before, in windows that follow each other and do not slide."
        )
    off = [window for window in windows if (window % step_s if adds_up else window != step_s)]
    if off:
        said.append(f"Windows of {' and '.join(map(span, off))} are taken as the nearest whole number of steps of {span(step_s)}.")
    if 0 < rule.for_s < step_s:
        said.append(f"`for` is shorter than a step: what holds at two looks has held for {span(step_s)}.")
    return said
