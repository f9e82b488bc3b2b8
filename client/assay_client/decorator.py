"""A function that makes one call, as a call: `@observed(assay, provider="openai", model="gpt-5", task_type="code_review")`."""

import functools
import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, TypeVar, Unpack, cast

from assay_client.call import Call
from assay_client.client import Client
from assay_client.tags import CallFields, current_tags, note_call

Function = TypeVar("Function", bound=Callable[..., Any])


def observed(assay: Client, *, provider: str, model: str, **default: Unpack[CallFields]) -> Callable[[Function], Function]:
    """Has each run of a function recorded as one call, with the tokens of what it returns.

    Also for coroutines and generators, asynchronous ones included: their first item is the answer's first token, and each of
    them may tell tokens. `default` is what `tagged` does not say. A function that makes several calls is better left alone,
    and the calls inside of it wrapped.
    """

    def begun() -> Call:
        tags = current_tags()
        call = assay.call(provider=provider, model=model, **{"task_type": "chat", **tags.fields_of(model, default)})
        note_call(tags, call.call_id)
        return call

    def decorate(function: Function) -> Function:
        make = next(make for is_kind, make in _KINDS if is_kind(function))
        return cast("Function", functools.wraps(function)(make(function, begun)))

    return decorate


def _plain(function: Callable[..., Any], begun: Callable[[], Call]) -> Callable[..., Any]:
    def run(*given: Any, **named: Any) -> Any:
        with begun() as call:
            answer = function(*given, **named)
            call.usage(answer)
            return answer

    return run


def _coroutine(function: Callable[..., Any], begun: Callable[[], Call]) -> Callable[..., Any]:
    async def run(*given: Any, **named: Any) -> Any:
        with begun() as call:
            answer = await function(*given, **named)
            call.usage(answer)
            return answer

    return run


def _generator(function: Callable[..., Any], begun: Callable[[], Call]) -> Callable[..., Any]:
    def run(*given: Any, **named: Any) -> Iterator[Any]:
        with begun() as call:
            for item in function(*given, **named):
                call.first_token()
                call.usage(item)
                yield item

    return run


def _async_generator(function: Callable[..., Any], begun: Callable[[], Call]) -> Callable[..., Any]:
    async def run(*given: Any, **named: Any) -> AsyncIterator[Any]:
        with begun() as call:
            async for item in function(*given, **named):
                call.first_token()
                call.usage(item)
                yield item

    return run


_KINDS: tuple[tuple[Callable[[Any], bool], Callable[[Callable[..., Any], Callable[[], Call]], Callable[..., Any]]], ...] = (
    (inspect.isasyncgenfunction, _async_generator),
    (inspect.iscoroutinefunction, _coroutine),
    (inspect.isgeneratorfunction, _generator),
    (callable, _plain),
)
