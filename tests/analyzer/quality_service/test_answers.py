"""What many scores say: few are drawn toward what they belong with, and raters' habits are taken out where they show."""

from services.analyzer.quality_answers import summaries
from services.analyzer.store.quality_records import FeedbackMark, GroupScores

NONE = (None,) * 7


def group(name: str, count: int, mean: float, window_us: int = 0) -> GroupScores:
    return GroupScores((name,), window_us, count, mean, mean**2 + 0.01, 0.01, NONE, (0,) * 7)


def marks(name: str, rater: str, *values: float) -> list[FeedbackMark]:
    return [FeedbackMark((name,), 0, rater, value, share_ratio=1.0) for value in values]


def test_few_scores_are_drawn_further_than_many() -> None:
    few, many, other = summaries([group("few", 2, 0.9), group("many", 500, 0.9), group("other", 500, 0.5)], [], in_windows=False)
    assert 0.5 < few.estimate < many.estimate <= 0.9 + 1e-3
    assert few.low < few.estimate < few.high
    assert few.high - few.low > many.high - many.low
    assert abs(other.estimate - 0.5) < 0.01
    assert summaries([], [], in_windows=True) == []


def test_a_window_is_drawn_to_its_own_group() -> None:
    windows = [group("a", 50, 0.9, 0), group("a", 1, 0.5, 60), group("b", 50, 0.1, 0), group("b", 1, 0.5, 60)]
    found = summaries(windows, [], in_windows=True)
    assert found[3].estimate < 0.5 < found[1].estimate


def test_a_raters_habit_is_taken_out_of_the_group_that_it_is_in() -> None:
    # One who is always lower than others on the same answers has rated nearly all of b's.
    shared = [*marks("a", "kind", *[0.9] * 40), *marks("a", "harsh", *[0.5] * 40)]
    said = [*shared, *marks("b", "harsh", *[0.5] * 40)]
    groups = [group("a", 80, 0.7), group("b", 40, 0.5)]
    plain, less_habit = (summaries(groups, some, in_windows=False) for some in ([], said))
    assert less_habit[1].estimate > plain[1].estimate + 0.08
    assert abs(less_habit[0].estimate - plain[0].estimate) < 0.08
