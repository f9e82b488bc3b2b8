"""`assay keys`: makes, lists and revokes keys."""

import re
from datetime import timedelta
from enum import Enum
from typing import Annotated

import typer

from cli.options import (
    DEFAULT_DATA_DIR,
    DEFAULT_PROJECT,
    CallsBurstOption,
    CallsPerSOption,
    DataDirOption,
    InstallationOption,
    JsonOption,
    KeyOption,
    OpenStreamsOption,
    ProjectOption,
    UrlOption,
    owner,
)

app = typer.Typer(help="Make, list and revoke keys.", no_args_is_help=True)

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_LIFETIME = re.compile(r"(?P<number>[1-9][0-9]{0,8})(?P<unit>[smhdw])")


class RoleName(Enum):
    """What a key may do."""

    RECORD = "record"
    READ = "read"
    OPERATE = "operate"
    ADMIN = "admin"
    INSTALLATION_ADMIN = "installation-admin"


def lifetime(text: str) -> timedelta:
    """The time that `90d` and the like say. Raises a usage error."""
    match = _LIFETIME.fullmatch(text)
    if match is None:
        raise typer.BadParameter("write a number and one of s, m, h, d, w, such as 90d")
    try:
        return timedelta(**{_UNITS[match["unit"]]: int(match["number"])})
    except OverflowError:
        raise typer.BadParameter("that is longer than a date can hold; leave it out for a key without an end") from None


@app.command()
def create(
    *,
    role: Annotated[list[RoleName], typer.Option("--role", help="What it may do; can be given several times.", show_default=False)],
    project: Annotated[str | None, typer.Option("--project", metavar="PROJECT", help="Whose key.", show_default=DEFAULT_PROJECT)] = None,
    name: Annotated[str, typer.Option("--name", help="What people call it.", show_default=False)] = "",
    expires: Annotated[
        timedelta | None,
        typer.Option("--expires", parser=lifetime, metavar="TIME", help="How long it works, such as 90d.", show_default="for ever"),
    ] = None,
    calls_per_s: CallsPerSOption = None,
    calls_burst: CallsBurstOption = None,
    open_streams: OpenStreamsOption = None,
    json: JsonOption = False,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    url: UrlOption = None,
    key: KeyOption = None,
) -> None:
    """Make a key. It is shown this once."""
    from cli.work import access, connection

    if project is None:  # the installation's admin belongs to no project
        project = owner(DEFAULT_PROJECT, of_installation=RoleName.INSTALLATION_ADMIN in role)
    roles = [each.name for each in role]
    quota = access.quota(calls_per_s, calls_burst, open_streams)
    access.create_key(connection.find(data_dir, url, key), project, name, roles, expires, quota=quota, json=json)


@app.command("list")
def list_keys(
    *,
    project: ProjectOption = DEFAULT_PROJECT,
    installation: InstallationOption = False,
    json: JsonOption = False,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    url: UrlOption = None,
    key: KeyOption = None,
) -> None:
    """List keys, the newest first. Their secrets are not kept anywhere."""
    from cli.work import access, connection

    access.list_keys(connection.find(data_dir, url, key), owner(project, of_installation=installation), json=json)


@app.command()
def revoke(
    *,
    key_id: Annotated[str, typer.Argument(metavar="KEY_ID", help="From `assay keys list`.", show_default=False)],
    project: ProjectOption = DEFAULT_PROJECT,
    installation: InstallationOption = False,
    json: JsonOption = False,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    url: UrlOption = None,
    key: KeyOption = None,
) -> None:
    """End a key, and the sessions that came from it. It stops working everywhere within 5 seconds."""
    from cli.work import access, connection

    access.revoke_key(connection.find(data_dir, url, key), owner(project, of_installation=installation), key_id, json=json)
