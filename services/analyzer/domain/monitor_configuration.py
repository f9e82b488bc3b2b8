"""What the monitor is set to: one configuration for all projects."""

from dataclasses import dataclass

MINUTE_S = 60.0
HOUR_S = 3_600.0
DAY_S = 24 * HOUR_S


@dataclass(frozen=True, slots=True)
class MonitorConfiguration:
    """Times in seconds, evidence in powers of ten.

    False alarms: the monitor's own tests may take a tenth each of what is allowed, 1 in 1,000 series-days.
    """

    # Windows that ended longer before the newest of their series teach, and raise nothing. A call is known when it is over, and its window
    # is that of its start: a call that times out after ten minutes must still count.
    late_s: float = 15 * MINUTE_S
    # Clocks may be ahead by so much; what starts later is a clock gone wrong, and would make all that is right look late.
    ahead_s: float = 2 * MINUTE_S

    # One call's failure may raise the evidence of a group by so much at most: no success ratio is believed beyond 99 %.
    failure_ratio_min: float = 0.01
    # False alarms of a group's failures a day.
    failure_alarms_a_day: float = 1e-3
    # Evidence that a series of a group in alarm is to blame, where no other is: odds of 1 in 40 are raised to near certainty.
    failure_alone_log10_e: float = 4.0
    # Evidence of being well again that ends a group's alarm; and the time after which it must be raised anew.
    recovery_log10_e: float = 3.0
    failure_alarm_s: float = 6 * HOUR_S

    # False alarms of silence, of a series or a group, a day.
    silence_alarms_a_day: float = 1e-4
    # A series is expected to have calls once it has had some in so many different hours; more than the greatest count tell no more.
    silence_hours_min: int = 20
    silence_hours_max: int = 100
    # A silence that lasts so long is how it is from then on.
    silence_rest_s: float = 3 * DAY_S
    # Whoever looks less often than this was away; the time between says nothing.
    away_s: float = 15 * MINUTE_S

    # A field is filled nearly always if it was in so great a part of at least so many calls.
    field_ratio_min: float = 0.9
    field_calls_min: int = 50
    field_log10_e: float = 10.0
    # A field that stays away so long is how it is from then on.
    field_rest_s: float = 3 * DAY_S

    # Onsets this close are of one cause, and so are those of slow series within some of their calls.
    onset_near_s: float = 10 * MINUTE_S
    onset_near_intervals: float = 3.0
    # A part of a group's calls, since the onset, that must belong to series that show it.
    scope_share_min: float = 0.6
    # A series' weight in that: calls that count, and calls of a series that shows nothing which may yet show it.
    scope_calls_max: int = 20
    scope_calls_undecided: int = 10
    # An episode that was over is taken up again within this time.
    reopen_s: float = 15 * MINUTE_S
    # A group is well again when most of its calls have been of series that are, for so long.
    settle_s: float = 5 * MINUTE_S
    # Numbers alone are told again no more often.
    update_s: float = 30.0
