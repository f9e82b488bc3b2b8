"""`assay sources`: what each source of calls fills in."""

from typing import Annotated

import typer

from cli.options import DEFAULT_DATA_DIR, DEFAULT_PROJECT, DataDirOption, JsonOption, KeyOption, ProjectOption, UrlOption


def sources(
    *,
    all_fields: Annotated[bool, typer.Option("--all", help="The fields that are filled as well.")] = False,
    project: ProjectOption = DEFAULT_PROJECT,
    json: JsonOption = False,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    url: UrlOption = None,
    key: KeyOption = None,
) -> None:
    """Show what programs and instrumentations never tell of their calls, or no longer, and what cannot be shown for it.

    Of each, the calls of a batch every second are looked at.
    """
    from cli.work import connection
    from cli.work.sources import show_sources

    show_sources(connection.find(data_dir, url, key), project, all_fields=all_fields, json=json)
