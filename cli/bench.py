"""`assay bench`: measures what Assay promises, on a suite of its own."""

from typing import Annotated

import typer

from cli.options import JsonOption


def bench(
    areas: Annotated[list[str] | None, typer.Argument(metavar="[AREA]…", help="Which areas; all of them if none is named.")] = None,
    json: JsonOption = False,
) -> None:
    """Measure speed, memory and disk, and compare with what is promised.

    Takes some minutes and both cores of a small machine; nothing else should run beside it.
    """
    from cli.work.bench import run_benches

    run_benches(areas or [], json=json)
