"""What the supervisor decides: when a dead child starts again, how long a stage may take to stop. No clock, no I/O."""

import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class RestartPolicy:
    """A child may be restarted `restarts_max` times in any `window_s` seconds, each time after twice the last delay."""

    restarts_max: int = 5
    window_s: float = 60.0
    delay_min_s: float = 0.1
    delay_max_s: float = 5.0

    def delay_s(self, deaths_s: Sequence[float], now_s: float) -> float | None:
        """Seconds to wait before the next start, or None when the child died too often and the whole must end.

        `deaths_s` are the times of all its deaths on the clock of `now_s`, the present one included.
        """
        recent_count = sum(1 for death_s in deaths_s if now_s - death_s < self.window_s)
        if recent_count > self.restarts_max:
            return None
        return min(self.delay_max_s, self.delay_min_s * 2.0 ** max(0, recent_count - 1))


ORDINARY_RESTARTS = RestartPolicy()


def stage_deadlines_s(stage_count: int, total_s: float) -> list[float]:
    """Seconds from the request to stop at which each stage, in the order of stopping, is killed.

    Stages have equal shares of the total; what one leaves unused, the next one may use.
    """
    return [total_s * (position + 1) / stage_count for position in range(stage_count)]


def exit_in_words(exit_code: int) -> str:
    """What an exit code of asyncio's subprocess says: negative for the signal that killed the process."""
    if exit_code >= 0:
        return f"ended with exit code {exit_code}"
    try:
        return f"was killed by {signal.Signals(-exit_code).name}"
    except ValueError:
        return f"was killed by signal {-exit_code}"


def hint_for(lines: Sequence[str], hints: Mapping[str, str]) -> str | None:
    """The sentence for the first text of `hints` that stands in the output, None when none does."""
    output = "\n".join(lines)
    return next((sentence for text, sentence in hints.items() if text in output), None)
