"""Reads evidence in processes of their own, kept warm: what a piece does to its process, it does to no other piece."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType, TracebackType
from typing import Any, Literal, Self

from kit.errors import AssayError, Kind, invalid
from services.analyzer.domain.quality.encoding import reading_from_json
from services.analyzer.domain.quality.reading import Component, Reading, missing
from services.analyzer.reading.framing import LENGTH, REPLY_BYTES_MAX, frame
from services.analyzer.reading.kinds import CONTENT_BYTES_MAX, ReportKind
from services.analyzer.reading.limits import ReadingLimits

# Named and not imported: it loads all readers. The working directory is not looked into for modules.
_PROGRAM = "services.analyzer.reading.worker"

Outcome = Literal["read", "refused", "failed", "crashed", "timed_out"]
# Importing the readers takes a second, on a busy machine many.
_START_S = 60.0
# What a reader may know of its surroundings: no settings of ours, no keys.
_ENVIRONMENT_KEPT = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "SYSTEMROOT")
_IMPORT_ROOT = Path(__file__).resolve().parents[3]

_COMPONENTS: Mapping[ReportKind, Component] = MappingProxyType(
    {
        ReportKind.CODE: Component.CODE,
        ReportKind.DIFF: Component.CODE,
        ReportKind.COBERTURA: Component.COVERAGE,
        ReportKind.LCOV: Component.COVERAGE,
        ReportKind.COVERAGE_JSON: Component.COVERAGE,
        ReportKind.JUNIT: Component.TESTS,
        ReportKind.SARIF: Component.STATIC_ANALYSIS,
    }
)


Count = Callable[[ReportKind, Outcome], None]


def _not_counted(_kind: ReportKind, _outcome: Outcome) -> None:
    pass


class _Ended(Exception):  # noqa: N818 - an event between two parts of this module, nobody's error
    """The process ended, or says what no reader says."""


class _Process:
    """One warm process and its folder for temporary files."""

    def __init__(self, process: asyncio.subprocess.Process, folder: TemporaryDirectory[str]) -> None:
        self._process = process
        self._folder = folder
        self.piece_count = 0

    @classmethod
    async def start(cls, limits: ReadingLimits) -> "_Process":
        folder = TemporaryDirectory(prefix="assay-reader-", ignore_cleanup_errors=True)
        environment = {name: value for name in _ENVIRONMENT_KEPT if (value := os.environ.get(name)) is not None}
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-P", "-m", _PROGRAM, json.dumps(asdict(limits))),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                cwd=folder.name,
                env=environment | {"PYTHONPATH": str(_IMPORT_ROOT), "TMPDIR": folder.name, "PYTHONDONTWRITEBYTECODE": "1"},
                start_new_session=True,  # so that it ends with all that it started
            )
        except BaseException:
            folder.cleanup()
            raise
        return cls(process, folder)

    async def ask(self, request: dict[str, Any], content: bytes, diff: bytes) -> dict[str, Any]:
        """The answer to one request. Raises _Ended if there is none."""
        source, sink = self._process.stdout, self._process.stdin
        if source is None or sink is None:
            raise _Ended
        try:
            sink.write(frame(request) + content + diff)
            await sink.drain()
            length = LENGTH.unpack(await source.readexactly(LENGTH.size))[0]
            if length > REPLY_BYTES_MAX:
                raise _Ended
            answer = json.loads(await source.readexactly(length))
        except (ConnectionError, asyncio.IncompleteReadError, ValueError):
            raise _Ended from None
        self.piece_count += 1
        if not isinstance(answer, dict):
            raise _Ended
        return answer

    async def stop(self) -> None:
        """Ends the process and all it started, and removes what they left."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()
        self._folder.cleanup()


class ReaderPool:
    """As many processes as may read at once, each started when first needed. `count` is told how each piece ended."""

    def __init__(self, process_count: int, *, limits: ReadingLimits | None = None, count: Count = _not_counted) -> None:
        self._limits = limits or ReadingLimits()
        self._count = count
        # Last in, first out: those in use stay warm, and no more start than are needed.
        self._free: asyncio.LifoQueue[_Process | None] = asyncio.LifoQueue()
        for _ in range(process_count):
            self._free.put_nowait(None)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        while not self._free.empty():
            process = self._free.get_nowait()
            if process is not None:
                await process.stop()

    async def read(self, kind: ReportKind, content: bytes, *, language: str = "", path: str = "", diff: bytes = b"") -> list[Reading]:
        """The readings of a piece of evidence. `path` is what a file of code is called, and tells its language where `language` does not;
        `diff` is the change that coverage and static analysis are read for. Either may be empty.

        A piece that ends its process, takes too long or breaks a library gives one reading that says so. Waits for a free process.
        Raises AssayError: CONTENT_TOO_LARGE, REPORT_UNREADABLE with the line and why, LANGUAGE_UNKNOWN.
        """
        if len(content) > CONTENT_BYTES_MAX or len(diff) > CONTENT_BYTES_MAX:
            raise invalid("content", f"it has more than {CONTENT_BYTES_MAX} bytes: send less of it", "CONTENT_TOO_LARGE")
        request = {"kind": kind.value, "language": language, "path": path, "content_bytes": len(content), "diff_bytes": len(diff)}
        outcome, result = await self._answered(request, content, diff)
        self._count(kind, outcome)
        if isinstance(result, AssayError):
            raise result
        return [missing(_COMPONENTS[kind], kind.value, result)] if isinstance(result, str) else result

    async def _answered(self, request: dict[str, Any], content: bytes, diff: bytes) -> tuple[Outcome, list[Reading] | AssayError | str]:
        """How it ended, and the readings, the refusal or why there are none."""
        process = await self._free.get()
        keep = False
        try:
            if process is None:
                process = await _Process.start(self._limits)
            async with asyncio.timeout(self._limits.wall_s + (0 if process.piece_count else _START_S)):
                answer = await process.ask(request, content, diff)
            outcome, result = _understood(answer)
            keep = outcome in ("read", "refused") and process.piece_count < self._limits.pieces_per_process
        except TimeoutError:
            return "timed_out", f"reading it took more than {self._limits.wall_s:g} s"
        except (_Ended, ValueError, KeyError, TypeError, AttributeError):
            return "crashed", "the reader crashed, or needed too much time or memory"
        else:
            return outcome, result
        finally:
            if process is not None and not keep:
                await asyncio.shield(process.stop())
            self._free.put_nowait(process if keep else None)


def _understood(answer: Mapping[str, Any]) -> tuple[Outcome, list[Reading] | AssayError | str]:
    if "refused" in answer:
        return "refused", _refusal(answer["refused"])
    if "failed" in answer:
        return "failed", f"the reader failed ({answer['failed']})"
    return "read", [reading_from_json(value) for value in answer["readings"]]


def _refusal(told: Mapping[str, Any]) -> AssayError:
    details = {str(key): str(value) for key, value in told["details"].items()}
    return AssayError(Kind.INVALID_ARGUMENT, str(told["reason"]), str(told["message"]), details=details)
