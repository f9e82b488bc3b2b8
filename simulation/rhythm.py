"""How busy the fleet is by day and week, in UTC."""

import math
from dataclasses import dataclass
from typing import Final

DAY_US: Final = 86_400_000_000
_HOUR_US = 3_600_000_000

# Chosen: people's agents work when people do. 1970-01-01 was a Thursday, the fourth of these.
_WEEKDAY_FACTORS = (1.05, 1.15, 1.15, 1.1, 1.0, 0.5, 0.45)
_FIRST_WEEKDAY = 3
_BUSIEST_HOUR = 14.0
_SWING = 0.6
_WEEK_MEAN = sum(_WEEKDAY_FACTORS) / len(_WEEKDAY_FACTORS)


@dataclass(frozen=True)
class RollOut:
    """A fleet that grew: its rate doubled every `doubling_us` until `complete_us` (since 1970), and was never below `least_ratio` of it."""

    complete_us: int
    doubling_us: int
    least_ratio: float

    def factor(self, time_us: int) -> float:
        """The part of the full rate at an instant."""
        return min(1.0, max(self.least_ratio, math.pow(2.0, (time_us - self.complete_us) / self.doubling_us)))


def activity(time_us: int) -> float:
    """The rate of tasks at an instant, as a factor of its mean over a week."""
    day, of_day_us = divmod(time_us, DAY_US)
    angle = 2 * math.pi * (of_day_us / _HOUR_US - _BUSIEST_HOUR) / 24
    return _WEEKDAY_FACTORS[(day + _FIRST_WEEKDAY) % 7] / _WEEK_MEAN * (1 + _SWING * math.cos(angle))
