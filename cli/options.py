"""Options that several commands have. Imported by all of them, so it imports nothing heavy itself."""

from pathlib import Path
from typing import Annotated

import typer

DEFAULT_DATA_DIR = Path(".assay")
DEFAULT_PROJECT = "default"

# Options of `assay` itself, which stand before the command: the settings that they are mostly given by.
TLS_CA = "ASSAY_TLS_CA"
TLS_CERTIFICATE = "ASSAY_TLS_CLIENT_CERTIFICATE"
TLS_KEY = "ASSAY_TLS_CLIENT_KEY"

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
AlerterUrlOption = Annotated[
    str | None,
    typer.Option(
        "--url",
        envvar="ASSAY_ALERTER_URL",
        metavar="HOST:PORT",
        help="gRPC address of an alerter, instead of the one on the data directory.",
        show_default=False,
        rich_help_panel=_PANEL,
    ),
]
AnalyzerUrlOption = Annotated[
    str | None,
    typer.Option(
        "--url",
        envvar="ASSAY_ANALYZER_URL",
        metavar="HOST:PORT",
        help="gRPC address of an analyzer, instead of the one on the data directory.",
        show_default=False,
        rich_help_panel=_PANEL,
    ),
]
ReporterUrlOption = Annotated[
    str | None,
    typer.Option(
        "--url",
        envvar="ASSAY_REPORTER_URL",
        metavar="HOST:PORT",
        help="gRPC address of a reporter, instead of the one on the data directory.",
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
TlsCaOption = Annotated[
    Path | None,
    typer.Option("--tls-ca", envvar=TLS_CA, metavar="FILE", help="With --url: use TLS and trust these authorities.", show_default=False),
]
TlsCertificateOption = Annotated[
    Path | None,
    typer.Option("--tls-certificate", envvar=TLS_CERTIFICATE, metavar="FILE", help="Show this certificate.", show_default=False),
]
TlsKeyOption = Annotated[
    Path | None, typer.Option("--tls-key", envvar=TLS_KEY, metavar="FILE", help="The certificate's key.", show_default=False)
]
CallsPerSOption = Annotated[
    int | None, typer.Option("--calls-per-s", min=0, help="Calls and evidence a second, on each front; 0: no limit.", show_default=False)
]
CallsBurstOption = Annotated[
    int | None, typer.Option("--calls-burst", min=0, help="How many of them at once; 0: as many as in 10 s.", show_default=False)
]
OpenStreamsOption = Annotated[
    int | None,
    typer.Option("--open-streams", min=0, help="Open streams of a kind, on each front; 0: as usual.", show_default=False),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
ProjectOption = Annotated[str, typer.Option("--project", metavar="PROJECT", help="Which project.")]
InstallationOption = Annotated[bool, typer.Option("--installation", help="Those of the installation instead of a project's.")]


def owner(project: str, *, of_installation: bool) -> str:
    """What the contract calls the owner of keys and audit events: a project, or "" for the installation."""
    return "" if of_installation else project
