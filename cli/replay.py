"""`assay replay`: sends recorded calls and evidence again."""

from pathlib import Path
from typing import Annotated

import typer

from cli.options import DEFAULT_DATA_DIR, DEFAULT_PROJECT, DataDirOption, JsonOption, KeyOption, ProjectOption, UrlOption

REAL_TIME = "real"


def speed_of(text: str) -> float:
    """Times real time: `real` is 1. Raises a usage error."""
    try:
        speed = 1.0 if text == REAL_TIME else float(text)
    except ValueError:
        speed = 0.0
    if not 0 < speed < float("inf"):
        raise typer.BadParameter("write `real` or a number above 0, such as 60")
    return speed


def replay(
    *,
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="JSON lines of Call or Evidence, gzip or not; `-` reads standard input.", show_default=False),
    ],
    speed: Annotated[
        float | None,
        typer.Option("--speed", parser=speed_of, metavar="real|N", help="In real time or N times that.", show_default="as fast as it goes"),
    ] = None,
    rebase: Annotated[bool, typer.Option("--rebase", help="Shift all times so that the last one is now when it is sent.")] = False,
    project: ProjectOption = DEFAULT_PROJECT,
    json: JsonOption = False,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    url: UrlOption = None,
    key: KeyOption = None,
) -> None:
    """Send calls or evidence from a file and wait until all is stored.

    Bad lines are counted as rejected and told with their number. What was sent before is counted as duplicate, so a
    replay that was interrupted can simply be run again.
    """
    from cli.work import connection
    from cli.work.replay import Plan, show_replay

    if rebase and str(file) == "-":
        raise typer.BadParameter("needs a file, since it is read twice", param_hint="--rebase")
    show_replay(connection.find(data_dir, url, key), Plan(file, project, speed, rebase), json=json)
