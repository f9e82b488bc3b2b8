"""The supervisor with real processes: stages, restarts, failures, and an end that leaves nothing behind."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil
import pytest

from kit.errors import AssayError
from kit.supervisor import ChildSpec, RestartPolicy, StopRequested, Supervisor
from kit.supervisor.supervisor import KILL_TIMEOUT_S, STOP_TIMEOUT_S

QUICK = RestartPolicy(restarts_max=2, window_s=600, delay_min_s=0.01, delay_max_s=0.02)
DEADLINE_S = 60.0
# Patience that no test lives to see the end of: what ends all the same, was ended by something else.
EVER_S = 3_600.0

# Writes "start" and "stop" with its name to a common file, in the order in which they happen.
POLITE = """
import pathlib, signal, sys, time
journal, name = pathlib.Path(sys.argv[1]), sys.argv[2]
def note(word):
    with journal.open("a") as file: file.write(f"{word} {name}\\n")
def stop(*_):
    time.sleep(float(sys.argv[3])); note("stop"); sys.exit(0)
signal.signal(signal.SIGTERM, stop)
note("start")
while True: signal.pause()
"""
DEAF = """
import pathlib, signal, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pathlib.Path(sys.argv[1]).open("a").write(f"start {sys.argv[2]}\\n")
while True: signal.pause()
"""
# Runs a supervisor with two children, prints their process ids, and that it stops; the signals are the test's.
SUPERVISED = """
import asyncio, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_supervisor import DEAF, POLITE, spec
from kit.supervisor import Supervisor
async def main():
    directory, program = Path(sys.argv[1]), {"DEAF": DEAF, "POLITE": POLITE}[sys.argv[3]]
    async with Supervisor(directory, stop_timeout_s=float(sys.argv[4])) as supervisor:
        supervisor.stop_on_signals()
        await supervisor.start(spec(directory, "a", program), spec(directory, "b", program))
        print(supervisor.pid("a"), supervisor.pid("b"), flush=True)
        await supervisor.wait()
        print("stopping", flush=True)
asyncio.run(main())
"""


_before = {child.pid for child in psutil.Process().children()}


def new_children() -> set[int]:
    """This process' children and theirs, but for those that it had when the tests of this module began, such as shared servers."""
    own = [child for child in psutil.Process().children() if child.pid not in _before]
    return {process.pid for child in own for process in (child, *child.children(recursive=True))}


@pytest.fixture(autouse=True, scope="module")
def _note_children() -> None:
    _before.update(child.pid for child in psutil.Process().children())


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not condition():
            await asyncio.sleep(0.01)


def journal(directory: Path) -> list[str]:
    file = directory / "journal"
    return file.read_text().splitlines() if file.exists() else []


def spec(
    directory: Path,
    name: str,
    program: str = POLITE,
    *,
    stop_s: float = 0.0,
    restart: RestartPolicy = QUICK,
    ready_timeout_s: float = DEADLINE_S,
    hints: Mapping[str, str] | None = None,
) -> ChildSpec:
    """A child that is ready once its start stands in the journal as often as it was started."""
    started = 0

    async def before_start() -> None:
        nonlocal started
        started += 1

    async def ready() -> bool:
        return journal(directory).count(f"start {name}") >= started

    return ChildSpec(
        name=name,
        argv=(sys.executable, "-c", program, str(directory / "journal"), name, str(stop_s)),
        env=dict(os.environ),
        ready=ready,
        before_start=before_start,
        restart=restart,
        ready_timeout_s=ready_timeout_s,
        hints=hints or {},
    )


async def supervised(directory: Path, *stages: ChildSpec, on_ready: Callable[[str, int], None] = lambda _name, _pid: None) -> None:
    """Starts each child as a stage of its own and waits."""
    async with Supervisor(directory, on_ready=on_ready, stop_timeout_s=EVER_S) as supervisor:
        for child in stages:
            await supervisor.start(child)
        await supervisor.wait()


async def test_stages_start_one_after_the_other_and_stop_in_reverse(tmp_path: Path) -> None:
    async with Supervisor(tmp_path, stop_timeout_s=EVER_S) as supervisor:
        await supervisor.start(spec(tmp_path, "database", stop_s=0.0))
        await supervisor.start(spec(tmp_path, "service", stop_s=0.3))
        assert journal(tmp_path) == ["start database", "start service"]
    assert journal(tmp_path)[2:] == ["stop service", "stop database"]


