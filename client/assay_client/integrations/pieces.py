"""An answer that comes in pieces: the caller takes them as ever, and the call ends with the last one, or when the caller leaves."""

from typing import Any, Protocol


class Listener(Protocol):
    """Who hears of the pieces."""

    def taken(self, event: Any) -> bool:
        """A piece has come; whether the caller is to see it."""

    def end(self, error: BaseException | None) -> None:
        """There are no more; the error that ended them, None for the last one's arrival. Only the first time counts."""


class Pieces:
    """Stands where a stream of an SDK keeps the iterator of its events."""

    def __init__(self, events: Any, listener: Listener) -> None:
        self._events = events
        self._listener = listener
        self._is_reading = False

    @classmethod
    def of(cls, stream: Any, listener: Listener) -> None:
        """Follows a stream of an SDK, synchronous or not, which stays what it is. Whoever closes it closes its HTTP response."""
        pieces = cls(stream._iterator, listener)  # noqa: SLF001 - both SDKs have it, and a stand-in would be of another type
        stream._iterator = pieces  # noqa: SLF001 - as above
        response = stream.response
        close, aclose = response.close, response.aclose

        def watched_close() -> None:
            pieces.leave()
            close()

        async def watched_aclose() -> None:
            pieces.leave()
            await aclose()

        response.close, response.aclose = watched_close, watched_aclose

    def __iter__(self) -> "Pieces":
        return self

    def __aiter__(self) -> "Pieces":
        return self

    def __next__(self) -> Any:
        while True:
            self._is_reading = True
            try:
                event = next(self._events)
            except BaseException as error:
                self._listener.end(None if isinstance(error, StopIteration) else error)
                raise
            finally:
                self._is_reading = False
            if self._listener.taken(event):
                return event

    async def __anext__(self) -> Any:
        while True:
            self._is_reading = True
            try:
                event = await anext(self._events)
            except BaseException as error:
                self._listener.end(None if isinstance(error, StopAsyncIteration) else error)
                raise
            finally:
                self._is_reading = False
            if self._listener.taken(event):
                return event

    def leave(self) -> None:
        """The caller wants no more. The SDKs also close what they have read to its end, while they read."""
        if not self._is_reading:
            self._listener.end(GeneratorExit())

    def __del__(self) -> None:
        self.leave()
