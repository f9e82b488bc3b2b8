"""Trying again while the database or the bus is away, and not for any other reason."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from kit import database, logs
from kit.errors import AssayError, Kind

_log = logs.get_logger(__name__)

# Between tries while the bus or the database is away.
RETRY_S = 0.5

_Result = TypeVar("_Result")


class StoppedError(Exception):
    """Asked to stop while waiting for what is the cause of this error."""


def is_passing(error: Exception) -> bool:
    """Whether the bus or the database is away or busy, so that the same may go well later; anything else is about the input, or a bug."""
    if isinstance(error, AssayError):
        return error.kind in {Kind.UNAVAILABLE, Kind.RESOURCE_EXHAUSTED}
    return database.is_connection_error(error) or database.is_conflict_error(error)


async def patiently(attempt: Callable[[], Awaitable[_Result]], stop: asyncio.Event) -> _Result:
    """Tries until it goes well or fails for good. Raises StoppedError if asked to stop before that."""
    while True:
        try:
            return await attempt()
        except Exception as error:
            if not is_passing(error):
                raise
            if stop.is_set():
                raise StoppedError from error
            _log.warning("waiting for the database or the bus", why=str(error) or repr(error))
        await pause(stop, RETRY_S)


async def pause(stop: asyncio.Event, seconds: float) -> None:
    """Lets some time pass, unless asked to stop."""
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
