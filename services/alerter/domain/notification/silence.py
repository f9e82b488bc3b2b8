"""Silences: what somebody does not want to be told of, until when, and why."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from kit.errors import invalid
from services.alerter.domain.alert import Alert
from services.alerter.domain.notification.matcher import MATCHERS_MAX, Matcher, all_match

AUTHOR_LENGTH_MAX = 128
COMMENT_LENGTH_MAX = 1_024
DURATION_MAX = timedelta(days=366)  # one that is to stand for longer is a route


class SilenceState(Enum):
    """Where a silence is."""

    PENDING = 1
    ACTIVE = 2
    EXPIRED = 3


@dataclass(frozen=True, slots=True)
class Silence:
    """Alerts whose labels match are not told of from start to end."""

    silence_id: str
    matchers: tuple[Matcher, ...]
    author: str
    comment: str
    start_time: datetime
    end_time: datetime

    def state(self, now: datetime) -> SilenceState:
        """Where it is at this time; nothing has to be done for it to expire."""
        if now < self.start_time:
            return SilenceState.PENDING
        return SilenceState.ACTIVE if now < self.end_time else SilenceState.EXPIRED

    def hits(self, labels: Mapping[str, str]) -> bool:
        """Whether it is about an alert with these labels, whenever."""
        return all_match(self.matchers, labels)


def check_silence(silence: Silence, now: datetime) -> Silence:
    """The silence, if one can be made like that now. Raises FIELD_INVALID."""
    if not 1 <= len(silence.matchers) <= MATCHERS_MAX:
        raise invalid("matchers", f"a silence has 1 to {MATCHERS_MAX} matchers")
    if all_match(silence.matchers, {}):
        raise invalid("matchers", "at least one matcher must be one that an empty value does not fulfil, or all would be silenced")
    if not 1 <= len(silence.author) <= AUTHOR_LENGTH_MAX:
        raise invalid("author", f"must have 1 to {AUTHOR_LENGTH_MAX} characters")
    if len(silence.comment) > COMMENT_LENGTH_MAX:
        raise invalid("comment", f"must have at most {COMMENT_LENGTH_MAX} characters")
    if silence.end_time <= max(now, silence.start_time):
        raise invalid("end_time", "must be after the start, and not over yet")
    if silence.end_time - silence.start_time > DURATION_MAX:
        raise invalid("end_time", f"must be within {DURATION_MAX.days} days of the start")
    return silence


def hit_alerts(silence: Silence, alerts: Iterable[Alert]) -> list[Alert]:
    """Which of the open alerts the silence is about, for a look before it is made."""
    return [alert for alert in alerts if alert.state.is_open and silence.hits(alert.labels)]
