"""However a process ends, forks or is told to end: what arrives, and that it ends as it would have without the client."""

import pytest

from tests.client.neighbour import Neighbour
from tests.client.programs import ANY, ENDINGS, TOLD, run

pytestmark = pytest.mark.usefixtures("server")


@pytest.mark.parametrize("name", ENDINGS)
def test_what_was_recorded_has_arrived_when_a_program_has_ended(name: str, neighbour: Neighbour) -> None:
    body, exit_code, count = ENDINGS[name]
    done = run(body, neighbour.address)
    assert done.returncode == exit_code, done.stderr
    if count == TOLD:
        count = int(done.stdout.removeprefix("recorded "))
    assert count in {len(neighbour.calls), ANY}, done.stderr
    neighbour.assert_nothing_twice()


def test_an_exception_is_printed_as_ever_and_nothing_else(neighbour: Neighbour) -> None:
    done = run("record(); raise SystemError('mine')", neighbour.address)
    assert done.stderr.splitlines()[-1] == "SystemError: mine"
    assert done.stderr.startswith("Traceback") and done.stdout == ""


@pytest.mark.parametrize("body", ["record()", "record(); os.kill(os.getpid(), signal.SIGTERM); time.sleep(60)"])
def test_without_a_collector_a_program_ends_in_its_time(body: str) -> None:
    done = run(body, "127.0.0.1:1", ASSAY_CLIENT_EXIT_TIMEOUT_S="0.5", timeout_s=60.0)
    assert done.returncode in {0, -15}
    assert "10 calls or pieces of evidence could not be sent" in done.stderr
