"""`assay log`: changes what the running processes log."""

from enum import Enum
from typing import Annotated

import typer

from cli.options import DEFAULT_DATA_DIR, DataDirOption, JsonOption, KeyOption, UrlOption


class LevelName(Enum):
    """How much is logged, most first."""

    TRACE = "TRACE"
    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


def log(
    *,
    module: Annotated[
        str, typer.Argument(metavar="MODULE", help="A Python module, such as services.collector, or `all`.", show_default=False)
    ],
    level: Annotated[LevelName, typer.Argument(case_sensitive=False, show_default=False)],
    json: JsonOption = False,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    url: UrlOption = None,
    key: KeyOption = None,
) -> None:
    """Set how much a module logs in every running process.

    It holds for the modules below it, too, until the process ends or it is set again.
    """
    from cli.work.levels import set_levels

    set_levels(data_dir, url, key, module, level.name, json=json)