async def test_a_child_that_dies_is_started_again(tmp_path: Path) -> None:
    seen: list[tuple[str, int]] = []
    async with Supervisor(tmp_path, on_ready=lambda name, pid: seen.append((name, pid))) as supervisor:
        await supervisor.start(spec(tmp_path, "service"))
        first = supervisor.pid("service")
        assert first is not None
        os.kill(first, signal.SIGKILL)
        await until(lambda: len(seen) == 2)
        assert supervisor.pid("service") == seen[1][1] != first


async def test_a_child_that_dies_too_often_ends_the_whole_with_its_last_lines(tmp_path: Path) -> None:
    fails_when_told = "def fail(*_): print('out of luck'); sys.exit(7)\nsignal.signal(signal.SIGUSR1, fail)\n"
    program = POLITE.replace('note("start")\n', f'{fails_when_told}note("start")\n')

    def tell_to_fail(name: str, pid: int) -> None:
        if name == "service":
            os.kill(pid, signal.SIGUSR1)

    with pytest.raises(AssayError) as caught:
        await supervised(tmp_path, spec(tmp_path, "other"), spec(tmp_path, "service", program), on_ready=tell_to_fail)
    assert caught.value.reason == "CHILD_FAILED"
    assert caught.value.message.splitlines()[0] == "service ended with exit code 7 after 2 restarts; it said:"
    assert caught.value.message.splitlines()[-1] == "out of luck"
    assert journal(tmp_path).count("start service") == 1 + QUICK.restarts_max
    assert journal(tmp_path)[-1] == "stop other"


async def test_a_child_that_never_was_ready_is_not_tried_again(tmp_path: Path) -> None:
    program = "print('bind: address already in use'); raise SystemExit(1)"
    hints = {"address already in use": "port 7001 is taken: choose another"}
    with pytest.raises(AssayError) as caught:
        await supervised(tmp_path, spec(tmp_path, "service", program, hints=hints))
    expected = "port 7001 is taken: choose another (service ended with exit code 1 before it was ready)"
    assert caught.value.message == expected
    assert (tmp_path / "service.log").read_text() == "bind: address already in use\n"


async def test_a_child_that_is_not_ready_in_time_ends_the_whole(tmp_path: Path) -> None:
    with pytest.raises(AssayError, match=r"service was not ready within 0\.2 s"):
        await supervised(tmp_path, spec(tmp_path, "service", "import time; time.sleep(60)", ready_timeout_s=0.2))


async def test_an_error_of_the_ready_check_ends_the_whole_and_the_child(tmp_path: Path) -> None:
    async def ready() -> bool:
        raise AssertionError("a bug")

    child = spec(tmp_path, "service")
    child = ChildSpec(name=child.name, argv=child.argv, env=child.env, ready=ready)
    with pytest.raises(AssertionError, match="a bug"):
        await supervised(tmp_path, child)
    assert not new_children()


async def test_a_failure_that_nobody_waited_for_is_raised_when_the_block_is_left(tmp_path: Path) -> None:
    policy = RestartPolicy(restarts_max=0)
    supervisor = await Supervisor(tmp_path).__aenter__()
    await supervisor.start(spec(tmp_path, "service", restart=policy))
    pid = supervisor.pid("service")
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(AssayError, match="was killed by SIGKILL"):
        await supervisor.wait()
    with pytest.raises(AssayError, match="was killed by SIGKILL"):
        await supervisor.__aexit__(None, None, None)


async def test_children_that_do_not_stop_are_killed_when_the_patience_ends(tmp_path: Path) -> None:
    async with asyncio.timeout(DEADLINE_S), Supervisor(tmp_path, stop_timeout_s=0.4) as supervisor:
        await supervisor.start(spec(tmp_path, "database", DEAF))
        await supervisor.start(spec(tmp_path, "service", DEAF))
        asked_s = time.monotonic()
    assert time.monotonic() - asked_s >= 0.4
    await until(lambda: not new_children())


async def test_a_stop_while_a_stage_starts_leaves_the_block_quietly(tmp_path: Path) -> None:
    reached = False
    async with Supervisor(tmp_path) as supervisor:
        asyncio.get_running_loop().call_later(0.2, supervisor.request_stop)
        await supervisor.start(spec(tmp_path, "service", "import time; time.sleep(60)"))
        reached = True
    assert not reached
    assert not new_children()


