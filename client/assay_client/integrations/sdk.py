"""What the SDKs of OpenAI and Anthropic have in common: both come from one generator, and send all through their clients' `request`."""

import inspect
import sys
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeVar

from assay_client.call import Call
from assay_client.client import Client
from assay_client.integrations.pieces import Pieces
from assay_client.tags import CallFields, current_tags, note_call

Sdk = TypeVar("Sdk")
# Names of models whose answers had another name; an application that asks for more keeps the names that it asks for.
MODELS_MAX = 256


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one SDK's requests and answers are read.

    `operations`: the path of each request that is a call, and the kind of task where nobody says one. `read` tells a call
    what an answer, or an event of one that is streamed, tells; True if the answer is whole with it. `begins`: whether an event
    has anything of the answer itself. `ask` changes a request for a stream so that it tells its usage; True if the caller did
    not ask for that and must not see it.
    """

    operations: Mapping[str, str]
    read: Callable[[Call, Any], bool]
    begins: Callable[[Any], bool]
    ask: Callable[[Any], bool] = lambda _options: False


@dataclass(eq=False)
class Watch:
    """What is known of one SDK's client: whose calls it makes, and what models call themselves that have an alias."""

    client: Client
    dialect: Dialect
    provider: str
    default: CallFields
    aliases: dict[str, str] = field(default_factory=dict)

    def begin(self, options: Any) -> "Request | None":
        """A request that is about to be sent; None if it is no call, or not as the SDKs have them."""
        try:
            operation = self.dialect.operations.get(options.url.partition("?")[0])
            if operation is None or options.method != "post":
                return None
            body = options.json_data
            request = Request(self, body.get("model") or "", operation)
            request.hides_usage = bool(body.get("stream")) and self.dialect.ask(options)
        except Exception as error:  # noqa: BLE001 - the agent's code must not hear of it
            self.complain(error)
            return None
        return request

    def complain(self, error: Exception) -> None:
        """Says once that something cannot be read."""
        self.client.complain(f"a call of the {self.provider} SDK cannot be read: {error!r}")


class Request:
    """One request of a caller: one call, or several where the SDK tries again by itself, each with its own time and outcome.

    `hides_usage`: the caller did not ask for the event of a stream that has its usage alone.
    """

    def __init__(self, watch: Watch, model: str, operation: str) -> None:
        self._watch = watch
        self._model = model
        self._tags = current_tags()
        self._fields = {"task_type": operation, **self._tags.fields_of(model, watch.default)}
        self.hides_usage = False
        self._has_begun = False
        self._is_whole = False
        self._call: Call | None = None
        self.try_now()

    def try_now(self) -> None:
        """The SDK sends it."""
        watch = self._watch
        model = watch.aliases.get(self._model, self._model)
        self._call = watch.client.call(provider=watch.provider, model=model, **self._fields).__enter__()
        note_call(self._tags, self._call.call_id)

    def failed(self, sdk: Any, response: Any) -> None:
        """What the SDK sent has failed, and it will try again. Without a response, that is for an exception that is being handled."""
        try:
            error = sys.exception() if response is None else sdk._make_status_error_from_response(response)  # noqa: SLF001 - see `watched`
        except Exception as unreadable:  # noqa: BLE001 - as above
            error = unreadable
        self.end(error)

    def answered(self, answer: Any, *, is_stream: bool) -> Any:
        """Takes what an answer tells and gives it to the caller; one that is streamed ends the call later."""
        try:
            raw = getattr(answer, "http_response", None)
            if is_stream:
                self._follow(answer, is_raw=raw is not None)
                return answer
            if raw is None:
                self._read(answer)
            elif raw.is_closed and self._call is not None:  # the caller wants headers, too, and reads the body by itself
                body = raw.json()
                self._call.usage(body)
                self._call.answered_by(body.get("model") or self._call.model)
        except Exception as error:  # noqa: BLE001 - as above
            self._watch.complain(error)
        self.end(None)
        return answer

    def taken(self, event: Any) -> bool:
        """Takes what an event of a stream tells; whether the caller is to see it."""
        try:
            if not self._has_begun and self._call is not None and self._watch.dialect.begins(event):
                self._has_begun = True
                self._call.first_token()
            self._read(event)
        except Exception as error:  # noqa: BLE001 - as above
            self._watch.complain(error)
        return not (self.hides_usage and getattr(event, "usage", None) is not None and not event.choices)

    def end(self, error: BaseException | None) -> None:
        """The call ends, unless it has ended already. A stream that is left when its answer is whole has succeeded."""
        call, self._call = self._call, None
        if call is not None:
            told = None if self._is_whole else error
            call.__exit__(None if told is None else type(told), told, None)

    def _follow(self, answer: Any, *, is_raw: bool) -> None:
        if not is_raw:
            self._followed(answer)
            return
        parse = answer.parse

        def watched_parse(**given: Any) -> Any:
            stream = parse(**given)
            return self._awaited(stream) if inspect.isawaitable(stream) else self._followed(stream)

        answer.parse = watched_parse

    def _followed(self, stream: Any) -> Any:
        if self._call is not None:
            Pieces.of(stream, self)
        return stream

    async def _awaited(self, stream: Any) -> Any:
        return self._followed(await stream)

    def _read(self, answer: Any) -> None:
        if self._call is None:
            return
        self._is_whole = self._watch.dialect.read(self._call, answer) or self._is_whole
        aliases, model = self._watch.aliases, self._call.model
        if model and model != self._model and (self._model in aliases or len(aliases) < MODELS_MAX):
            aliases[self._model] = model


