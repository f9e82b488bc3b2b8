"""A report as Markdown: for a chat, an issue, a wiki; and the plain text of a mail."""

import re

from services.reporter.domain.report import Cell, Mark, Recommendation, Report, Sheet

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~])")


def markdown(report: Report) -> str:
    """The whole report but the longest table, as CommonMark with tables."""
    sheets = {sheet.name: sheet for sheet in report.sheets}
    parts = [f"# {_plain(report.title)}", *(f"> {_plain(note)}" for note in report.notes)]
    parts.append("\n".join(f"- {_plain(line)}" for line in report.summary))
    if not report.is_empty or report.recommendations:
        parts.append("## What changed")
        parts += [
            f"**{_plain(each.title)}.** {_plain(each.text)}" + (f" Effect: {_plain(each.effect.text)}." if each.effect else "")
            for each in report.insights
        ] or ["Nothing beyond the usual ups and downs."]
        parts.append("## What to do")
        parts += [_recommendation(each) for each in report.recommendations] or ["Nothing: no change would surely pay."]
    if report.follow_ups:
        parts.append("## What became of earlier advice")
        parts += [f"**{_plain(each.title)}** ({each.state}). {_plain(each.text)}" for each in report.follow_ups]
    parts += ["## Money", _plain(report.money.text)]
    for sheet in (sheets["growth"], sheets["models"], report.changes, sheets["providers"], sheets["durations"], sheets["best_and_worst"]):
        if sheet.rows:
            parts += [f"## {_plain(sheet.title)}", _table(sheet)]
    for name in ("incidents", "prompts", "ledger"):
        parts += [f"## {_plain(sheets[name].title)}", _table(sheets[name])]
    if report.data_quality:
        parts += ["## How good the data are", *(_plain(line) for line in report.data_quality)]
    return "\n\n".join(parts) + "\n"


def summary_text(report: Report, link: str = "") -> str:
    """Title, summary and a link: what a chat or a plain mail shows."""
    lines = [report.title, *(f"({note})" for note in report.notes), "", *(f"- {line}" for line in report.summary)]
    for number, each in enumerate(report.recommendations, 1):
        saving = f": saves {each.saving.text} a month" if each.saving else ""
        lines.append(f"{'' if number > 1 else chr(10)}{number}. {each.title}{saving}")
    return "\n".join([*lines, *(["", link] if link else [])]) + "\n"


def _recommendation(each: Recommendation) -> str:
    facts = [f"saves {each.saving.text} a month"] if each.saving else []
    facts += [f"{name} {estimate.text}" for name, estimate in each.effects]
    if each.comparable_call_count:
        facts.append(f"from {each.comparable_call_count:,} comparable calls")
    facts.append(f"confidence {each.confidence}")
    lines = (f"**{_plain(each.title)}**: {_plain('; '.join(facts))}.", _plain(each.text), f"To undo: {_plain(each.undo)}")
    return "\n\n".join(lines)


def _table(sheet: Sheet) -> str:
    if not sheet.rows:
        return sheet.empty
    rule = ["---:" if place >= sheet.number_from else "---" for place in range(len(sheet.columns))]
    rows = [[_plain(each) for each in sheet.columns], rule, *([_cell(cell) for cell in row] for row in sheet.rows)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _cell(cell: Cell) -> str:
    if cell.mark is Mark.NONE:
        return _plain(cell.text)
    word = "" if cell.mark is Mark.CHANGED else f" {cell.mark.value}"
    return f"**{_plain(cell.text)}{word}**"


def _plain(text: str) -> str:
    """Nothing in names or messages is markup, and nothing ends a line."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))
