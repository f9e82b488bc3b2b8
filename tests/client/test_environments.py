"""The wheels in fresh environments, and the client under every Python that it is for, with and without uvloop."""

import os
import subprocess
import zipfile
from pathlib import Path

import pytest
from assay_client import Outcome

from tests.client.environments import ROOT, build_wheels, environment, interpreter
from tests.client.integrations.conftest import counts
from tests.client.integrations.providers import ANTHROPIC_COUNTS, EMBEDDING_COUNTS, MODELS, OPENAI_COUNTS, providing
from tests.client.neighbour import Neighbour, Server
from tests.client.programs import ANY, ENDINGS, RUN_TIMEOUT_S, TOLD, run

pytestmark = pytest.mark.slow
VERSIONS = ("3.11", "3.12", "3.13")
# Those in which versions of Python differ: threads and forks at the end, signals in loops.
ENDINGS_TRIED = (
    "it returns",
    "sys.exit",
    "an exception",
    "os._exit loses",
    "SIGTERM in asyncio",
    "a first call while it ends",
    "a fork after a connection was made",
    "a fork while threads record",
    "workers of multiprocessing by fork",
)
IN_A_LOOP = """
import uvloop
async def main():
    async def work(number):
        async with client.call(provider="a", model="b", task_type="c", task_id=str(number)) as call:
            await asyncio.sleep(0.01)
            call.first_token()
    await asyncio.gather(*(work(number) for number in range(20)))
    if "--term" in os.environ.get("HOW", ""):
        asyncio.get_running_loop().call_later(0.1, os.kill, os.getpid(), signal.SIGTERM)
        await asyncio.sleep(60)
    assert await client.aclose()
with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
    runner.run(main())
"""


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The client's and the suite's."""
    return build_wheels(tmp_path_factory.mktemp("wheels"))


@pytest.fixture(scope="module", params=VERSIONS)
def python(request: pytest.FixtureRequest, wheels: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> str:
    """An environment with the client, what it needs, and uvloop."""
    return environment(tmp_path_factory.mktemp("environment") / "venv", interpreter(request.param), wheels[0], "uvloop")


def test_the_client_brings_the_contract_and_the_suite_does_not(wheels: tuple[Path, Path]) -> None:
    client, suite = (zipfile.ZipFile(wheel) for wheel in wheels)
    generated = {str(path.relative_to(ROOT / "gen")) for path in (ROOT / "gen").rglob("*.py*") if path.suffix in {".py", ".pyi"}}
    own = {str(path.relative_to(ROOT / "client")) for path in (ROOT / "client" / "assay_client").rglob("*.py")}
    assert generated | own | {"assay_client/py.typed"} == {name for name in client.namelist() if ".dist-info/" not in name}
    (metadata,) = (name for name in client.namelist() if name.endswith("METADATA"))
    lines = [line for line in client.read(metadata).decode().splitlines() if line.startswith("Requires-Dist")]
    needs = [line.split()[1] for line in lines if "extra ==" not in line]
    assert [need.partition(">")[0] for need in needs] == ["grpcio", "protobuf"]
    assert not [name for name in suite.namelist() if name.startswith(("assay/", "assay_client/"))]
    (metadata,) = (name for name in suite.namelist() if name.endswith("METADATA"))
    assert "Requires-Dist: assay-client==0.1.0" in suite.read(metadata).decode()


def test_the_suite_runs_where_both_are_installed(wheels: tuple[Path, Path], tmp_path: Path) -> None:
    python = environment(tmp_path / "venv", interpreter("3.11"), *wheels)
    command = [python, "-P", "-c", "import assay_client, services.collector.rpc, cli.work.bench; print(assay_client.__file__)"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path, timeout=120.0)
    assert done.stdout.startswith(str(tmp_path))
    done = subprocess.run(
        [Path(python).with_name("assay"), "--help"], capture_output=True, text=True, check=True, cwd=tmp_path, timeout=120.0
    )
    assert "keys" in done.stdout


@pytest.mark.usefixtures("server")
def test_programs_end_alike_under_every_python(python: str, neighbour: Neighbour) -> None:
    for name in ENDINGS_TRIED:
        body, exit_code, count = ENDINGS[name]
        before = len(neighbour.calls)
        done = run(body, neighbour.address, python=python, is_installed=True)
        assert done.returncode == exit_code, (name, done.stderr)
        arrived = len(neighbour.calls) - before
        assert (int(done.stdout.removeprefix("recorded ")) if count == TOLD else count) in {arrived, ANY}, (name, done.stderr)
    neighbour.assert_nothing_twice()


@pytest.mark.usefixtures("server")
def test_litellm_and_an_older_sdk_of_openai_report_their_calls(wheels: tuple[Path, Path], tmp_path: Path, neighbour: Neighbour) -> None:
    python = environment(tmp_path / "venv", interpreter("3.11"), wheels[0], "litellm", unlocked=("openai",))
    program = (Path(__file__).parent / "integrations" / "litellm_program.py").read_text()
    with providing() as providers:
        settings = {"ASSAY_URL": neighbour.address, "ASSAY_KEY": "secret", "LITELLM_LOCAL_MODEL_COST_MAP": "true"}
        command = [python, "-P", "-c", program, providers.url]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **settings}, timeout=RUN_TIMEOUT_S)
    assert done.returncode == 0, done.stderr
    found = sorted((call.task_type, call.provider, call.model, Outcome(call.outcome).name, counts(call)) for call in neighbour.calls)
    planned, reviewed, alone = "planning", "code_review", "the SDK alone"
    assert found == sorted(
        [
            *[(planned, "openai", "gpt-5", "SUCCEEDED", OPENAI_COUNTS)] * 2,
            (planned, "anthropic", "claude-x", "SUCCEEDED", ANTHROPIC_COUNTS),
            (reviewed, "openai", "gpt-5", "SUCCEEDED", OPENAI_COUNTS),
            *[(reviewed, "anthropic", "claude-x", "SUCCEEDED", ANTHROPIC_COUNTS)] * 4,
            ("embeddings", "openai", "text-embedding-3-small", "SUCCEEDED", EMBEDDING_COUNTS),
            ("chat", "openai", "unknown", "FAILED", (0,) * 5),
            ("chat", "openai", "gpt-5", "REFUSED", OPENAI_COUNTS),
            *[(alone, "openai", MODELS["gpt-5"], "SUCCEEDED", OPENAI_COUNTS)] * 2,
        ]
    )
    assert {call.task_id for call in neighbour.calls if call.task_type == planned} == {"t-1"}
    assert {(call.ranking_id, call.selection_ratio) for call in neighbour.calls if call.ranking_id} == {("r-1", 1.0)}
    assert sum(call.HasField("time_to_first_token") for call in neighbour.calls) == 2


@pytest.mark.parametrize(("how", "exit_code"), [("", 0), ("--term", -15)])
def test_with_uvloop(python: str, neighbour: Neighbour, server: Server, how: str, exit_code: int) -> None:
    assert server.is_running
    done = run(IN_A_LOOP, neighbour.address, python=python, is_installed=True, HOW=how)
    assert done.returncode == exit_code, done.stderr
    assert len(neighbour.calls) == 20
