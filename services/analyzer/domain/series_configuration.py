"""What the detector for continuous series is set to: one configuration for all series, whatever they measure."""

import math
from dataclasses import dataclass

HOUR_S = 3_600.0
DAY_S = 24 * HOUR_S


@dataclass(frozen=True, slots=True)
class SeriesConfiguration:
    """The constants of `SeriesDetector`. Rates are of exponential forgetting: a rate r remembers about the last 1/r rows.

    The values stand in the middle of a plateau: docs/decisions/0006-detector.md tells how they were found, and how little each matters.
    """

    # What is normal.
    local_rate: float = 0.05
    level_rate: float = 0.005
    spread_rate: float = 0.003
    profile_rate: float = 0.1
    # The two smoothed residuals, which find what is small but lasts; one row counts no more than so many spreads.
    short_rate: float = 0.3
    medium_rate: float = 0.15
    smoothed_residual_max: float = 20.0
    # Nothing is called anomalous in the first rows, nor in so many after a gap: a level has to be found first.
    settling_rows: int = 20
    # Learning is held against outliers until more than this share of the last 50 rows or so has been one: then it is the new normal.
    outlier_rate: float = 0.02
    outlier_share_max: float = 0.7
    # The tail of a statistic, in spreads: which share of the rows lies in it, where it begins before anything is known (and at least), its
    # shape and scale, and how many excesses that guess is worth beside at most how many that were seen.
    tail_ratio: float = 0.05
    tail_start_point: float = 4.0
    tail_start_smoothed: float = 3.0
    tail_start_min: float = 2.0
    tail_start_rate: float = 0.001
    tail_shape: float = 0.3
    tail_scale: float = 1.5
    tail_prior_count: int = 20
    tail_count_max: int = 100
    # Surprise is -log10 of a tail probability; more than the maximum cannot be told from so few excesses.
    alarm_surprise: float = 3.0
    surprise_max: float = 8.0
    # After an alarm the bar stands this much above its surprise, and falls by 1 in this time. More than a day: what comes back
    # each day, no more improbable than before, is not told again.
    bar_step: float = 1.0
    bar_fall_s: float = 30 * HOUR_S
    # A gap is longer than both.
    gap_intervals: float = 20.0
    gap_s: float = DAY_S

    def smoothed_spread_ratio(self, rate: float) -> float:
        """The spread of a moving average of this rate over independent rows, by that of the rows (Roberts, Technometrics 1959)."""
        return math.sqrt(rate / (2 - rate))
