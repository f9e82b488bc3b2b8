"""What the pages tell a reader to do works, word for word."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from assay.collector.v1.collector_service_pb2 import RECORD_KIND_CALL, RECORD_KIND_EVIDENCE

from npm import npm
from tests.system import grpcurl
from tests.system.suite import COMMAND_TIMEOUT_S, STORED_TIMEOUT_S, Suite, eventually

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```(python|sh)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Blocks of other commands are for people: they start a suite or install a tool.
ASKS_ASSAY = re.compile(r"import|grpcurl|curl")

Run = Callable[[str, str, str], str]


def blocks_of(page: str) -> list[tuple[str, str]]:
    """The language and text of each block of a page that asks a running Assay."""
    found = BLOCK.findall((ROOT / page).read_text())
    return [(language, text) for language, text in found if ASKS_ASSAY.match(text)]


@pytest.fixture(scope="module")
def run(suite: Suite, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs a block with a key and this suite's addresses in place of the page's, and gives what it printed."""
    tools = tmp_path_factory.mktemp("tools")
    if shutil.which("grpcurl") is None:
        assert npm(ROOT / "proto", "ls") == 0
        (tools / "grpcurl").write_text(f'#!/bin/sh\nexec {sys.executable} {grpcurl.__file__} "$@"\n')
        (tools / "grpcurl").chmod(0o755)
    environment = {**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"}
    places = {"127.0.0.1:7001": suite.collector, "http://127.0.0.1:8080": suite.url}

    def run_block(language: str, block: str, secret: str) -> str:
        for place, actual in {**places, "YOUR_KEY": secret}.items():
            block = block.replace(place, actual)
        # A refusal over HTTP is to fail the block, as one over gRPC does.
        block = re.sub(r"^curl ", "curl --silent --show-error --fail-with-body ", block, flags=re.MULTILINE)
        command = [sys.executable, "-c", block] if language == "python" else ["bash", "-euc", block]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=COMMAND_TIMEOUT_S, check=False)
        assert done.returncode == 0, f"{block}\n{done.stdout}{done.stderr}"
        return done.stdout

    return run_block


async def test_the_first_calls_of_the_readme_are_recorded(suite: Suite, run: Run) -> None:
    project = await suite.new_project()
    secret, _ = await suite.new_key(project, "RECORD", "READ")
    blocks = blocks_of("README.md")
    assert {language for language, _ in blocks} == {"python", "sh"}
    for language, block in blocks:
        run(language, block, secret)
    calls = (await suite.ledger(project))[RECORD_KIND_CALL]
    assert calls.received_count == calls.stored_count >= 3


async def test_the_commands_for_those_who_write_a_client_do_what_the_page_says(suite: Suite, run: Run) -> None:
    project = await suite.new_project()
    secret, _ = await suite.new_key(project, "RECORD", "READ")
    over_grpc, over_http, evidence, *questions = (text for _, text in blocks_of("docs/own-client.md"))
    assert json.loads(run("sh", over_grpc, secret)) == {"acceptedCount": 1}
    assert json.loads(run("sh", over_http, secret)) == {"accepted_count": 1, "rejections": []}
    assert json.loads(run("sh", evidence, secret)) == {"accepted_count": 2, "rejections": []}
    await suite.stored(project, ["0192f3a1-batch-1", "0192f3a1-batch-2"])
    ledger = await suite.ledger(project)
    batches, account, measured = (json.loads(run("sh", question, secret)) for question in questions)
    assert all(batch["isComplete"] and batch["storedCount"] == "1" for batch in batches["batches"])
    assert len(batches["batches"]) == 2
    assert {line["kind"]: line["storedCount"] for line in account["totals"]} == {"RECORD_KIND_CALL": "2", "RECORD_KIND_EVIDENCE": "2"}
    assert (ledger[RECORD_KIND_CALL].stored_count, ledger[RECORD_KIND_EVIDENCE].stored_count) == (2, 2)
    assert [series["windows"][0]["call_count"] for series in measured["series"]] == [2]


async def test_the_commands_for_prometheus_do_what_the_page_says(suite: Suite, run: Run) -> None:
    project = await suite.new_project()
    secret, _ = await suite.new_key(project, "ADMIN")
    scrape, targets, receiver = (text for _, text in blocks_of("docs/prometheus.md"))
    assert run("sh", scrape, secret) == ""  # nothing was counted yet
    assert json.loads(run("sh", targets, secret)) == {"targets": []}

    async def made() -> str | None:
        try:
            return run("sh", receiver, secret)
        except AssertionError as refused:
            if "PROJECT_UNKNOWN" not in str(refused):  # the alerter notices a new project within seconds
                raise
            return None

    answer = await eventually(made, STORED_TIMEOUT_S, "the alerter to notice the project")
    assert answer is not None
    assert json.loads(answer)["alertmanager"] == {"url": "https://alertmanager.example.com"}
