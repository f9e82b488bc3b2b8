"""`assay db`: looks after the database."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from cli.options import DEFAULT_DATA_DIR, DataDirOption, JsonOption

app = typer.Typer(help="Look after the database.\n\nThe one of ASSAY_DATABASE_URL, or else of the running suite.", no_args_is_help=True)


def moment(text: str) -> datetime:
    """A day or an instant in ISO 8601, in UTC where it names no zone. Raises a usage error."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter("write a day or an instant, such as 2026-05-01 or 2026-05-01T12:00:00Z") from None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


@app.command()
def migrate(json: JsonOption = False, data_dir: DataDirOption = DEFAULT_DATA_DIR) -> None:
    """Bring the tables to what this version needs. The collector does so itself when it starts."""
    from cli.work import database

    database.migrate(data_dir, json=json)


@app.command()
def status(json: JsonOption = False, data_dir: DataDirOption = DEFAULT_DATA_DIR) -> None:
    """Show server, version of the tables, and how much room they take."""
    from cli.work import database

    database.show_status(data_dir, json=json)


@app.command()
def rebuild(
    *,
    project: Annotated[str | None, typer.Option("--project", metavar="PROJECT", help="Which project.", show_default="all of them")] = None,
    start: Annotated[
        datetime | None, typer.Option("--start", parser=moment, metavar="TIME", help="First instant.", show_default="the first kept")
    ] = None,
    end: Annotated[
        datetime | None, typer.Option("--end", parser=moment, metavar="TIME", help="End, exclusive.", show_default="now")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Change nothing; exit code 1 if something differs.")] = False,
    json: JsonOption = False,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
) -> None:
    """Recompute roll-ups from calls and mend what differs.

    It changes nothing where nothing was wrong. The collector may go on meanwhile.
    """
    from cli.work import database

    if database.rebuild(data_dir, project, start, end, check=check, json=json) and check:
        raise typer.Exit(1)
