"""One call to a provider, timed by the block that makes it."""

import time
from types import TracebackType
from typing import Any, Never

from assay_client.engine import Engine
from assay_client.ids import time_ordered_id
from assay_client.outcome import Outcome, outcome_of
from assay_client.usage import TokenCounts, Usage

ERROR_TYPE_LENGTH_MAX = 128


class Call:
    """What `Client.call` gives to a `with` or `async with` block. When the block ends, the call is recorded.

    An exception out of the block is recorded by its name and passes unchanged. None of the methods raises or waits.
    """

    __slots__ = (
        "_before",
        "_began_s",
        "_call_id",
        "_counts",
        "_engine",
        "_error_type",
        "_first_token_s",
        "_model",
        "_outcome",
        "_start_s",
        "_usage",
    )

    def __init__(self, engine: Engine, before: tuple[Any, ...], call_id: str) -> None:
        self._engine = engine
        self._before = before
        self._call_id = call_id
        self._outcome: Outcome | None = None
        self._error_type = ""
        self._model = ""
        self._first_token_s: float | None = None
        self._usage: Usage | None = None
        self._counts: TokenCounts | None = None
        self._start_s = time.time()
        self._began_s = time.perf_counter()

    @property
    def call_id(self) -> str:
        """The call's id, for feedback and evidence; chosen now if nobody did."""
        if not self._call_id:
            self._call_id = time_ordered_id(int(self._start_s * 1_000))
        return self._call_id

    @property
    def model(self) -> str:
        """Which model answered, as far as that is known; until then, which was asked for."""
        return self._model or str(self._before[1])

    def first_token(self, after_s: float | None = None) -> None:
        """The answer has begun: now, or so many seconds after the request. May be said at every piece: the first time counts."""
        if self._first_token_s is None:
            self._first_token_s = time.perf_counter() - self._began_s if after_s is None else after_s

    def usage(
        self,
        response: object = None,
        *,
        input_token_count: int | None = None,
        output_token_count: int = 0,
        cache_read_token_count: int = 0,
        cache_write_token_count: int = 0,
        reasoning_token_count: int = 0,
        **unknown: Never,
    ) -> None:
        """Takes the tokens from what the OpenAI or Anthropic SDK returned: a response, an event of a stream, or its usage.

        May be given every event: those that tell nothing change nothing. Or the counts themselves, the input with cache
        reads and writes, the output with reasoning.
        """
        try:
            if unknown:
                self._engine.notices.complain(f"call.usage has no {', '.join(unknown)}")
            if input_token_count is not None:
                self._counts = (
                    input_token_count,
                    output_token_count,
                    cache_read_token_count,
                    cache_write_token_count,
                    reasoning_token_count,
                )
                return
            if self._usage is None:
                self._usage = Usage()
            self._usage.take(response)
        except Exception as error:  # noqa: BLE001 - the agent's code must not hear of it
            self._engine.notices.complain(f"call.usage cannot read a {type(response).__name__}: {error!r}")

    def answered_by(self, model: str) -> None:
        """Which model answered, where that is not the name that was asked for."""
        self._model = model

    def outcome(self, outcome: Outcome, error_type: str = "") -> None:
        """Says how the call ended where no exception does, such as REFUSED; it holds against an exception, too."""
        self._outcome = outcome
        self._error_type = error_type

    def __enter__(self) -> "Call":
        self._start_s = time.time()
        self._began_s = time.perf_counter()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        latency_s = time.perf_counter() - self._began_s
        outcome = self._outcome
        if error is not None:
            self._error_type = self._error_type or type(error).__name__[:ERROR_TYPE_LENGTH_MAX]
            if outcome is None:
                outcome = _outcome_of(error)
        provider, model, task_type, rest = self._before
        counts = self._counts if self._usage is None else self._usage.counts() or self._counts
        self._engine.calls.put(
            (
                provider,
                self._model or model,
                task_type,
                self._start_s,
                latency_s,
                Outcome.SUCCEEDED if outcome is None else outcome,
                self._error_type,
                self._first_token_s,
                counts,
                *rest,
                self._call_id,
            )
        )

    async def __aenter__(self) -> "Call":
        return self.__enter__()

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.__exit__(kind, error, traceback)


def _outcome_of(error: BaseException) -> Outcome:
    """The outcome, whatever the exception's own attributes do when they are looked at."""
    try:
        return outcome_of(error)
    except Exception:  # noqa: BLE001 - the agent's code must hear of its own exception alone
        return Outcome.FAILED
