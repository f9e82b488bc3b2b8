"""Exports a table: asks, writes, shows how far it is, and says how many rows there were."""

import sys
from collections.abc import Callable
from pathlib import Path

import grpc.aio
from rich.console import Console

from cli.work.connection import Target, ask
from cli.work.exporting.columns import ExportTable
from cli.work.exporting.writers import STANDARD_OUTPUT, Format, writer


def show_export(target: Target, file: Path, file_format: Format, table_of: Callable[[grpc.aio.Channel], ExportTable]) -> None:
    """Writes the table to the file, or for `-` to standard output. Raises AssayError."""

    async def export(channel: grpc.aio.Channel) -> int:
        table = table_of(channel)
        row_count = 0
        with console.status("") as status, writer(file, file_format, table.columns) as opened:
            async for rows in table.parts:
                opened.write(rows)
                row_count += len(rows)
                status.update(f"{row_count:,} rows")
        return row_count

    console = Console(stderr=True, quiet=not sys.stderr.isatty())
    row_count = ask(target, export)
    if file != STANDARD_OUTPUT:
        print(f"{row_count:,} rows written to {file}")
