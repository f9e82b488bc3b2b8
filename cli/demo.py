"""`assay demo`: the suite with a simulated fleet in it, to look at."""

from pathlib import Path
from typing import Annotated

import typer

from cli.simulate import RATE_MAX, RATE_MIN, seconds_of

DEFAULT_DEMO_DIR = Path(".assay-demo")
# Enough that each kind of task is seen every minute, and little enough to run beside other work.
DEFAULT_RATE = 2.0
DEFAULT_HISTORY_S = 30 * 86_400.0
# Often enough that whoever looks for a quarter of an hour sees one, which lasts some minutes.
DEFAULT_INCIDENT_EVERY_S = 900.0


def demo(
    *,
    data_dir: Annotated[
        Path, typer.Option("--data-dir", metavar="DIR", help="Its own data directory; the one of `assay up` is left alone.")
    ] = DEFAULT_DEMO_DIR,
    port: Annotated[
        int | None,
        typer.Option("--port", min=0, max=65_535, help="The gateway's port; 0 has all ports picked.", show_default="8080"),
    ] = None,
    rate: Annotated[float, typer.Option("--rate", min=RATE_MIN, max=RATE_MAX, help="Calls a second, on average.")] = DEFAULT_RATE,
    history: Annotated[
        float | None, typer.Option("--history", parser=seconds_of, metavar="30d", help="How much of the past there is.", show_default="30d")
    ] = None,
    incident_every: Annotated[
        float | None,
        typer.Option(
            "--incident-every", parser=seconds_of, metavar="15m", help="Let something go wrong once in each such time.", show_default="15m"
        ),
    ] = None,
) -> None:
    """Start everything with a simulated fleet in it.

    A month of the past is recorded first, then the present as it comes, until Ctrl-C. Now and then something goes wrong, and is
    told here: outages, errors, latency, cost, quality. The login link is printed before all that.
    """
    from cli.work.demo import run_demo

    run_demo(data_dir, port, rate, history or DEFAULT_HISTORY_S, incident_every or DEFAULT_INCIDENT_EVERY_S)
