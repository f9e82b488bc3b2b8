"""`assay login`: a link that logs a browser in, once."""

from typing import Annotated

import typer

from cli.options import DEFAULT_DATA_DIR, DataDirOption, JsonOption, KeyOption, UrlOption


def login(
    gateway: Annotated[
        str | None,
        typer.Option(
            "--gateway",
            envvar="ASSAY_GATEWAY_URL",
            metavar="URL",
            help="Where the dashboard is, with --url.",
            show_default=False,
        ),
    ] = None,
    json: JsonOption = False,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    url: UrlOption = None,
    key: KeyOption = None,
) -> None:
    """Print a fresh login link for the dashboard. It works once."""
    from cli.work import access, connection

    if url is not None and gateway is None:
        raise typer.BadParameter("with --url, say where the dashboard is", param_hint="--gateway")
    target = connection.find(data_dir, url, key)
    access.show_login_link(target, gateway or connection.gateway_url(data_dir), json=json)
