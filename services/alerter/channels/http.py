"""HTTP to receivers: to checked addresses alone, without redirects, with answers bounded in size and time.

It is done with httpx's own core and not with its client, which would log addresses (those of Slack and Teams are secrets) and obey
proxies of the environment, behind which no address can be checked.
"""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpcore

from kit.errors import AssayError
from services.alerter.channels.channel import SEND_TIMEOUT_S
from services.alerter.channels.targets import ADDRESSES_MAX, checked_addresses
from services.alerter.domain.notification.address import Network
from services.alerter.domain.notification.delivery import Refused, Result, Retry, Sent, shown_detail

ANSWER_BYTES_MAX = 65_536  # what is longer is cut off, and the connection closed
CONNECTIONS_MAX = 128
USER_AGENT = "Assay-Alerter/1"
_TIMEOUTS = {"connect": 10.0, "read": SEND_TIMEOUT_S, "write": SEND_TIMEOUT_S, "pool": SEND_TIMEOUT_S}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered; the names of headers are in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        """The body if it is a JSON object, else an empty one."""
        try:
            parsed = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return parsed if isinstance(parsed, dict) else {}


class _CheckedNetwork(httpcore.AsyncNetworkBackend):
    """Connects to addresses that were checked; TLS goes on to ask for the name's certificate."""

    def __init__(self, allowed: Sequence[Network]) -> None:
        self._allowed = allowed
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - as the base class has it
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        try:
            addresses = await checked_addresses(host, port, self._allowed)
        except OSError as error:
            raise httpcore.ConnectError("the receiver's name cannot be resolved") from error
        for number, address in enumerate(addresses[:ADDRESSES_MAX], 1):
            try:
                return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if number == len(addresses):
                    raise
        raise AssertionError("there is at least one address")


class Http:
    """Posts to receivers."""

    def __init__(self, pool: httpcore.AsyncConnectionPool) -> None:
        self._pool = pool

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer | Retry | Refused:
        """The answer to a POST of JSON, or what it means that there is none."""
        sent = {"Content-Type": "application/json", "User-Agent": USER_AGENT, **headers}
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                return await self._answer(url, body, sent)
        except TimeoutError:
            return Retry(f"no answer within {SEND_TIMEOUT_S:g} s")
        except httpcore.TimeoutException:
            return Retry("the connection was not made, or went silent")
        except (httpcore.NetworkError, httpcore.ProtocolError, ssl.SSLError) as error:
            return Retry(shown_detail(f"the connection failed: {error or type(error).__name__}"))
        except AssayError as error:
            return Refused(error.message)

    async def _answer(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        async with self._pool.stream(
            "POST", url, headers=list(headers.items()), content=body, extensions={"timeout": _TIMEOUTS}
        ) as response:
            received = bytearray()
            async for chunk in response.aiter_stream():
                received += chunk
                if len(received) >= ANSWER_BYTES_MAX:
                    break
            names = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
            return Answer(response.status, names, bytes(received[:ANSWER_BYTES_MAX]))


@asynccontextmanager
async def http(allowed: Sequence[Network], context: ssl.SSLContext | None = None) -> AsyncIterator[Http]:
    """HTTP until the block is left; `context` is what servers' certificates are checked with, None for the system's authorities."""
    async with httpcore.AsyncConnectionPool(
        ssl_context=context or ssl.create_default_context(),
        max_connections=CONNECTIONS_MAX,
        max_keepalive_connections=0,
        network_backend=_CheckedNetwork(allowed),
    ) as pool:
        yield Http(pool)


def result_of(answer: Answer | Retry | Refused) -> Result:
    """What an answer's status says: taken, later, or never."""
    if not isinstance(answer, Answer):
        return answer
    if 200 <= answer.status < 300:
        return Sent(detail=f"HTTP {answer.status}")
    said = shown_detail(f"HTTP {answer.status}: {answer.body[:512].decode('utf-8', 'replace')}")
    if answer.status in {408, 425, 429} or answer.status >= 500:
        return Retry(said, retry_after_s(answer.headers.get("retry-after", "")))
    if 300 <= answer.status < 400:
        return Refused(f"HTTP {answer.status}: redirects are not followed; give the receiver the address itself")
    return Refused(said)


def retry_after_s(value: str) -> float | None:
    """The seconds of a Retry-After header, which may also be a date; None if it says nothing."""
    if value.strip().isdecimal() and len(value) < 10:
        return float(value)
    try:
        then = parsedate_to_datetime(value)
    except (ValueError, IndexError):
        return None
    return max((then.replace(tzinfo=then.tzinfo or UTC) - datetime.now(UTC)).total_seconds(), 0.0)


def json_body(content: Mapping[str, object] | Sequence[object]) -> bytes:
    """JSON, in bytes."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
