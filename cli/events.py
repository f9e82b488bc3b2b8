"""`assay events`: what travels on the bus."""

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from cli.db import moment
from cli.options import DEFAULT_DATA_DIR, DataDirOption

if TYPE_CHECKING:
    from cli.work.events.run import Wish

app = typer.Typer(
    no_args_is_help=True,
    help="Print the event log as JSON lines.\n\nIt is read where it is kept, the NATS server of ASSAY_NATS_URL or of the running suite, "
    "with all that this installation has: docs/events.md says what each event is.",
)


class EventName(StrEnum):
    """Kinds of events."""

    CALLS = "calls"
    EVIDENCE = "evidence"
    WINDOWS = "windows"
    ANOMALIES = "anomalies"
    ALERTS = "alerts"
    RANKINGS = "rankings"
    REPORTS = "reports"


NamesArgument: TypeAlias = Annotated[
    list[EventName] | None, typer.Argument(metavar="[KIND]…", help=f"{', '.join(EventName)}; all of them if none is named.")
]
ProjectOnlyOption: TypeAlias = Annotated[str, typer.Option("--project", metavar="PROJECT", help="Only this project's.", show_default=False)]


@app.command()
def tail(
    kinds: NamesArgument = None,
    *,
    start: Annotated[
        datetime | None, typer.Option("--start", parser=moment, metavar="TIME", help="First what is kept since then.", show_default="now")
    ] = None,
    project: ProjectOnlyOption = "",
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
) -> None:
    """Print events as they come, until Ctrl-C."""
    from cli.work.events import run

    run.tail(data_dir, _wish(kinds, project, start, is_new=start is None))


@app.command()
def export(
    kinds: NamesArgument = None,
    *,
    start: Annotated[
        datetime | None, typer.Option("--start", parser=moment, metavar="TIME", help="First moment.", show_default="the first kept")
    ] = None,
    project: ProjectOnlyOption = "",
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
) -> None:
    """Print all events that are kept, one kind after the other, each in its order."""
    from cli.work.events import run

    run.export(data_dir, _wish(kinds, project, start, is_new=False))


@app.command()
def address(data_dir: DataDirOption = DEFAULT_DATA_DIR) -> None:
    """Print where the event log is read, with the password: for consumers of your own on this machine."""
    from cli.work.events import run

    print(run.address(data_dir))


def _wish(kinds: list[EventName] | None, project: str, start: datetime | None, *, is_new: bool) -> "Wish":
    from cli.work.events.reading import Start
    from cli.work.events.run import Wish

    return Wish([kind.value for kind in kinds or EventName], project, Start(is_new, start))
