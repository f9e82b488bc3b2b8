"""Token counts out of what the providers' SDKs return, as objects or as dictionaries. Imports none of them."""

from dataclasses import dataclass

# input, output, cache read, cache write, reasoning: in the contract's meaning.
TokenCounts = tuple[int, int, int, int, int]


@dataclass(slots=True)
class Usage:
    """What is known of a call's tokens so far; None is not known. A stream tells it in parts, the later ones cumulative."""

    uncached_input: int | None = None  # Anthropic: cache reads and writes are counted beside it
    whole_input: int | None = None  # OpenAI: cache reads and writes are a part of it
    output: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    reasoning: int | None = None

    def take(self, response: object) -> bool:
        """Takes what a response, an event of a stream or a usage object tells; whether it told anything."""
        usage = _usage_in(response)
        if usage is None:
            return False
        if _get(usage, "prompt_tokens") is not None:
            self._take_openai(usage, "prompt_tokens", "completion_tokens")
        elif _get(usage, "input_tokens_details") is not None:
            self._take_openai(usage, "input_tokens", "output_tokens")
        else:
            self._take_anthropic(usage)
        return True

    def counts(self) -> TokenCounts | None:
        """The counts as the contract has them: cache reads and writes are a part of the input, reasoning of the output."""
        if self.uncached_input is None and self.whole_input is None and self.output is None:
            return None
        cache_read, cache_write = self.cache_read or 0, self.cache_write or 0
        whole = self.whole_input if self.whole_input is not None else (self.uncached_input or 0) + cache_read + cache_write
        return whole, self.output or 0, cache_read, cache_write, self.reasoning or 0

    def _take_openai(self, usage: object, whole_name: str, output_name: str) -> None:
        """Chat completions and the Responses API; the names differ, the meaning does not."""
        input_details = _get(usage, f"{whole_name}_details")
        self.whole_input = _count(usage, whole_name, self.whole_input)
        self.output = _count(usage, output_name, self.output)
        self.cache_read = _count(input_details, "cached_tokens", self.cache_read)
        self.cache_write = _count(input_details, "cache_write_tokens", self.cache_write)
        self.reasoning = _count(_get(usage, f"{output_name}_details"), "reasoning_tokens", self.reasoning)

    def _take_anthropic(self, usage: object) -> None:
        """Messages, and the events message_start and message_delta, of which the latter may leave the input out."""
        self.uncached_input = _count(usage, "input_tokens", self.uncached_input)
        self.output = _count(usage, "output_tokens", self.output)
        self.cache_read = _count(usage, "cache_read_input_tokens", self.cache_read)
        self.cache_write = _count(usage, "cache_creation_input_tokens", self.cache_write)


def _usage_in(response: object) -> object | None:
    """Where the counts are: in `usage`, or in that of a stream event's `message` or `response`, or here."""
    for holder in (response, _get(response, "message"), _get(response, "response")):
        usage = _get(holder, "usage")
        if usage is not None:
            return usage
    is_usage = any(_get(response, name) is not None for name in ("prompt_tokens", "input_tokens", "output_tokens"))
    return response if is_usage else None


def _get(holder: object, name: str) -> object | None:
    return holder.get(name) if isinstance(holder, dict) else getattr(holder, name, None)


def _count(holder: object, name: str, known: int | None) -> int | None:
    """The count of that name, or what was known before."""
    value = _get(holder, name)
    return value if isinstance(value, int) else known
