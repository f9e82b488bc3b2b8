"""Checks a batch of calls, column by column, against the contract."""

from services.collector.domain import limits
from services.collector.domain.received import SERIES_FIELDS, BoolArray, CallExtras, IntArray, ReceivedCalls, Times
from services.collector.domain.refusals import Fault, Faults, Reason
from services.collector.domain.texts import TextRule

# Rows of ReceivedCalls.tokens
INPUT, OUTPUT, CACHE_READ, CACHE_WRITE, REASONING = range(5)
TOKEN_FIELDS = (
    "usage.input_token_count",
    "usage.output_token_count",
    "usage.cache_read_token_count",
    "usage.cache_write_token_count",
    "usage.reasoning_token_count",
)
OUTCOME_MAX = 6  # the contract's CallOutcome is 1 to this; a test compares

_CALL_ID = TextRule("call_id", limits.ID_BYTES_MAX, is_required=True)
_TASK_ID = TextRule("task_id", limits.ID_BYTES_MAX)
_AGENT = TextRule("agent", limits.NAME_BYTES_MAX)
_ERROR_TYPE = TextRule("error_type", limits.NAME_BYTES_MAX)
_RANKING_ID = TextRule("ranking_id", limits.ID_BYTES_MAX)
_LABEL_KEY = TextRule("labels", limits.LABEL_KEY_BYTES_MAX, is_required=True)
_LABEL_VALUE = TextRule("labels", limits.LABEL_VALUE_BYTES_MAX)
_SERIES = tuple(TextRule(field, limits.NAME_BYTES_MAX, is_required=field in {"provider", "model", "task_type"}) for field in SERIES_FIELDS)


def check_calls(calls: ReceivedCalls, now_unix_us: int) -> Faults:
    """Finds the first fault of each call, in the order in which the contract lists the fields.

    `now_unix_us` is the time of receipt in microseconds since 1970, against which start times are held.
    """
    faults = Faults(len(calls))
    malformed = Fault("calls", Reason.MALFORMED, "the bytes are not a message of type Call")
    faults.add_each(dict.fromkeys(calls.unreadable, malformed))
    faults.add_each(_CALL_ID.faults(calls.call_ids))
    faults.add_values(calls.tasks.index, _TASK_ID.faults(calls.tasks.distinct))
    _check_start(faults, calls.start, now_unix_us)
    _check_durations(faults, calls.latency, calls.first_token)
    for rule, texts in zip(_SERIES, zip(*calls.series.distinct, strict=True), strict=False):
        faults.add_values(calls.series.index, rule.faults(texts))
    faults.add_values(calls.agents.index, _AGENT.faults(calls.agents.distinct))
    faults.add(calls.outcome == 0, "outcome", Reason.MISSING, "say how the call ended")
    is_unknown = (calls.outcome < 0) | (calls.outcome > OUTCOME_MAX)
    faults.add(is_unknown, "outcome", Reason.UNKNOWN_VALUE, "this version does not know the outcome")
    faults.add_values(calls.error_types.index, _ERROR_TYPE.faults(calls.error_types.distinct))
    _check_tokens(faults, calls.tokens)
    _check_range(faults, "cost_usd_nanos", calls.cost_usd_nanos, limits.COST_NANOS_MAX)
    _check_range(faults, "revision_count", calls.revision_count, limits.COUNT_MAX)
    faults.add_each({extras.place: fault for extras in calls.extras if (fault := _extras_fault(extras))})
    return faults


def _check_start(faults: Faults, start: Times, now_unix_us: int) -> None:
    faults.add(~start.is_set, "start_time", Reason.MISSING, "say when the call started")
    ahead_us = start.microseconds - now_unix_us
    is_wrong = ~start.is_normal | (ahead_us < -limits.START_BACK_MAX_US) | (ahead_us > limits.START_AHEAD_MAX_US)
    message = "must be at most 400 days back and 10 minutes ahead of the collector's clock"
    faults.add(is_wrong, "start_time", Reason.OUT_OF_RANGE, message)


def _check_durations(faults: Faults, latency: Times, first_token: Times) -> None:
    faults.add(~latency.is_set, "latency", Reason.MISSING, "say how long the call took")
    for field, times in (("latency", latency), ("time_to_first_token", first_token)):
        faults.add(_is_wrong_duration(times), field, Reason.OUT_OF_RANGE, "must be 0 to 7 days")
    is_late = first_token.microseconds > latency.microseconds
    faults.add(is_late, "time_to_first_token", Reason.INCONSISTENT, "must not be more than the latency")


def _is_wrong_duration(times: Times) -> BoolArray:
    is_wrong: BoolArray = ~times.is_normal | (times.microseconds < 0)
    is_wrong |= times.microseconds > limits.DURATION_MAX_US
    return is_wrong


def _check_tokens(faults: Faults, tokens: IntArray) -> None:
    for field, counts in zip(TOKEN_FIELDS, tokens, strict=True):
        _check_range(faults, field, counts, limits.COUNT_MAX)
    is_above = tokens[CACHE_READ] > tokens[INPUT]
    faults.add(is_above, TOKEN_FIELDS[CACHE_READ], Reason.INCONSISTENT, "must not be more than the input tokens")
    is_above = tokens[CACHE_READ] + tokens[CACHE_WRITE] > tokens[INPUT]
    message = "must not be, with the cache reads, more than the input tokens"
    faults.add(is_above, TOKEN_FIELDS[CACHE_WRITE], Reason.INCONSISTENT, message)
    is_above = tokens[REASONING] > tokens[OUTPUT]
    faults.add(is_above, TOKEN_FIELDS[REASONING], Reason.INCONSISTENT, "must not be more than the output tokens")


def _check_range(faults: Faults, field: str, values: IntArray, maximum: int) -> None:
    faults.add((values < 0) | (values > maximum), field, Reason.OUT_OF_RANGE, f"must be 0 to {maximum:,}")


def _extras_fault(extras: CallExtras) -> Fault | None:
    if len(extras.labels) > limits.LABELS_MAX:
        return Fault("labels", Reason.TOO_LONG, f"must be at most {limits.LABELS_MAX}")
    for key, value in extras.labels.items():
        fault = _LABEL_KEY.fault(key) or _LABEL_VALUE.fault(value)
        if fault:
            return fault
    ratio = extras.selection_ratio
    if ratio is not None and not 0 < ratio <= 1:  # NaN is refused too
        return Fault("selection_ratio", Reason.OUT_OF_RANGE, "must be above 0 and at most 1")
    return _RANKING_ID.fault(extras.ranking_id)
