"""Posts to targets: without redirects and proxies, with answers bounded in size and time, and addresses kept out of logs."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum

import httpcore

TIMEOUT_S = 10.0
ANSWER_BYTES_MAX = 4_096
CONNECTIONS_MAX = 16
_TIMEOUTS = {"connect": 5.0, "read": TIMEOUT_S, "write": TIMEOUT_S, "pool": TIMEOUT_S}
_AGAIN = frozenset({408, 425, 429})


class Verdict(Enum):
    """What became of a post: taken, to be tried again, or refused however often it is tried."""

    TAKEN = 1
    AGAIN = 2
    REFUSED = 3


@dataclass(frozen=True, slots=True)
class Answer:
    """What a target said. `after_s` is how long it wants to be left alone, None if it did not say."""

    verdict: Verdict
    detail: str = ""
    after_s: float | None = None


class Http:
    """Posts to targets."""

    def __init__(self, pool: httpcore.AsyncConnectionPool) -> None:
        self._pool = pool

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """What a target says to a body; trouble on the way is to be tried again."""
        sent = {"User-Agent": "Assay", **{name: value for name, value in headers.items() if value}}
        try:
            async with asyncio.timeout(TIMEOUT_S):
                return await self._answer(url, body, sent)
        except (TimeoutError, httpcore.TimeoutException):
            return Answer(Verdict.AGAIN, f"no answer within {TIMEOUT_S:g} s")
        except (httpcore.NetworkError, httpcore.ProtocolError, ssl.SSLError) as error:
            return Answer(Verdict.AGAIN, f"the connection failed: {error or type(error).__name__}")

    async def _answer(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        extensions = {"timeout": _TIMEOUTS}
        async with self._pool.stream("POST", url, headers=list(headers.items()), content=body, extensions=extensions) as response:
            said = bytearray()
            async for part in response.aiter_stream():
                said += part
                if len(said) >= ANSWER_BYTES_MAX:
                    break
            if 200 <= response.status < 300:
                return Answer(Verdict.TAKEN)
            after = next((value.decode("latin-1") for name, value in response.headers if name.lower() == b"retry-after"), "")
            plain = "".join(letter if letter.isprintable() else " " for letter in said[:512].decode("utf-8", "replace"))
            is_passing = response.status in _AGAIN or response.status >= 500
            return Answer(
                Verdict.AGAIN if is_passing else Verdict.REFUSED, f"HTTP {response.status}: {plain.strip()}", retry_after_s(after)
            )


@asynccontextmanager
async def http() -> AsyncIterator[Http]:
    """HTTP until the block is left."""
    async with httpcore.AsyncConnectionPool(ssl_context=ssl.create_default_context(), max_connections=CONNECTIONS_MAX) as pool:
        yield Http(pool)


def retry_after_s(value: str) -> float | None:
    """The seconds of a Retry-After header, which may also be a date; None if it says nothing."""
    if value.strip().isdecimal() and len(value) < 10:
        return float(value)
    try:
        then = parsedate_to_datetime(value)
    except (ValueError, IndexError):
        return None
    return max((then.replace(tzinfo=then.tzinfo or UTC) - datetime.now(UTC)).total_seconds(), 0.0)
