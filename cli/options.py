"""Options that several commands have. Imported by all of them, so it imports nothing heavy itself."""

from pathlib import Path
from typing import Annotated

import typer

DEFAULT_DATA_DIR = Path(".assay")
DEFAULT_PROJECT = "default"

_PANEL = "Which suite"

DataDirOption = Annotated[
    Path,
    typer.Option("--data-dir", envvar="ASSAY_DATA_DIR", metavar="DIR", help="Data directory of the suite.", rich_help_panel=_PANEL),
]
UrlOption = Annotated[
    str | None,
    typer.Option(
        "--url",
        envvar="ASSAY_URL",
        metavar="HOST:PORT",
        help="gRPC address of a collector, instead of the one on the data directory.",
        show_default=False,
        rich_help_panel=_PANEL,
    ),
]
KeyOption = Annotated[
    str | None,
    typer.Option(
        "--key",
        envvar="ASSAY_KEY",
        metavar="KEY",
        help="Key to use, instead of the data directory's admin key.",
        show_default=False,
        rich_help_panel=_PANEL,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
ProjectOption = Annotated[str, typer.Option("--project", metavar="PROJECT", help="Which project.")]
InstallationOption = Annotated[bool, typer.Option("--installation", help="Those of the installation instead of a project's.")]


def owner(project: str, *, of_installation: bool) -> str:
    """What the contract calls the owner of keys and audit events: a project, or "" for the installation."""
    return "" if of_installation else project
