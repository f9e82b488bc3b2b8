"""Finds the collector and a key for it, and asks it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import grpc
import grpc.aio

from kit import rpc
from kit.embedded.datadir import read_run
from kit.errors import AssayError, Kind
from kit.tls import ClientFiles

ADMIN_KEY_FILE = "admin.key"
COLLECTOR = "collector"
ANALYZER = "analyzer"
ALERTER = "alerter"
REPORTER = "reporter"
# Longer than any answer takes that is not stuck; only sums over months of another zone's days take seconds.
ASK_TIMEOUT_S = 15.0

Result = TypeVar("Result")


@dataclass(frozen=True)
class Target:
    """A collector's gRPC address, "host:port", the key to send to it, and how: by TLS, or plainly and how far."""

    address: str
    secret: str
    tls: ClientFiles | None = None
    allow_insecure: bool = False

    def channel(self) -> grpc.aio.Channel:
        """Connects with the key; close it. Raises CONNECT_INSECURE or TLS_FILES_UNUSABLE."""
        return rpc.connect(self.address, secret=self.secret, tls=self.tls, allow_insecure=self.allow_insecure)


def find(data_dir: Path, url: str | None, key: str | None, process: str = COLLECTOR) -> Target:
    """The collector, or another process, that is meant: at `url` with `key`, or else the one that runs on the data directory.

    How the one at `url` is reached by TLS is read from the environment; the directory knows it of its own suite. The directory's admin key
    is never sent to an address that was given. Raises URL_INVALID, KEY_MISSING, NOT_RUNNING, ADMIN_KEY_UNREADABLE.
    """
    if url is not None:
        if "://" in url or ":" not in url:
            raise _refused("URL_INVALID", f"--url (ASSAY_URL) is the {process}'s gRPC address, such as 127.0.0.1:7001, and not {url!r}")
        if not key:
            raise _refused("KEY_MISSING", "with --url (ASSAY_URL) give a key, too: --key or ASSAY_KEY")
        from kit.settings import TlsSettings, load

        settings = load(TlsSettings)
        return Target(url, key, settings.client_tls, settings.insecure_connect)
    run = read_run(data_dir)
    # What listens beyond loopback is still on this machine.
    return Target(run.processes[process].url, key or admin_key(data_dir), run.tls, allow_insecure=True)


def gateway_url(data_dir: Path) -> str:
    """Where the dashboard of the suite on the data directory is. Raises NOT_RUNNING."""
    return read_run(data_dir).url


def admin_key(data_dir: Path) -> str:
    """The secret of the installation's admin key that `assay up` made. Raises ADMIN_KEY_UNREADABLE."""
    file = data_dir.expanduser() / ADMIN_KEY_FILE
    try:
        return file.read_text().strip()
    except OSError as error:
        message = f"cannot read {file} ({error.strerror}): run this as the user who started the suite, or give --key"
        raise _refused("ADMIN_KEY_UNREADABLE", message) from error


def ask(target: Target, work: Callable[[grpc.aio.Channel], Awaitable[Result]]) -> Result:
    """Does the work over a channel to the target. Raises AssayErrors alone, most often the ones that the other side raised."""

    async def connected() -> Result:
        async with target.channel() as channel:
            return await work(channel)

    try:
        return asyncio.run(connected())
    except grpc.aio.AioRpcError as error:
        raise error_in_words(error, target.address) from error


def error_in_words(error: grpc.aio.AioRpcError, address: str) -> AssayError:
    """The other side's AssayError; gRPC's own sentence about a connection that failed is replaced by one for people."""
    told = rpc.error_of(error)
    if told.reason == grpc.StatusCode.UNAVAILABLE.name:
        trouble = rpc.connection_trouble(told.message)
        message = f"nobody answers at {address}: is the suite running there?" if trouble is None else f"cannot talk to {address}: {trouble}"
        return AssayError(told.kind, told.reason, message, retry_after_s=told.retry_after_s)
    if told.reason == grpc.StatusCode.DEADLINE_EXCEEDED.name:
        return AssayError(told.kind, told.reason, f"{address} did not answer within {ASK_TIMEOUT_S:g} s: it may be overloaded, try again")
    return told


def _refused(reason: str, message: str) -> AssayError:
    return AssayError(Kind.INVALID_ARGUMENT, reason, message)
