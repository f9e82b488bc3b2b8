"""How a search for the latest calls goes back in time: in slices that grow, each cut into pieces where it holds too much."""

from dataclasses import dataclass
from itertools import pairwise

# A minute of a busy project fills a page; growing eightfold, ten slices reach back past any call.
FIRST_SLICE_US = 60_000_000
GROWTH = 8
# A slice that holds too much is cut into so many pieces.
PIECES = 8


@dataclass(frozen=True, slots=True)
class TimeSlice:
    """A stretch of time, microseconds since 1970; the end is exclusive, and later than the start."""

    start_us: int
    end_us: int

    @property
    def can_be_cut(self) -> bool:
        """Whether it is longer than a microsecond."""
        return self.end_us - self.start_us > 1


def slices_back(start_us: int, end_us: int, now_us: int) -> list[TimeSlice]:
    """The stretch from `start_us` to `end_us` in slices, oldest first, which are the longer the further they are from its end.

    What lies ahead of `now_us` belongs to the last one, since few calls do. Empty if the stretch is.
    """
    slices = []
    upper_us, lower_us, length_us = end_us, min(end_us, max(now_us, start_us)), FIRST_SLICE_US
    while upper_us > start_us:
        lower_us = max(start_us, lower_us - length_us)
        slices.append(TimeSlice(lower_us, upper_us))
        upper_us, length_us = lower_us, length_us * GROWTH
    return slices[::-1]


def pieces(whole: TimeSlice) -> list[TimeSlice]:
    """A slice in pieces of about the same length, oldest first."""
    length_us = whole.end_us - whole.start_us
    ends_us = sorted({whole.start_us + length_us * number // PIECES for number in range(PIECES + 1)})
    return [TimeSlice(*ends) for ends in pairwise(ends_us)]
