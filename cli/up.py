"""`assay up`: starts the suite, or one of its processes."""

import os
import sys
from enum import Enum
from typing import Annotated

import typer

from cli.options import DEFAULT_DATA_DIR, DataDirOption


class ProcessName(Enum):
    """A process that can run on its own."""

    COLLECTOR = "collector"
    WRITER = "writer"
    ANALYZER = "analyzer"
    ALERTER = "alerter"
    REPORTER = "reporter"
    GATEWAY = "gateway"


# -P: a directory `services` or `gateway` where the command is run must not be taken for ours.
PYTHON = (sys.executable, "-P", "-m")
PROGRAMS = {
    ProcessName.COLLECTOR: (*PYTHON, "services.collector", "front"),
    ProcessName.WRITER: (*PYTHON, "services.collector", "writer"),
    ProcessName.ANALYZER: (*PYTHON, "services.analyzer"),
    ProcessName.ALERTER: (*PYTHON, "services.alerter"),
    ProcessName.REPORTER: (*PYTHON, "services.reporter"),
    ProcessName.GATEWAY: (*PYTHON, "gateway"),
}


def up(
    process: Annotated[
        ProcessName | None,
        typer.Argument(
            metavar="[collector|writer|analyzer|alerter|reporter|gateway]",
            help="Run this process alone, set by the environment.",
            show_default=False,
        ),
    ] = None,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    port: Annotated[
        int | None,
        typer.Option("--port", min=0, max=65_535, help="The gateway's port; 0 has all ports picked.", show_default="8080"),
    ] = None,
) -> None:
    """Start everything, with its own PostgreSQL and NATS, until Ctrl-C.

    Data, logs and keys stay in the data directory. With ASSAY_DATABASE_URL and ASSAY_NATS_URL existing servers are
    used instead. When all is ready, one line with a login link is printed.
    """
    if process is not None:
        os.execv(sys.executable, PROGRAMS[process])  # noqa: S606 - becomes that process: signals and exit code are its own
    from cli.work.suite import run_suite

    run_suite(data_dir, port)
