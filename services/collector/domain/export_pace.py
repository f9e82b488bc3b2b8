"""When something is sent to a target: at whole intervals, and after trouble later and later."""

FIRST_RETRY_S = 2.0
RETRY_MAX_S = 300.0
RETRY_AFTER_MAX_S = 3_600.0
"""What a target may ask for."""


def retry_wait_s(failure_count: int, asked_s: float | None, chance: float) -> float:
    """How long to wait after so many failures in a row, at least one. `chance` in 0..1 spreads those who failed together.

    The wait doubles with each failure, up to RETRY_MAX_S, of which between half and all is waited. What the target asked for is waited in
    any case.
    """
    wait_s = min(FIRST_RETRY_S * 2.0 ** min(failure_count - 1, 32), RETRY_MAX_S) * (0.5 + chance / 2)
    return max(wait_s, min(asked_s or 0.0, RETRY_AFTER_MAX_S))


def due_time_s(now_s: float, every_s: int, sent_s: int) -> int | None:
    """The whole interval that is to be sent, in seconds since the epoch, None if it was sent already."""
    tick_s = int(now_s) // every_s * every_s
    return tick_s if tick_s > sent_s else None
