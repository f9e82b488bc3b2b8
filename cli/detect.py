"""`assay detect`: what is out of the ordinary in a series of one's own."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from cli.options import JsonOption

EXIT_BAD_INPUT = 2


def detect(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="CSV with the columns timestamp and value; - is standard input.")],
    json: JsonOption = False,
) -> None:
    """Find what is out of the ordinary in a series.

    Prints the file back with two more columns. is_anomaly is 1 where there is news, once in an episode; score is the more, the
    less probable the row is. Each row is judged by itself and the rows before it. A timestamp is ISO 8601 (UTC where it names no zone) or
    seconds since 1970; a value that is empty or not finite is missing and changes nothing. docs/detection.md tells how it works.
    """
    from cli.work.detect import print_detected
    from kit.errors import AssayError

    try:
        print_detected(file, json=json)
    except AssayError as error:
        print(error.message, file=sys.stderr)
        raise typer.Exit(EXIT_BAD_INPUT) from None