async def test_a_stop_during_the_wait_before_a_restart_starts_nothing(tmp_path: Path) -> None:
    policy = RestartPolicy(delay_min_s=EVER_S, delay_max_s=EVER_S)
    async with asyncio.timeout(DEADLINE_S), Supervisor(tmp_path) as supervisor:
        await supervisor.start(spec(tmp_path, "service", restart=policy))
        pid = supervisor.pid("service")
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        await until(lambda: supervisor.pid("service") is None)
    assert journal(tmp_path) == ["start service"]


async def test_killing_a_child_takes_its_own_children_along(tmp_path: Path) -> None:
    program = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {POLITE!r}, *sys.argv[1:]]); {DEAF}"
    async with Supervisor(tmp_path, stop_timeout_s=0.1) as supervisor:
        await supervisor.start(spec(tmp_path, "service", program))
        await until(lambda: len(journal(tmp_path)) == 2)
        assert len(new_children()) == 2
    assert not new_children()


async def test_signals_ask_for_a_stop_and_a_second_one_kills(tmp_path: Path) -> None:
    async with asyncio.timeout(DEADLINE_S), Supervisor(tmp_path, stop_timeout_s=EVER_S) as supervisor:
        supervisor.stop_on_signals(signal.SIGUSR1)
        await supervisor.start(spec(tmp_path, "service", DEAF))
        os.kill(os.getpid(), signal.SIGUSR1)
        await supervisor.wait()
        assert supervisor.pid("service") is not None
        asyncio.get_running_loop().call_soon(os.kill, os.getpid(), signal.SIGUSR1)
    assert not new_children()


async def test_a_child_whose_start_overlaps_the_stop_is_stopped_too(tmp_path: Path) -> None:
    begun = asyncio.Event()

    async def before_start() -> None:
        begun.set()
        await asyncio.sleep(0.2)

    child = spec(tmp_path, "service")
    child = ChildSpec(child.name, child.argv, child.env, child.ready, before_start)
    async with Supervisor(tmp_path) as supervisor:
        starting = asyncio.create_task(supervisor.start(child))
        await begun.wait()
        supervisor.request_stop()
        with pytest.raises(StopRequested):
            await starting
    assert not new_children()


async def test_unknown_names_are_refused(tmp_path: Path) -> None:
    async with Supervisor(tmp_path) as supervisor:
        with pytest.raises(KeyError):
            supervisor.pid("nobody")
        with pytest.raises(KeyError):
            supervisor.tail("nobody")


def run_supervised(directory: Path, program: str, stop_timeout_s: float) -> "tuple[subprocess.Popen[str], list[int]]":
    arguments = [sys.executable, "-c", SUPERVISED, str(directory), str(Path(__file__).parent), program, str(stop_timeout_s)]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, [int(pid) for pid in process.stdout.readline().split()]


def ended(process: "subprocess.Popen[str]", pids: list[int]) -> int:
    """Waits for the exit code, then for the children, none of which may be left."""
    with process:
        exit_code = process.wait(DEADLINE_S)
    deadline_s = time.monotonic() + DEADLINE_S
    while any(psutil.pid_exists(pid) for pid in pids):
        assert time.monotonic() < deadline_s, "a child outlived its supervisor"
        time.sleep(0.01)
    return exit_code


def test_the_first_signal_stops_within_five_seconds(tmp_path: Path) -> None:
    assert STOP_TIMEOUT_S + KILL_TIMEOUT_S < 5  # all that a stop waits for, however slow the machine
    process, pids = run_supervised(tmp_path, "DEAF", STOP_TIMEOUT_S)
    asked_s = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert ended(process, pids) == 0
    assert time.monotonic() - asked_s >= STOP_TIMEOUT_S  # the children ignore SIGTERM, so all the patience is used


def test_a_second_signal_kills_at_once(tmp_path: Path) -> None:
    process, pids = run_supervised(tmp_path, "DEAF", EVER_S)
    process.send_signal(signal.SIGINT)
    assert process.stdout is not None
    assert process.stdout.readline() == "stopping\n"  # two signals of one number that arrive together are one
    process.send_signal(signal.SIGINT)
    assert ended(process, pids) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of their parent's death")
def test_children_end_with_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    process, pids = run_supervised(tmp_path, "POLITE", EVER_S)
    assert len(pids) == 2
    process.kill()
    assert ended(process, pids) == -signal.SIGKILL
    # Linux tells them once for each thread of the supervisor that ends after the one that started them.
    assert set(journal(tmp_path)[2:]) == {"stop a", "stop b"}
