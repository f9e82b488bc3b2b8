"""`assay backup` and `assay restore`."""

from pathlib import Path
from typing import Annotated

import typer

from cli.options import DEFAULT_DATA_DIR, DataDirOption, JsonOption


def backup(
    path: Annotated[Path, typer.Argument(metavar="FILE|DIR", help="The file to write, or a directory for one named by the time.")],
    *,
    json: JsonOption = False,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
) -> None:
    """Write everything into one file, while Assay goes on.

    The database as it is at one instant, what was acknowledged before and is not stored yet, and the keys of the data
    directory. The database and bus of ASSAY_DATABASE_URL and ASSAY_NATS_URL, or else of the running suite.
    """
    from cli.work.backup import making

    making.back_up(data_dir, path, json=json)


def restore(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="What `assay backup` wrote.")],
    *,
    json: JsonOption = False,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
) -> None:
    """Restore a backup into an empty data directory or database.

    Assay must not run there. With ASSAY_DATABASE_URL and ASSAY_NATS_URL into those servers, or else into the data
    directory. A bus that survived keeps what came after the backup: it is stored as well.
    """
    from cli.work.backup import restoring

    restoring.restore(data_dir, path, json=json)