_current: ContextVar[Request | None] = ContextVar("assay_request", default=None)


def watched(sdk: Sdk, watch: Watch) -> Sdk:
    """The same client of an SDK, which from now on reports its calls; so do the copies that it makes of itself.

    `request` is what all methods of these SDKs call, streams, raw responses and parsing included, and `_sleep_for_retry` is
    where they wait before they send again. They have been there since the SDKs are generated; where the latter is missing,
    a request counts as one call however often it is sent.
    """
    target: Any = sdk
    is_async = inspect.iscoroutinefunction(target.request)
    target.request = _request_async(target.request, watch) if is_async else _request(target.request, watch)
    if hasattr(target, "_sleep_for_retry"):
        pause = target._sleep_for_retry  # noqa: SLF001 - see above
        target._sleep_for_retry = _pause_async(pause, target) if is_async else _pause(pause, target)  # noqa: SLF001 - as above
    copy = target.copy

    def watched_copy(**given: Any) -> Any:
        return watched(copy(**given), watch)

    target.copy = target.with_options = watched_copy
    return sdk


def _request(send: Callable[..., Any], watch: Watch) -> Callable[..., Any]:
    def request(cast_to: Any, options: Any, *, stream: bool = False, **given: Any) -> Any:
        begun = watch.begin(options)
        if begun is None:
            return send(cast_to, options, stream=stream, **given)
        token = _current.set(begun)
        try:
            answer = send(cast_to, options, stream=stream, **given)
        except BaseException as error:
            begun.end(error)
            raise
        finally:
            _current.reset(token)
        return begun.answered(answer, is_stream=stream)

    return request


def _request_async(send: Callable[..., Any], watch: Watch) -> Callable[..., Any]:
    async def request(cast_to: Any, options: Any, *, stream: bool = False, **given: Any) -> Any:
        begun = watch.begin(options)
        if begun is None:
            return await send(cast_to, options, stream=stream, **given)
        token = _current.set(begun)
        try:
            answer = await send(cast_to, options, stream=stream, **given)
        except BaseException as error:
            begun.end(error)
            raise
        finally:
            _current.reset(token)
        return begun.answered(answer, is_stream=stream)

    return request


def _pause(pause: Callable[..., Any], sdk: Any) -> Callable[..., Any]:
    def sleep_for_retry(*, response: Any = None, **given: Any) -> None:
        begun = _current.get()
        if begun is not None:
            begun.failed(sdk, response)
        pause(response=response, **given)
        if begun is not None:
            begun.try_now()

    return sleep_for_retry


def _pause_async(pause: Callable[..., Any], sdk: Any) -> Callable[..., Any]:
    async def sleep_for_retry(*, response: Any = None, **given: Any) -> None:
        begun = _current.get()
        if begun is not None:
            begun.failed(sdk, response)
        await pause(response=response, **given)
        if begun is not None:
            begun.try_now()

    return sleep_for_retry
