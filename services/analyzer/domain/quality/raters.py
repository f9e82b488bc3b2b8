"""Raters' habits of high or low marks."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# With fewer marks a rater's habit cannot be told from the answers that came to them.
MARKS_MIN = 20
# A habit is drawn to none as if it had been held against so many marks of nobody's: habits differ by about 0.15, marks by 0.35.
_MARKS_OF_NOBODY = 5.0
# Each round halves what is left at least; the rest is far below what a mark can say.
_ROUNDS = 50


@dataclass(frozen=True, slots=True)
class Mark:
    """A rater's mark, 0..1, for an answer of a group, such as its provider and kind of task: answers that are alike but for chance."""

    rater: str
    group: str
    value_ratio: float


def rater_offsets(marks: Sequence[Mark]) -> Mapping[str, float]:
    """How much higher each rater marks than others mark answers of the same groups; raters with fewer than MARKS_MIN marks are left out.

    Additive model, mark = group + rater + chance, with the raters' part drawn to 0 and summing to 0 over marks; solved by turns
    (Gauss-Seidel, which settles since each step lowers one convex sum of squares). A rater alone in their groups has no habit that shows.
    """
    count = Counter(mark.rater for mark in marks)
    offsets = dict.fromkeys(count, 0.0)
    for _ in range(_ROUNDS):
        level: dict[str, list[float]] = defaultdict(list)
        for mark in marks:
            level[mark.group].append(mark.value_ratio - offsets[mark.rater])
        mean = {group: sum(values) / len(values) for group, values in level.items()}
        rest: dict[str, float] = defaultdict(float)
        for mark in marks:
            rest[mark.rater] += mark.value_ratio - mean[mark.group]
        offsets = {rater: total / (count[rater] + _MARKS_OF_NOBODY) for rater, total in rest.items()}
    return {rater: offset for rater, offset in offsets.items() if rater and count[rater] >= MARKS_MIN}
