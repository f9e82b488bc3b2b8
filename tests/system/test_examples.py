"""The programs below docs/examples compile, and do what they say."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from npm import npm
from tests.browser.driver import node
from tests.system.suite import COMMAND_TIMEOUT_S, Suite

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "docs/examples"
GO_GENERATORS = ("google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.6", "google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.5.1")
PRINTED = """\
2 calls recorded, 1 refused
  call 2: model: must not be empty (REJECTION_REASON_MISSING)
anthropic claude-sonnet-4-5: 2 calls, p95 1.86 s, 0.0043 USD
"""


async def run(suite: Suite, *command: str) -> str:
    """What a program prints that has a new project to itself."""
    secret, _ = await suite.new_key(await suite.new_project(), "RECORD", "READ")
    environment = {**os.environ, "ASSAY_URL": suite.collector, "ASSAY_KEY": secret}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=COMMAND_TIMEOUT_S, check=False)  # noqa: ASYNC221 - nothing else waits
    assert done.returncode == 0, done.stderr
    return done.stdout


async def test_the_program_in_typescript_records_and_asks(suite: Suite) -> None:
    folder = EXAMPLES / "typescript"
    assert npm(folder, "run", "generate") == 0
    assert npm(folder, "run", "build") == 0
    assert await run(suite, node(), str(folder / "dist/main.js")) == PRINTED


@pytest.fixture
def go_module(tmp_path: Path) -> Path:
    """The Go program with its code generated, in a copy of the repository's layout; skipped where Go or its modules are not to be had."""
    if shutil.which("go") is None:
        pytest.skip("there is no Go here")
    module = tmp_path / "docs/examples/go"
    shutil.copytree(EXAMPLES / "go", module, ignore=shutil.ignore_patterns("gen"))
    (tmp_path / "proto").symlink_to(ROOT / "proto")
    environment = {
        **os.environ,
        "GOBIN": str(tmp_path / "bin"),
        "GOFLAGS": "-mod=mod",
        "PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}",
    }
    for generator in GO_GENERATORS:
        if subprocess.run(["go", "install", generator], env=environment, capture_output=True, check=False).returncode:
            pytest.skip("Go's modules are not to be had here")
    assert npm(ROOT / "proto", "ls") == 0
    for command in ([str(ROOT / "proto/node_modules/.bin/buf"), "generate"], ["go", "mod", "tidy"]):
        subprocess.run(command, cwd=module, env=environment, check=True, capture_output=True, timeout=COMMAND_TIMEOUT_S)
    return module


async def test_the_program_in_go_records_and_asks(suite: Suite, go_module: Path) -> None:
    program = go_module / "assay-example"
    for command in (["go", "vet", "./..."], ["go", "build", "-o", str(program), "."]):
        subprocess.run(command, cwd=go_module, check=True, timeout=COMMAND_TIMEOUT_S)  # noqa: ASYNC221 - nothing else waits
    assert await run(suite, str(program)) == PRINTED
