"""What stands in the log, what never does, and how levels change."""

import io
import json
import logging
import re
from collections.abc import Callable, Iterator
from typing import Literal

import pytest

from kit import logs, metrics
from kit.errors import AssayError

Setup = Callable[[Literal["text", "json"]], io.StringIO]


@pytest.fixture
def setup() -> Iterator[Setup]:
    root = logging.getLogger()
    before = (root.level, root.handlers[:], set(logs._changed_modules))

    def start(log_format: Literal["text", "json"]) -> io.StringIO:
        stream = io.StringIO()
        logs.setup("INFO", log_format, "collector", stream=stream)
        return stream

    yield start
    root.setLevel(before[0])
    root.handlers[:] = before[1]
    for module in logs._changed_modules - before[2]:
        logging.getLogger(module or None).setLevel(logging.NOTSET if module else before[0])
    logs._changed_modules.intersection_update(before[2])


def test_a_text_record_is_a_line(setup: Setup) -> None:
    stream = setup("text")
    log = logs.get_logger("tests.logs").bind(batch_id="b-1")
    log.info("batch stored", call_count=500, why='two words "quoted"', forged="x\n2026 ERROR", nothing="")
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z INFO    collector tests\.logs: batch stored batch_id=b-1 "
        r'call_count=500 why="two words \\"quoted\\"" forged="x\\n2026 ERROR" nothing=""\n',
        stream.getvalue(),
    )


def test_a_json_record_is_an_object(setup: Setup) -> None:
    stream = setup("json")
    logs.get_logger("tests.logs").warning("too many series", level=3, project="p", limit={"a": 1}, kind=logging.INFO)
    record = json.loads(stream.getvalue())
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", record.pop("time"))
    assert record == {
        "level": "WARNING",
        "process": "collector",
        "logger": "tests.logs",
        "event": "too many series",
        "level_": 3,
        "project": "p",
        "limit": {"a": 1},
        "kind": logging.INFO,
    }


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_an_error_brings_its_traceback(setup: Setup, log_format: Literal["text", "json"]) -> None:
    stream = setup(log_format)
    with pytest.raises(ZeroDivisionError) as caught:
        _ = 1 / 0
    logs.get_logger("tests.logs").error("rpc failed", error=caught.value, method="M")
    written = stream.getvalue()
    text = json.loads(written)["traceback"] if log_format == "json" else written
    assert text.rstrip().endswith("ZeroDivisionError: division by zero")
    assert "in test_an_error_brings_its_traceback" in text


def test_records_of_libraries_look_the_same(setup: Setup) -> None:
    stream = setup("text")
    logging.getLogger("library").warning("a %s\nb", "message")
    assert stream.getvalue().endswith(" WARNING collector library: a message\\nb\n")


@pytest.mark.parametrize("log_format", ["text", "json"])
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("authorization", "Bearer hidden1"),
        ("api_key", "hidden1"),
        ("page_token", b"hidden1"),
        ("database_password", "hidden1"),
        ("header", "authorization: bearer hidden1"),
        ("url", "postgresql://user:hidden1@127.0.0.1/assay"),
        ("url", "nats://:hidden1@127.0.0.1"),
        ("nested", {"headers": ["Bearer hidden1"]}),
    ],
)
def test_secrets_are_hidden(setup: Setup, log_format: Literal["text", "json"], field: str, value: object) -> None:
    stream = setup(log_format)
    logs.get_logger("tests.logs").info("request", **{field: value})
    assert "hidden1" not in stream.getvalue()
    assert "***" in stream.getvalue()


def test_secrets_are_hidden_in_tracebacks(setup: Setup) -> None:
    stream = setup("text")
    error = OSError("cannot reach postgresql://assay:hidden1@db/assay with Bearer hidden1")
    logs.get_logger("tests.logs").error("failed", error=error)
    assert "hidden1" not in stream.getvalue()
    assert "postgresql://***@db/assay" in stream.getvalue()


@pytest.mark.parametrize(("field", "value"), [("time_to_first_token", 0.25), ("key_id", "k1"), ("url", "http://127.0.0.1:8080/a@b")])
def test_what_is_no_secret_is_shown(setup: Setup, field: str, value: object) -> None:
    stream = setup("text")
    logs.get_logger("tests.logs").info("request", **{field: value})
    assert stream.getvalue().endswith(f" {field}={value}\n")


def test_levels_change_while_running(setup: Setup) -> None:
    stream = setup("text")
    log, child, other = (logs.get_logger(f"tests.{name}") for name in ("a", "a.b", "c"))
    assert not child.is_enabled(logs.TRACE)
    for each in (log, child, other):
        each.trace("hidden")
        each.debug("hidden")
    assert logs.set_level("tests.a", "TRACE") == {"": "INFO", "tests.a": "TRACE"}
    assert child.is_enabled(logs.TRACE)
    log.trace("shown")
    child.debug("shown")
    other.debug("hidden")
    logs.set_level("tests.a", "ERROR")
    log.warning("hidden")
    assert [line.split()[1:] for line in stream.getvalue().splitlines()] == [
        ["TRACE", "collector", "tests.a:", "shown"],
        ["DEBUG", "collector", "tests.a.b:", "shown"],
    ]


@pytest.mark.parametrize(
    ("module", "level", "field"),
    [
        ("", "LOUD", "level"),
        ("", "trace", "level"),
        ("two words", "INFO", "module"),
        ("a..b", "INFO", "module"),
        ("x" * 129, "INFO", "module"),
    ],
)
def test_a_wrong_module_or_level_is_refused(setup: Setup, module: str, level: str, field: str) -> None:
    setup("text")
    with pytest.raises(AssayError) as caught:
        logs.set_level(module, level)
    assert caught.value.details == {"field": field}


def test_modules_with_a_level_of_their_own_are_bounded(setup: Setup) -> None:
    setup("text")
    for number in range(logs.MODULES_MAX - len(logs.levels())):
        logs.set_level(f"tests.many.m{number}", "INFO")
    with pytest.raises(AssayError, match="at most 256 modules"):
        logs.set_level("tests.many.one_more", "INFO")
    assert logs.set_level("tests.many.m0", "DEBUG")["tests.many.m0"] == "DEBUG"


def test_records_are_counted_by_level(setup: Setup) -> None:
    setup("text")

    def count() -> float:
        return metrics.REGISTRY.get_sample_value("assay_log_records_total", {"level": "ERROR"}) or 0.0

    before = count()
    logs.get_logger("tests.logs").error("failed")
    assert count() == before + 1
