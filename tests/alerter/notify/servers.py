"""Receivers that speak their protocols, well or badly: an HTTP server by script, and a real mail server."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

HANG = "hang"
CUT = "cut"
DRIP = "drip"


@dataclass
class Request:
    """What a receiver was sent."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        """The body's object."""
        parsed: dict[str, Any] = json.loads(self.body)
        return parsed


@dataclass
class HttpReceiver:
    """Answers by its script, one entry a request and the last one for ever: (status, headers, body), HANG, CUT or DRIP."""

    port: int = 0
    script: list[Any] = field(default_factory=lambda: [(200, {}, b"ok")])
    requests: list[Request] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, one request."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            self.requests.append(Request(head[0].split(" ")[1], headers, body))
            await self._answer(writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    async def _answer(self, writer: asyncio.StreamWriter) -> None:
        answer = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if answer == HANG:
            await asyncio.Event().wait()
        if answer == CUT:
            return
        if answer == DRIP:  # an answer without end
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
            while True:
                writer.write(b"x" * 65_536)
                await writer.drain()
        status, headers, body = answer
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        writer.write(f"HTTP/1.1 {status} Any\r\nContent-Length: {len(body)}\r\n{lines}Connection: close\r\n\r\n".encode() + body)
        await writer.drain()


@asynccontextmanager
async def http_receiver(*script: Any) -> AsyncIterator[HttpReceiver]:
    """An HTTP server on a free port of loopback."""
    receiver = HttpReceiver()
    if script:
        receiver.script = list(script)
    tasks: set[asyncio.Task[None]] = set()

    def on_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(receiver.serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(on_connection, "127.0.0.1", 0)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@dataclass
class Mailbox:
    """What a mail server has taken, and how it refuses: a recipient's answer by address."""

    port: int = 0
    mails: list[bytes] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    refusals: dict[str, str] = field(default_factory=dict)
    data_answer: str = "250 taken"

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:
        """Takes a recipient, or not."""
        if address in self.refusals:
            return self.refusals[address]
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        """Takes a mail, or not."""
        if self.data_answer.startswith("250"):
            self.mails.append(envelope.content)
            self.recipients.append(list(envelope.rcpt_tos))
        return self.data_answer


@asynccontextmanager
async def mail_server(
    context: ssl.SSLContext | None, *, user: str = "", password: str = "", is_tls: bool = False
) -> AsyncIterator[Mailbox]:
    """aiosmtpd on a free port of loopback: with STARTTLS and authentication required, or TLS from the first byte."""
    box = Mailbox()

    def authenticate(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        is_right = isinstance(data, LoginPassword) and (data.login, data.password) == (user.encode(), password.encode())
        return AuthResult(success=is_right, handled=False)

    options: dict[str, Any] = {"authenticator": authenticate, "auth_required": not is_tls, "auth_require_tls": not is_tls} if user else {}
    if context is not None and not is_tls:
        options |= {"tls_context": context, "require_starttls": True}
    controller = Controller(box, hostname="127.0.0.1", port=free_port(), ssl_context=context if is_tls else None, **options)
    await asyncio.to_thread(controller.start)
    box.port = controller.port
    try:
        yield box
    finally:
        await asyncio.to_thread(controller.stop)


def free_port() -> int:
    """A port that nobody listens on now; the controller cannot be asked for any."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def until(condition: Callable[[], bool], deadline_s: float = 60.0) -> None:
    """Waits for a condition."""
    async with asyncio.timeout(deadline_s):
        while not condition():
            await asyncio.sleep(0.01)
