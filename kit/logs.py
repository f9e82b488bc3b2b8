"""Structured logs: a fixed message and fields, one line a record, levels that can be changed while running."""

import json
import logging
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal, TextIO

from kit import metrics
from kit.errors import invalid

TRACE = 5
LEVELS: Mapping[str, int] = {
    "TRACE": TRACE,
    "DEBUG": logging.DEBUG,
    "INFO": logging.INFO,
    "WARNING": logging.WARNING,
    "ERROR": logging.ERROR,
}
logging.addLevelName(TRACE, "TRACE")
MODULE_LENGTH_MAX = 128
MODULES_MAX = 256  # the logging package keeps a logger for ever once it was named

_RECORDS = metrics.counter("assay_log_records_total", "Log records written, by level.", ["level"])
# Last words of names of fields whose text is hidden. Numbers are shown: time_to_first_token is no token.
_SECRET_WORDS = frozenset({"authorization", "cookie", "key", "password", "secret", "token"})
_HIDDEN = "***"
# Secrets inside of longer texts, tracebacks included: a bearer's key, and the password of a URL.
_SECRET_TEXT = re.compile(r"(?i)(?<=bearer )[^\s\"',]+|(?<=://)[^\s/@\"']*:[^\s/@\"']+(?=@)")
_PLAIN_TEXT = re.compile(r"[\w.:/@+%-]+")
_changed_modules: set[str] = set()


class Logger:
    """Writes records of one module. Ask `is_enabled` first where making the fields costs something."""

    __slots__ = ("_fields", "_stdlib")

    def __init__(self, stdlib: logging.Logger, fields: Mapping[str, object]) -> None:
        self._stdlib = stdlib
        self._fields = fields

    def bind(self, **fields: object) -> "Logger":
        """A logger whose records carry these fields, too."""
        return Logger(self._stdlib, {**self._fields, **fields})

    def is_enabled(self, level: int) -> bool:
        """Whether a record of this level would be written."""
        return self._stdlib.isEnabledFor(level)

    def trace(self, event: str, /, **fields: object) -> None:
        """What happens to each message or call; off unless somebody is looking for something."""
        self._write(TRACE, event, fields)

    def debug(self, event: str, /, **fields: object) -> None:
        """What a developer wants to see of each batch or request."""
        self._write(logging.DEBUG, event, fields)

    def info(self, event: str, /, **fields: object) -> None:
        """What an operator wants to see in a normal day's log."""
        self._write(logging.INFO, event, fields)

    def warning(self, event: str, /, **fields: object) -> None:
        """Something is wrong, and Assay copes."""
        self._write(logging.WARNING, event, fields)

    def error(self, event: str, /, *, error: BaseException | None = None, **fields: object) -> None:
        """Something is wrong, and somebody should look; the traceback of `error` is written with it."""
        self._write(logging.ERROR, event, fields, error)

    def _write(self, level: int, event: str, fields: Mapping[str, object], error: BaseException | None = None) -> None:
        if self._stdlib.isEnabledFor(level):
            self._stdlib.log(level, event, extra={"fields": {**self._fields, **fields}}, exc_info=error)


def get_logger(name: str) -> Logger:
    """The logger of a module; pass `__name__`."""
    return Logger(logging.getLogger(name), {})


def setup(level: str, log_format: Literal["text", "json"], process: str, *, stream: TextIO | None = None) -> None:
    """Sends the records of this process, and of the libraries in it, to `stream` (standard error): once, at start.

    Every record has time (UTC, ISO 8601), level, process, logger, event and its fields.
    """
    handler = _Handler(stream or sys.stderr)
    handler.setFormatter(_JsonFormatter(process) if log_format == "json" else _TextFormatter(process))
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    set_level("", level)


def set_level(module: str, level: str) -> dict[str, str]:
    """Sets the level of a module and those below it ("" is all without one of their own); returns levels().

    Raises FIELD_INVALID for an unknown level, or for a name that can be no module's.
    """
    if level not in LEVELS:
        raise invalid("level", f"must be one of {', '.join(LEVELS)}")
    if module not in _changed_modules and len(_changed_modules) >= MODULES_MAX:
        raise invalid("module", f"at most {MODULES_MAX} modules can have a level of their own")
    if len(module) > MODULE_LENGTH_MAX or not all(part.isidentifier() for part in module.split(".") if module):
        raise invalid("module", "must be a Python module's name, such as services.collector, or empty for all")
    logging.getLogger(module or None).setLevel(LEVELS[level])
    _changed_modules.add(module)
    return levels()


def levels() -> dict[str, str]:
    """The levels that were set, by module; "" is the root."""
    return {module: logging.getLevelName(logging.getLogger(module or None).level) for module in sorted(_changed_modules)}


class _Handler(logging.StreamHandler[TextIO]):
    def emit(self, record: logging.LogRecord) -> None:
        _RECORDS.labels(record.levelname).inc()
        super().emit(record)

    def format(self, record: logging.LogRecord) -> str:
        return _SECRET_TEXT.sub(_HIDDEN, super().format(record))


class _Formatter(logging.Formatter):
    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def _columns(self, record: logging.LogRecord) -> dict[str, str]:
        """What every record has; libraries' messages become the event as they are."""
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return {
            "time": time,
            "level": record.levelname,
            "process": self._process,
            "logger": record.name,
            "event": record.getMessage(),
        }

    def _traceback(self, record: logging.LogRecord) -> str:
        return self.formatException(record.exc_info) if record.exc_info and record.exc_info[0] else ""


class _JsonFormatter(_Formatter):
    def format(self, record: logging.LogRecord) -> str:
        columns: dict[str, object] = {**self._columns(record)}
        for name, value in _fields(record).items():
            columns[f"{name}_" if name in columns else name] = value
        if traceback := self._traceback(record):
            columns["traceback"] = traceback
        return json.dumps(columns, default=str)


class _TextFormatter(_Formatter):
    def format(self, record: logging.LogRecord) -> str:
        columns = self._columns(record)
        columns["event"] = columns["event"].replace("\n", "\\n")  # a record is a line, whatever is in it
        line = "{time} {level:<7} {process} {logger}: {event}".format(**columns)
        line += "".join(f" {name}={_quoted(value)}" for name, value in _fields(record).items())
        traceback = self._traceback(record)
        return f"{line}\n{traceback}" if traceback else line


def _fields(record: logging.LogRecord) -> dict[str, object]:
    """The fields of a record, those that are secret by their name hidden."""
    fields: Mapping[str, object] = getattr(record, "fields", {})
    return {name: _HIDDEN if _is_secret(name, value) else value for name, value in fields.items()}


def _is_secret(name: str, value: object) -> bool:
    return isinstance(value, str | bytes) and name.rpartition("_")[2] in _SECRET_WORDS


def _quoted(value: object) -> str:
    text = str(value)
    return text if _PLAIN_TEXT.fullmatch(text) else json.dumps(text, ensure_ascii=False)
