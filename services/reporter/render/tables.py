"""A report's tables as CSV, one file each: numbers as numbers, as they are shown, and what they mean beside them."""

import csv
import io
import zipfile

from services.reporter.domain.report import Cell, Report, Sheet

# What a spreadsheet takes for a formula when a text begins with it.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)


def tables(report: Report) -> dict[str, str]:
    """CSV (RFC 4180) by the file's name."""
    return {f"{sheet.name}.csv": _csv(sheet) for sheet in (report.changes, *report.sheets)}


def tables_zip(report: Report) -> bytes:
    """All of them in one file, the same bytes for the same report."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in tables(report).items():
            archive.writestr(zipfile.ZipInfo(name, _ZIP_TIME), text, zipfile.ZIP_DEFLATED)
    return content.getvalue()


def _csv(sheet: Sheet) -> str:
    """Each column of numbers has one for its unit beside it, and one for its mark if there are marks."""
    kinds = [_kinds(sheet, place) for place in range(len(sheet.columns))]
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([name for column, kind in zip(_names(sheet), kinds, strict=True) for name in _header(column, kind)])
    writer.writerows([value for cell, kind in zip(row, kinds, strict=True) for value in _values(cell, kind)] for row in sheet.rows)
    return text.getvalue()


def _names(sheet: Sheet) -> list[str]:
    """What columns are called; those without a name are told by their place."""
    return [column.strip() or ("Measure" if place < sheet.number_from else f"Value {place}") for place, column in enumerate(sheet.columns)]


def _kinds(sheet: Sheet, place: int) -> tuple[bool, bool]:
    """Whether a column has numbers, and whether it has marks."""
    cells = [row[place] for row in sheet.rows]
    return any(cell.value is not None for cell in cells), any(cell.mark.value for cell in cells)


def _header(column: str, kind: tuple[bool, bool]) -> list[str]:
    has_numbers, has_marks = kind
    return [column, *([f"{column}: unit"] if has_numbers else []), *([f"{column}: significance"] if has_marks else [])]


def _values(cell: Cell, kind: tuple[bool, bool]) -> list[str]:
    has_numbers, has_marks = kind
    shown = _number(cell.value) if cell.value is not None else "" if cell.text == "–" else _safe(cell.text)
    return [shown, *([cell.unit] if has_numbers else []), *([cell.mark.value] if has_marks else [])]


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else f"{value:.12g}"


def _safe(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
