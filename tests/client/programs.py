"""Programs that record calls and then end, each in a way of its own; run in processes of their own."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).parents[2]
RUN_TIMEOUT_S = 120.0
KILLED = -signal.SIGKILL
TERMINATED = -signal.SIGTERM

_BEGINNING = """
import asyncio, logging, multiprocessing, os, signal, sys, threading, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs the tests in the background has it ignored
logging.basicConfig(level="INFO", format="%(levelname)s %(message)s")
from assay_client import Client

def record(count=10):
    for _ in range(count):
        client.record(provider="anthropic", model="claude-sonnet-4-5", task_type="code_review", latency_s=1.0, agent=str(os.getpid()))

client = Client(batch_age_s=60.0)  # nothing is sent before the end, unless the end sees to it
"""

# As many as the program prints, and as many as there are.
TOLD, ANY = -1, -2
# How a program ends, its exit code, and how many calls must have arrived.
ENDINGS: dict[str, tuple[str, int, int]] = {
    "it returns": ("record()", 0, 10),
    "it closes": ("record(); assert client.close(); record()", 0, 10),
    "sys.exit": ("record(); sys.exit(3)", 3, 10),
    "an exception": ("record(); raise SystemError", 1, 10),
    "an exception in a block": (
        """
        with client.call(provider="a", model="b", task_type="c"):
            raise SystemError
        """,
        1,
        1,
    ),
    "sys.exit in a thread while others record": (
        """
        stop = threading.Event()
        def work():
            while not stop.is_set():
                record(1)
                time.sleep(0.001)
        threads = [threading.Thread(target=work, daemon=True) for _ in range(4)]
        for thread in threads:
            thread.start()
        time.sleep(0.1)
        stop.set()
        for thread in threads:
            thread.join()
        print("recorded", client.stats().recorded)
        """,
        0,
        TOLD,
    ),
    "os._exit loses": ("record(); os._exit(4)", 4, 0),
    "os._exit after a flush": ("record(); assert client.flush(); os._exit(4)", 4, 10),
    "SIGKILL loses": ("record(); os.kill(os.getpid(), signal.SIGKILL)", KILLED, 0),
    "SIGTERM": ("record(); os.kill(os.getpid(), signal.SIGTERM); time.sleep(60)", TERMINATED, 10),
    "SIGTERM while another thread works": (
        "record(); threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGTERM)).start(); time.sleep(60)",
        TERMINATED,
        10,
    ),
    "SIGTERM in asyncio": (
        """
        async def main():
            record()
            asyncio.get_running_loop().call_later(0.1, os.kill, os.getpid(), signal.SIGTERM)
            await asyncio.sleep(60)
        asyncio.run(main())
        """,
        TERMINATED,
        10,
    ),
    "SIGTERM with a handler of its own": (
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(5)); record(); os.kill(os.getpid(), signal.SIGTERM)",
        5,
        10,
    ),
    "SIGTERM with a handler from before": (
        """
        client.close()
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(6))
        client = Client(batch_age_s=60.0)
        record()
        os.kill(os.getpid(), signal.SIGTERM)
        """,
        6,
        10,
    ),
    "SIGINT": ("record(); os.kill(os.getpid(), signal.SIGINT); time.sleep(60)", -signal.SIGINT, 10),
    "calls while it ends": ("import atexit; atexit.register(record); record(2)", 0, 12),
    "a first call while it ends": ("import atexit; atexit.register(record)", 0, ANY),  # newer Pythons start no thread then
    "a fork before the first call": (
        """
        pid = os.fork()
        record()
        if pid:
            os.waitpid(pid, 0)
        """,
        0,
        20,
    ),
    "a fork with calls on their way": (
        """
        record()
        pid = os.fork()
        if not pid:
            assert client.stats().recorded == 0, client.stats()
            record(5)
            sys.exit(0)
        assert os.waitpid(pid, 0)[1] == 0
        """,
        0,
        15,
    ),
    "a fork after a connection was made": (
        """
        record(); assert client.flush()
        for _ in range(3):
            pid = os.fork()
            if not pid:
                record(5)
                assert client.flush(), client.stats()
                os._exit(0)
            assert os.waitpid(pid, 0)[1] == 0
            record(1); assert client.flush()
        """,
        0,
        28,
    ),
    "a fork of a fork": (
        """
        record()
        for _ in range(3):
            if pid := os.fork():
                os.waitpid(pid, 0)
                break
            record()
        """,
        0,
        40,
    ),
    "a fork while threads record": (
        """
        stop = threading.Event()
        def work():
            while not stop.is_set():
                record(1)
                time.sleep(0.0005)
        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        for _ in range(5):
            time.sleep(0.02)
            pid = os.fork()
            if not pid:
                client.record(provider="a", model="b", task_type="c")
                client.flush()
                os._exit(0)
            assert os.waitpid(pid, 0)[1] == 0
        stop.set()
        for thread in threads:
            thread.join()
        assert client.flush()
        print("recorded", client.stats().recorded + 5)
        """,
        0,
        TOLD,
    ),
    "workers of multiprocessing by fork": (
        """
        record(); assert client.flush()
        context = multiprocessing.get_context("fork")
        workers = [context.Process(target=record) for _ in range(3)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
            assert worker.exitcode == 0
        """,
        0,
        40,
    ),
    "a pool that forks": (
        """
        with multiprocessing.get_context("fork").Pool(2) as pool:
            pool.map(record, [5] * 4)
            pool.close()
            pool.join()
        record()
        """,
        0,
        30,
    ),
    "a prefork server": (
        """
        # As Gunicorn does: the application is loaded, workers are forked, each has handlers of its own and ends by sys.exit.
        record(); assert client.flush()
        def serve():
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
            record()
            os.write(ready[1], b".")
            time.sleep(60)
        ready = os.pipe()
        workers = []
        for _ in range(2):
            pid = os.fork()
            if not pid:
                serve()
            workers.append(pid)
        for _ in workers:
            os.read(ready[0], 1)
        for pid in workers:
            os.kill(pid, signal.SIGTERM)
            assert os.waitpid(pid, 0)[1] == 0
        """,
        0,
        30,
    ),
    "a subprocess": ("import subprocess; record(); subprocess.run(['true'], check=True); record()", 0, 20),
}


def run(
    body: str,
    address: str,
    *,
    python: str = sys.executable,
    is_installed: bool = False,
    timeout_s: float = RUN_TIMEOUT_S,
    **environment: str,
) -> "subprocess.CompletedProcess[str]":
    """Runs a program with a client of the collector at the address, from the sources unless it is installed."""
    text = _BEGINNING + textwrap.dedent(body)
    settings = {"ASSAY_URL": address, "ASSAY_KEY": "secret", "ASSAY_CLIENT_EXIT_TIMEOUT_S": "30"} | environment
    path = "" if is_installed else os.pathsep.join(str(ROOT / folder) for folder in ("client", "gen"))
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("ASSAY_", "PYTHONPATH"))}
    process = subprocess.Popen(
        [python, "-P", "-W", "error", "-c", text],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**inherited, "PYTHONPATH": path, **settings},
        start_new_session=True,
    )
    try:
        stdout, stderr = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # its children, too, which would hold the pipes open
        process.communicate()
        raise
    return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)
