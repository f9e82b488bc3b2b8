"""A webhook's receiver that notes when it is told what."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_CONTENT_LENGTH = b"content-length:"


@dataclass(frozen=True, slots=True)
class Told:
    """One message: when it came, by `time.perf_counter`, and what it says."""

    at_s: float
    message: dict[str, Any]


@dataclass
class Receiver:
    """Takes everything."""

    url: str = ""
    messages: list[Told] = field(default_factory=list)

    async def first(self, wanted: Callable[[dict[str, Any]], bool], timeout_s: float) -> float:
        """When the first message came whose data is wanted. Raises TimeoutError."""
        async with asyncio.timeout(timeout_s):
            while True:
                for told in self.messages:
                    if wanted(told.message["data"]):
                        return told.at_s
                await asyncio.sleep(0.01)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, one message."""
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        size = next(int(line.removeprefix(_CONTENT_LENGTH)) for line in head.split(b"\r\n") if line.startswith(_CONTENT_LENGTH))
        body = await reader.readexactly(size)
        self.messages.append(Told(time.perf_counter(), json.loads(body)))
        writer.write(_ANSWER)
        await writer.drain()
        writer.close()


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """A receiver on a free port of loopback."""
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    async with server:
        yield receiver
