"""`assay alerts silence`: what nobody is to be told of for a while."""

from datetime import timedelta
from typing import Annotated

import typer

from cli.keys import lifetime
from cli.options import DEFAULT_DATA_DIR, DEFAULT_PROJECT, AlerterUrlOption, DataDirOption, JsonOption, KeyOption, ProjectOption

app = typer.Typer(help="Make, list and end silences.", no_args_is_help=True)

LENGTH_DEFAULT = timedelta(hours=2)
LENGTH_MAX = timedelta(days=366)  # the contract's


def length(text: str) -> timedelta:
    """The time that `2h` and the like say. Raises a usage error."""
    found = lifetime(text)
    if found > LENGTH_MAX:
        raise typer.BadParameter(f"a silence lasts at most {LENGTH_MAX.days} days")
    return found


@app.command()
def create(
    *,
    matchers: Annotated[
        list[str],
        typer.Argument(metavar="MATCHER…", help="What labels must be, such as provider=openai or model=~gpt-.*", show_default=False),
    ],
    for_: Annotated[
        timedelta | None, typer.Option("--for", parser=length, metavar="TIME", help="How long, such as 30m or 2d.", show_default="2h")
    ] = None,
    comment: Annotated[str, typer.Option("--comment", metavar="TEXT", help="Why.", show_default=False)] = "",
    project: ProjectOption = DEFAULT_PROJECT,
    json: JsonOption = False,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    url: AlerterUrlOption = None,
    key: KeyOption = None,
) -> None:
    """Silence alerts that all the matchers fit, from now."""
    from cli.work import connection
    from cli.work.silences import create_silence

    create_silence(connection.find(data_dir, url, key, connection.ALERTER), project, matchers, for_ or LENGTH_DEFAULT, comment, json=json)


@app.command("list")
def list_silences(
    *,
    all_: Annotated[bool, typer.Option("--all", help="Those of the last 30 days that are over, too.")] = False,
    project: ProjectOption = DEFAULT_PROJECT,
    json: JsonOption = False,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    url: AlerterUrlOption = None,
    key: KeyOption = None,
) -> None:
    """List silences, at most 1,000."""
    from cli.work import connection
    from cli.work.silences import show_silences

    show_silences(connection.find(data_dir, url, key, connection.ALERTER), project, includes_expired=all_, json=json)


@app.command()
def expire(
    *,
    silence_id: Annotated[str, typer.Argument(metavar="SILENCE_ID", help="From `assay alerts silence list`.", show_default=False)],
    project: ProjectOption = DEFAULT_PROJECT,
    json: JsonOption = False,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    url: AlerterUrlOption = None,
    key: KeyOption = None,
) -> None:
    """End a silence now."""
    from cli.work import connection
    from cli.work.silences import expire_silence

    expire_silence(connection.find(data_dir, url, key, connection.ALERTER), project, silence_id, json=json)
