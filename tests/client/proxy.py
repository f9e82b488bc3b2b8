"""A network between client and collector that hangs, cuts and delays as it is told."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager

CHUNK_BYTES = 16 * 1024
STOP_TIMEOUT_S = 30.0


class Proxy:
    """Forwards TCP to `target`. While it `hangs`, nothing passes; `cut` ends all connections; each chunk takes `delay_s`."""

    def __init__(self, target: str) -> None:
        host, port = target.split(":")
        self._target = host, int(port)
        self._loop = asyncio.new_event_loop()
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self.address = ""
        self.hangs = False
        self.refuses = False
        self.delay_s = 0.0

    def cut(self) -> None:
        """Ends all connections in the middle of whatever they carry."""
        self._loop.call_soon_threadsafe(self._abort)

    def _abort(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            if not self.refuses:
                there_reader, there_writer = await asyncio.open_connection(*self._target)
                self._writers.add(there_writer)
                await asyncio.gather(self._forward(reader, there_writer), self._forward(there_reader, writer))
        except OSError:
            pass
        finally:
            writer.transport.abort()
            self._writers.discard(writer)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while chunk := await reader.read(CHUNK_BYTES):
                await asyncio.sleep(self.delay_s)
                while self.hangs:
                    await asyncio.sleep(0.01)
                writer.write(chunk)
                await writer.drain()
        writer.transport.abort()
        self._writers.discard(writer)

    async def serve(self, ready: threading.Event, end: asyncio.Event) -> None:
        """Forwards until the end."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        host, port = self._server.sockets[0].getsockname()
        self.address = f"{host}:{port}"
        ready.set()
        await end.wait()
        self.hangs = False
        self._server.close()
        self._abort()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def run(self, ready: threading.Event, end: asyncio.Event) -> None:
        """What its thread does."""
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self.serve(ready, end))

    def stop(self, end: asyncio.Event) -> None:
        """Ends its thread."""
        self._loop.call_soon_threadsafe(end.set)


@contextmanager
def proxied(target: str) -> Iterator[Proxy]:
    """A network to the target that works."""
    proxy, ready, end = Proxy(target), threading.Event(), asyncio.Event()
    thread = threading.Thread(target=proxy.run, args=(ready, end))
    thread.start()
    try:
        assert ready.wait(STOP_TIMEOUT_S)
        yield proxy
    finally:
        proxy.stop(end)
        thread.join(STOP_TIMEOUT_S)
        assert not thread.is_alive()
