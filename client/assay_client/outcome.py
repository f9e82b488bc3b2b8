"""How a call ended, as its exception tells. Knows the providers' SDKs by the names of their exceptions and imports none."""

from enum import IntEnum


class Outcome(IntEnum):
    """The contract's CallOutcome."""

    SUCCEEDED = 1
    FAILED = 2
    TIMED_OUT = 3
    RATE_LIMITED = 4
    REFUSED = 5
    CANCELLED = 6


TOO_MANY_REQUESTS = 429
# openai and anthropic; httpx; requests; botocore; google-api-core. Those that derive from TimeoutError need no name.
TIMEOUT_NAMES = frozenset({"APITimeoutError", "TimeoutException", "Timeout", "ConnectTimeoutError", "ReadTimeoutError", "DeadlineExceeded"})
# openai and anthropic; google-api-core; botocore's modelled errors.
RATE_LIMIT_NAMES = frozenset({"RateLimitError", "ResourceExhausted", "TooManyRequests", "ThrottlingException"})


def outcome_of(error: BaseException) -> Outcome:
    """What an exception out of the block of a call means.

    What is not an Exception ends the caller and not the call: KeyboardInterrupt, SystemExit, GeneratorExit and the
    cancellations of asyncio and trio. So an `asyncio.timeout` is seen as TIMED_OUT only inside of the block; around
    it, it reaches the block as a cancellation.
    """
    names = {kind.__name__ for kind in type(error).__mro__}
    if not isinstance(error, Exception) or "CancelledError" in names:
        return Outcome.CANCELLED
    if isinstance(error, TimeoutError) or names & TIMEOUT_NAMES:
        return Outcome.TIMED_OUT
    if names & RATE_LIMIT_NAMES or _http_status(error) == TOO_MANY_REQUESTS:
        return Outcome.RATE_LIMITED
    return Outcome.FAILED


def _http_status(error: Exception) -> object:
    """The status of the answer, where the SDK keeps one: on the error, or on its response."""
    for holder in (error, getattr(error, "response", None)):
        for name in ("status_code", "status", "code"):
            status = getattr(holder, name, None)
            if isinstance(status, int):
                return status
    return None
