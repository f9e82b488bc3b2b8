"""A receiver to be killed: notes on disk what it was sent, and then answers. `python -m … http|mail PORT FILE`."""

import asyncio
import json
import os
import re
import sys
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP

_MODEL = re.compile(r"model-\d+-\d+")
_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


class Log:
    """A line for each message: its id, and the models that it names."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a")

    def note(self, message_id: str, text: str) -> None:
        """Returns when the disk has it."""
        line = json.dumps({"id": message_id, "models": sorted(set(_MODEL.findall(text)))})
        self._file.write(f"{line}\n")
        self._file.flush()
        os.fsync(self._file.fileno())


def http(log: Log) -> Any:
    """Answers one request a connection."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = _LENGTH.search(head)
            assert length is not None
            body = (await reader.readexactly(int(length[1]))).decode()
            log.note(json.loads(body)["data"]["delivery_id"], body)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            await writer.drain()
        finally:
            writer.close()

    return serve


class Mails:
    """Takes every mail."""

    def __init__(self, log: Log) -> None:
        self._log = log

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        """Notes it."""
        mail = message_from_bytes(envelope.content, policy=default)
        body = mail.get_body(("plain",))
        assert body is not None
        self._log.note(str(mail["X-Assay-Delivery-Id"]), body.get_content())
        return "250 taken"


async def main(kind: str, port: int, log: Log) -> None:
    """Serves until it is killed."""
    loop = asyncio.get_running_loop()
    if kind == "http":
        server = await asyncio.start_server(http(log), "127.0.0.1", port)
    else:
        server = await loop.create_server(lambda: SMTP(Mails(log), hostname="mail.test", loop=loop), "127.0.0.1", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), Log(Path(sys.argv[3]))))
